# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# numaring for arm64: built here, and run in an arm64 guest. The cases are those of the other machines.
nr_vm_case(arm64-boot 4 4 ${cases}/boot TIMEOUT 620
	OPTIONS --arch arm64 --memless 2 --distances 0-3=12,1-2=31)

# All unit tests.
get_property(units DIRECTORY ${PROJECT_SOURCE_DIR}/tests/unit PROPERTY BUILDSYSTEM_TARGETS)
list(FILTER units INCLUDE REGEX "^test_")
add_custom_target(units DEPENDS ${units})

# All tests below run what this one builds. What is left out, like the fuzzers, would not run in the guest.
set(arm64 ${PROJECT_BINARY_DIR}/arm64)
add_test(NAME vm/arm64-build COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/arm64-build ${arm64}
	numaring_cli numaring_bench units vm_check vm_fill vm_probed hot block chosen own)
set_tests_properties(vm/arm64-build PROPERTIES TIMEOUT 1200 SKIP_RETURN_CODE 77 LABELS vm
	FIXTURES_SETUP arm64)
