# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# numaring for arm64: built here, and run in an arm64 guest. The cases are those of the other machines.
nr_vm_case(arm64-boot 4 4 ${cases}/boot TIMEOUT 620
	OPTIONS --arch arm64 --memless 2 --distances 0-3=12,1-2=31)

# What is quick and depends on the memory order, the layout of structs, or the machine. Random tests that take
# minutes in an emulator are left to the other machines.
set(arm64_units clock direct hist host hosts losses names nodes output packers pairs parquet_encode plan probe_spec
	report_faults report_io report_irq report_net report_syscalls ring rows shard sort types)
list(TRANSFORM arm64_units PREPEND test_ OUTPUT_VARIABLE arm64_targets)

# All tests below run what this one builds. What is left out, like the fuzzers, would not run in the guest.
set(arm64 ${PROJECT_BINARY_DIR}/arm64)
add_test(NAME vm/arm64-build COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/arm64-build ${arm64}
	numaring_cli numaring_bench man vm_check hot chosen own ${arm64_targets})
set_tests_properties(vm/arm64-build PROPERTIES TIMEOUT 1200 SKIP_RETURN_CODE 77 LABELS vm
	PROCESSORS 2 FIXTURES_SETUP arm64)

set(arm64_library --copy ${arm64}/libnumaring.so.0:/lib/libnumaring.so.0)
set(arm64_vm --arch arm64 ${arm64_library})
foreach(program IN ITEMS numaring tests/vm/check tests/bpf/hot tests/bpf/chosen tests/bpf/own)
	list(APPEND arm64_vm --program ${arm64}/${program})
endforeach()

set(arm64_unit_programs)
foreach(unit IN LISTS arm64_units)
	list(APPEND arm64_unit_programs --program ${arm64}/tests/unit/test_${unit})
endforeach()
nr_vm_case(arm64-units 1 4 ${cases}/units TIMEOUT 1220 ARGS ${PROJECT_SOURCE_DIR}
	OPTIONS --arch arm64 --mem 1024 ${arm64_library} ${arm64_unit_programs}
		--copy ${PROJECT_SOURCE_DIR}/tests/unit/golden --copy ${PROJECT_SOURCE_DIR}/topology/hosts)

nr_vm_case(arm64-order 1 2 ${cases}/order TIMEOUT 920 OPTIONS ${arm64_vm})

set(several)
foreach(case IN ITEMS sources stacks filter)
	list(APPEND several --copy ${cases}/${case})
endforeach()
nr_vm_case(arm64-sources 2 1 ${cases}/several TIMEOUT 1220 ARGS sources stacks filter
	OPTIONS --mem 512 ${arm64_vm} ${several})

add_test(NAME vm/arm64-traces COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/arm64-traces
	--nodes 4 --cpus 4 --mem 512 --timeout 500 ${arm64_vm})
set_tests_properties(vm/arm64-traces PROPERTIES TIMEOUT 620 SKIP_RETURN_CODE 77 LABELS vm RUN_SERIAL TRUE
	ENVIRONMENT NUMARING=$<TARGET_FILE:numaring_cli>)
set_tests_properties(vm/arm64-units vm/arm64-order vm/arm64-sources vm/arm64-traces PROPERTIES FIXTURES_REQUIRED arm64)
