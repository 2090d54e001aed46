# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Tests of the order on the running kernel.
add_executable(oracle oracle.c ../unit/trace_writer.c)
target_include_directories(oracle PRIVATE ../unit)
target_link_libraries(oracle PRIVATE numaring_inside)

nr_bpf_object(stall stall.bpf.c)
add_executable(stall stall.c ../../src/cli/fill.c ../../src/cli/summary.c ../../src/cli/misfits.c
	../../src/cli/parse.c ../../src/cli/message.c
	../../src/cli/timed_write.c)
target_link_libraries(stall PRIVATE nr_flags numaring PkgConfig::JANSSON)
add_dependencies(stall stall_bpf_object)

# Not a test: prints the figures of docs/order.md.
add_executable(watermark watermark.c)
target_link_libraries(watermark PRIVATE nr_flags numaring nr_skeletons)

nr_bpf_test(selftest selftest.sh 400)
nr_bpf_test(oracle oracle.sh 400)
nr_bpf_test(stall stall.sh 200)
