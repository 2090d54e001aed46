# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Tests of src/ring, src/drain, src/merge and the merge thread, on test doubles of the kernel's ring and of
# programs that write to lanes.
add_library(fake_ring STATIC ${CMAKE_CURRENT_LIST_DIR}/fake_ring.c
	${CMAKE_CURRENT_LIST_DIR}/fake_lane.c)
target_include_directories(fake_ring PUBLIC ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(fake_ring PUBLIC numaring_inside PkgConfig::CMOCKA)

foreach(test IN ITEMS ring sort shard lane losses counts merge order threads clock)
	add_executable(test_${test} ${CMAKE_CURRENT_LIST_DIR}/test_${test}.c)
	target_link_libraries(test_${test} PRIVATE nr_flags fake_ring)
	add_test(NAME unit/${test} COMMAND test_${test})
	set_tests_properties(unit/${test} PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77)
endforeach()

# Which shards are asked for a watermark.
target_link_options(test_threads PRIVATE -Wl,--wrap=nr_consumer_kick -Wl,--wrap=nr_packet_room
	-Wl,--wrap=nr_delivery_send)
# Allocations that fail.
target_link_options(test_shard PRIVATE -Wl,--wrap=mmap)
target_link_options(test_lane PRIVATE -Wl,--wrap=calloc -Wl,--wrap=mmap)
target_link_options(test_merge PRIVATE -Wl,--wrap=calloc -Wl,--wrap=aligned_alloc)
