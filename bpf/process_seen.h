/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What BPF programs tell the collector in the ring nr_processes. Both define __u64 and __u32 before
 * they include this file. */
#ifndef NR_PROCESS_SEEN_H
#define NR_PROCESS_SEEN_H

struct nr_process_seen {
	__u64 ts;    /* host's CLOCK_MONOTONIC, ns: before the event that has its addresses */
	__u32 pid;   /* the host's PID */
	__u32 again; /* 1: its address space was seen before */
};

#endif
