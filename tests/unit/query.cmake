# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Tests of src/query.
add_library(query_help STATIC ${CMAKE_CURRENT_LIST_DIR}/query_help.c)
target_link_libraries(query_help PUBLIC trace_help)

foreach(test IN ITEMS query query_random)
	add_executable(test_${test} ${CMAKE_CURRENT_LIST_DIR}/test_${test}.c)
	target_link_libraries(test_${test} PRIVATE query_help)
	add_test(NAME unit/${test} COMMAND test_${test})
	set_tests_properties(unit/${test} PROPERTIES TIMEOUT 120)
endforeach()
