// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reads by how much the calling task's time namespace shifts CLOCK_MONOTONIC.
 * /proc/self/timens_offsets has the offsets for future children, whose namespace may differ from
 * the task's own.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Kernel types that only this program needs; CO-RE ignores the suffix. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct timespec64___timens {
	s64 tv_sec;
	long tv_nsec;
};

struct timens_offsets___timens {
	struct timespec64___timens monotonic;
};

struct time_namespace___timens {
	struct timens_offsets___timens offsets;
};

struct nsproxy___timens {
	struct time_namespace___timens *time_ns;
};

struct task_struct___timens {
	struct nsproxy___timens *nsproxy;
};
#pragma clang attribute pop

__u64 host_now; /* the host's clock */
__s64 shift;	/* ns by which the task's clock is ahead of host_now; valid if `known` */
bool known;	/* this kernel has the fields */

SEC("raw_tp")
int read_clock(void *ctx)
{
	struct task_struct___timens *task = (void *)bpf_get_current_task_btf();
	struct timespec64___timens *ahead;

	host_now = bpf_ktime_get_ns();
	known = bpf_core_field_exists(struct nsproxy___timens, time_ns) &&
		bpf_core_field_exists(struct time_namespace___timens, offsets.monotonic.tv_nsec);
	if (!known)
		return 0;
	ahead = &task->nsproxy->time_ns->offsets.monotonic;
	shift = ahead->tv_sec * 1000000000ll + ahead->tv_nsec;
	return 0;
}
