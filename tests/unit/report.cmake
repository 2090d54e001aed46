# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Tests of src/report.
add_library(report_help STATIC ${CMAKE_CURRENT_LIST_DIR}/report_help.c)
target_link_libraries(report_help PUBLIC numaring_report numaring_inside PkgConfig::CMOCKA m)

foreach(test IN ITEMS compare diff hist report_faults report_io report_irq report_net report_syscalls)
	add_executable(test_${test} ${CMAKE_CURRENT_LIST_DIR}/test_${test}.c)
	target_link_libraries(test_${test} PRIVATE report_help)
	add_test(NAME unit/${test} COMMAND test_${test})
	set_tests_properties(unit/${test} PROPERTIES TIMEOUT 100)
endforeach()
