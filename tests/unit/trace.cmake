# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Tests of src/packet, src/types, src/output and src/read.
add_executable(test_trace ${CMAKE_CURRENT_LIST_DIR}/test_trace.c)
target_link_libraries(test_trace PRIVATE nr_flags numaring_inside PkgConfig::CMOCKA)
# A disk that is full, slow or interrupted stands in for pwrite.
target_link_options(test_trace PRIVATE -Wl,--wrap=pwrite)
add_test(NAME unit/trace COMMAND test_trace)
set_tests_properties(unit/trace PROPERTIES TIMEOUT 400 SKIP_RETURN_CODE 77)

add_executable(test_end ${CMAKE_CURRENT_LIST_DIR}/test_end.c)
target_link_libraries(test_end PRIVATE nr_flags numaring_inside PkgConfig::CMOCKA)
target_link_options(test_end PRIVATE -Wl,--wrap=pwrite)
add_test(NAME unit/end COMMAND test_end)
set_tests_properties(unit/end PROPERTIES TIMEOUT 200 SKIP_RETURN_CODE 77)

# Structs are made up and compiled while the test runs: it needs clang, and skips without.
add_executable(test_btf_ctf ${CMAKE_CURRENT_LIST_DIR}/test_btf_ctf.c)
target_link_libraries(test_btf_ctf PRIVATE nr_flags numaring_inside PkgConfig::CMOCKA ${CMAKE_DL_LIBS})
add_test(NAME unit/btf_ctf COMMAND test_btf_ctf)
set_tests_properties(unit/btf_ctf PROPERTIES TIMEOUT 400 SKIP_RETURN_CODE 77)

add_executable(test_names ${CMAKE_CURRENT_LIST_DIR}/test_names.c)
target_link_libraries(test_names PRIVATE nr_flags numaring_inside PkgConfig::CMOCKA)
add_test(NAME unit/names COMMAND test_names)
set_tests_properties(unit/names PROPERTIES TIMEOUT 400 SKIP_RETURN_CODE 77)

add_executable(test_dir ${CMAKE_CURRENT_LIST_DIR}/test_dir.c)
target_link_libraries(test_dir PRIVATE nr_flags numaring_inside PkgConfig::CMOCKA)
add_test(NAME unit/dir COMMAND test_dir)
set_tests_properties(unit/dir PROPERTIES TIMEOUT 200 SKIP_RETURN_CODE 77)
