// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program that holds its record for as long as the call asks. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "numaring.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define MAGIC 0x6e757374616c6c21ULL /* as in stall.c */

struct held {
	__u64 ns;
};
NR_EVENT(held, 0);

/* The number of rounds is limited, so each round must take long enough. */
static long look_at_clock(__u32 i, void *end)
{
	for (i = 0; i < 8; i++)
		bpf_ktime_get_ns();
	return bpf_ktime_get_ns() > *(__u64 *)end;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(hold, struct pt_regs *regs, long nr)
{
	struct held *e;
	__u64 ns, end;

	if (PT_REGS_PARM1_CORE_SYSCALL(regs) != MAGIC)
		return 0;
	ns = PT_REGS_PARM2_CORE_SYSCALL(regs);
	e = nr_reserve(held);
	if (!e)
		return 0;
	e->ns = ns;
	end = bpf_ktime_get_ns() + ns;
	if (ns)
		bpf_loop(1 << 23, look_at_clock, &end, 0);
	nr_submit(e);
	return 0;
}
