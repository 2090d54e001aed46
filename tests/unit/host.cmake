# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
add_executable(test_host ${CMAKE_CURRENT_LIST_DIR}/test_host.c)
target_link_libraries(test_host PRIVATE nr_flags numaring_inside PkgConfig::CMOCKA)
add_test(NAME unit/host COMMAND test_host)

add_executable(test_explain ${CMAKE_CURRENT_LIST_DIR}/test_explain.c)
target_compile_definitions(test_explain PRIVATE REFUSALS="${CMAKE_CURRENT_LIST_DIR}/refusals")
target_link_libraries(test_explain PRIVATE nr_flags numaring_inside PkgConfig::CMOCKA)
add_test(NAME unit/explain COMMAND test_explain)

add_executable(test_object ${CMAKE_CURRENT_LIST_DIR}/test_object.c)
target_link_libraries(test_object PRIVATE nr_flags numaring_inside PkgConfig::CMOCKA)
add_test(NAME unit/object COMMAND test_object)
set_tests_properties(unit/object PROPERTIES TIMEOUT 400)

add_executable(test_packers ${CMAKE_CURRENT_LIST_DIR}/test_packers.c)
target_link_libraries(test_packers PRIVATE nr_flags numaring_inside PkgConfig::CMOCKA)
add_test(NAME unit/packers COMMAND test_packers)

add_executable(test_format ${CMAKE_CURRENT_LIST_DIR}/test_format.c)
target_link_libraries(test_format PRIVATE nr_flags numaring_inside PkgConfig::CMOCKA)
target_include_directories(test_format PRIVATE ${PROJECT_SOURCE_DIR}/bpf)
add_test(NAME unit/format COMMAND test_format)

add_executable(test_symbols ${CMAKE_CURRENT_LIST_DIR}/test_symbols.c)
target_link_libraries(test_symbols PRIVATE nr_flags numaring_inside PkgConfig::CMOCKA)
add_test(NAME unit/symbols COMMAND test_symbols)

add_executable(test_stack_flags ${CMAKE_CURRENT_LIST_DIR}/test_stack_flags.c)
target_link_libraries(test_stack_flags PRIVATE nr_flags numaring_inside PkgConfig::CMOCKA)
add_test(NAME unit/stack_flags COMMAND test_stack_flags)

add_executable(test_probe_spec ${CMAKE_CURRENT_LIST_DIR}/test_probe_spec.c)
target_link_libraries(test_probe_spec PRIVATE nr_flags numaring_inside PkgConfig::CMOCKA)
target_include_directories(test_probe_spec PRIVATE ${PROJECT_SOURCE_DIR}/bpf)
add_test(NAME unit/probe_spec COMMAND test_probe_spec)

add_executable(test_maps ${CMAKE_CURRENT_LIST_DIR}/test_maps.c)
target_link_libraries(test_maps PRIVATE nr_flags numaring_inside PkgConfig::CMOCKA)
add_test(NAME unit/maps COMMAND test_maps)
