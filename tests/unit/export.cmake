# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Tests of src/export.
foreach(test IN ITEMS parquet_encode)
	add_executable(test_${test} ${CMAKE_CURRENT_LIST_DIR}/test_${test}.c)
	target_link_libraries(test_${test} PRIVATE numaring_export numaring_inside PkgConfig::CMOCKA)
	add_test(NAME unit/${test} COMMAND test_${test})
	set_tests_properties(unit/${test} PROPERTIES TIMEOUT 100)
endforeach()

add_executable(test_perfetto ${CMAKE_CURRENT_LIST_DIR}/test_perfetto.c)
target_link_libraries(test_perfetto PRIVATE numaring_export report_help)
add_test(NAME unit/perfetto COMMAND test_perfetto)
set_tests_properties(unit/perfetto PROPERTIES TIMEOUT 100)
