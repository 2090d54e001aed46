# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Tests of src/report.
add_library(report_help STATIC ${CMAKE_CURRENT_LIST_DIR}/report_help.c)
target_link_libraries(report_help PUBLIC numaring_report numaring_inside PkgConfig::CMOCKA m)

foreach(test IN ITEMS compare diff hist pairs report_faults report_io report_irq report_net report_random report_sched report_syscalls rows)
	add_executable(test_${test} ${CMAKE_CURRENT_LIST_DIR}/test_${test}.c)
	target_link_libraries(test_${test} PRIVATE report_help)
	add_test(NAME unit/${test} COMMAND test_${test})
	set_tests_properties(unit/${test} PROPERTIES TIMEOUT 100)
endforeach()

# What numaring top makes of events, without its screen.
set(cli ${PROJECT_SOURCE_DIR}/src/cli)
add_executable(test_top ${CMAKE_CURRENT_LIST_DIR}/test_top.c ${cli}/top_count.c ${cli}/top_table.c
	${cli}/top_views.c ${cli}/fill.c ${cli}/parse.c ${cli}/message.c ${cli}/timed_write.c)
target_link_libraries(test_top PRIVATE report_help)
add_test(NAME unit/top COMMAND test_top)
set_tests_properties(unit/top PROPERTIES TIMEOUT 100)
