# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
add_executable(test_plan ${CMAKE_CURRENT_LIST_DIR}/test_plan.c)
target_include_directories(test_plan PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(test_plan PRIVATE nr_flags nr_topology PkgConfig::HWLOC PkgConfig::CMOCKA)
add_test(NAME unit/plan COMMAND test_plan)
set_tests_properties(unit/plan PROPERTIES TIMEOUT 400 SKIP_RETURN_CODE 77)

add_executable(test_hosts ${CMAKE_CURRENT_LIST_DIR}/test_hosts.c)
target_compile_definitions(test_hosts PRIVATE
	HOSTS_DIR="${PROJECT_SOURCE_DIR}/topology/hosts"
	GOLDEN_DIR="${CMAKE_CURRENT_LIST_DIR}/golden/plans")
target_link_libraries(test_hosts PRIVATE nr_flags nr_topology PkgConfig::CMOCKA)
add_test(NAME unit/hosts COMMAND test_hosts)
set_tests_properties(unit/hosts PROPERTIES TIMEOUT 400 SKIP_RETURN_CODE 77)
