# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# numaring for arm64: built here, and run in an arm64 guest. The cases are those of the other machines.
nr_vm_case(arm64-boot 4 4 ${cases}/boot TIMEOUT 620
	OPTIONS --arch arm64 --memless 2 --distances 0-3=12,1-2=31)

# The tests below run what this one builds.
set(arm64 ${PROJECT_BINARY_DIR}/arm64)
add_test(NAME vm/arm64-build COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/arm64-build ${arm64}
	numaring_cli vm_check hot chosen)
set_tests_properties(vm/arm64-build PROPERTIES TIMEOUT 1200 SKIP_RETURN_CODE 77 LABELS vm
	FIXTURES_SETUP arm64)

set(arm64_library --copy ${arm64}/libnumaring.so.0:/lib/libnumaring.so.0)
set(arm64_vm --arch arm64 ${arm64_library})
foreach(program IN ITEMS numaring tests/vm/check tests/bpf/hot tests/bpf/chosen)
	list(APPEND arm64_vm --program ${arm64}/${program})
endforeach()

set(several)
foreach(case IN ITEMS sources stacks filter)
	list(APPEND several --copy ${cases}/${case})
endforeach()
nr_vm_case(arm64-sources 2 1 ${cases}/several TIMEOUT 1220 ARGS sources stacks filter
	OPTIONS --mem 512 ${arm64_vm} ${several})
set_tests_properties(vm/arm64-sources PROPERTIES FIXTURES_REQUIRED arm64)
