/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The start of the events of tracepoints by name and of probes. */
#ifndef NR_CURRENT_H
#define NR_CURRENT_H

#include "vmlinux.h"
#include "numaring.bpf.h"
#include "tracepoint.h"

static __always_inline void fill_current(struct nr_current *e)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();

	e->current_pid = pid_tgid >> 32;
	e->current_tid = pid_tgid;
	bpf_get_current_comm(e->current_comm, sizeof(e->current_comm));
}

#endif
