// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Source "sample": which code runs on each CPU, many times a second. Needs Linux 5.19 (dynptr).
 *
 * The collector attaches the program to a perf event of each CPU: to the clock, whose samples come
 * from an interrupt, or to the CPU's cycle counter, whose samples come from an NMI (I8).
 */
#include "vmlinux.h"
#include "numaring.bpf.h"
#include "stack.bpf.h"
#include "tasks.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct sample {
	NR_STACK_FIELDS;
};
NR_EVENT(sample, 0);

SEC("perf_event")
int on_sample(void *ctx)
{
	if (current_wanted())
		nr_emit_stack(sample, ctx);
	return 0;
}
