/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The events of schedlat, for both sides. It includes nothing: BPF has __u32 from vmlinux.h, user
 * space from <linux/types.h>.
 */
#ifndef SCHEDLAT_H
#define SCHEDLAT_H

/* A task was put on a run queue and waits to run. */
struct woken {
	__u32 pid;	  /* the task, as top -H shows it */
	__u32 waker_node; /* NUMA node of the CPU that woke it */
};

/* A CPU switches from one task to the next. */
struct switched {
	__u32 prev_pid; /* was running until now */
	__u32 next_pid; /* runs from now on; 0 is the idle task */
	__u32 node;	/* NUMA node of the CPU */
};

#endif
