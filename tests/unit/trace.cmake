# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Tests of src/types, src/packet, src/output, src/read and src/repair.
add_library(trace_help STATIC
	${CMAKE_CURRENT_LIST_DIR}/disk_help.c
	${CMAKE_CURRENT_LIST_DIR}/end_help.c
	${CMAKE_CURRENT_LIST_DIR}/stream_help.c
	${CMAKE_CURRENT_LIST_DIR}/trace_help.c
	${CMAKE_CURRENT_LIST_DIR}/trace_writer.c
	${CMAKE_CURRENT_LIST_DIR}/types_help.c
	${CMAKE_CURRENT_LIST_DIR}/writer_help.c)
target_include_directories(trace_help PUBLIC ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(trace_help PUBLIC nr_flags numaring_inside PkgConfig::CMOCKA)

set(trace_tests
	btf_ctf
	chunks
	damage
	dir
	direct
	end
	frame
	gap
	names
	nodes
	packet
	reader
	repair
	search
	sparse
	text
	types
	writer)
foreach(test IN LISTS trace_tests)
	add_executable(test_${test} ${CMAKE_CURRENT_LIST_DIR}/test_${test}.c)
	target_link_libraries(test_${test} PRIVATE trace_help)
	add_test(NAME unit/${test} COMMAND test_${test})
	set_tests_properties(unit/${test} PROPERTIES TIMEOUT 400 SKIP_RETURN_CODE 77)
endforeach()

# The test makes up and compiles structs at run time, so it needs clang and is skipped without it.
target_link_libraries(test_btf_ctf PRIVATE ${CMAKE_DL_LIBS})
# The disk of disk_help.h.
target_link_options(test_direct PRIVATE -Wl,--wrap=pwrite -Wl,--wrap=pwritev)
target_link_options(test_end PRIVATE -Wl,--wrap=pwrite -Wl,--wrap=pwritev)
target_link_options(test_repair PRIVATE -Wl,--wrap=pwrite -Wl,--wrap=pwritev)
target_link_options(test_writer PRIVATE -Wl,--wrap=pwrite -Wl,--wrap=pwritev)

# The steps of step_help.h.
set(step_wraps linkat mkdirat pwrite renameat unlinkat)
list(TRANSFORM step_wraps PREPEND -Wl,--wrap=)
foreach(test IN ITEMS chunks dir)
	target_sources(test_${test} PRIVATE ${CMAKE_CURRENT_LIST_DIR}/step_help.c)
	target_link_options(test_${test} PRIVATE ${step_wraps})
endforeach()

# The way from the merge to the outputs; memory that runs out, and packers that the test holds.
set(delivery_wraps calloc malloc realloc nr_packet_get nr_packet_ref nr_packet_put nr_packet_build)
list(TRANSFORM delivery_wraps PREPEND -Wl,--wrap=)
add_library(delivery_help STATIC ${CMAKE_CURRENT_LIST_DIR}/delivery_help.c)
target_link_libraries(delivery_help PUBLIC trace_help)
target_link_options(delivery_help INTERFACE ${delivery_wraps})
foreach(test IN ITEMS delivery delivery_random filter output)
	add_executable(test_${test} ${CMAKE_CURRENT_LIST_DIR}/test_${test}.c)
	target_link_libraries(test_${test} PRIVATE delivery_help)
	add_test(NAME unit/${test} COMMAND test_${test})
	set_tests_properties(unit/${test} PROPERTIES TIMEOUT 400)
endforeach()
