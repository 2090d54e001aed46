/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which tasks the built-in sources record. */
#ifndef NR_TASKS_H
#define NR_TASKS_H

#include "vmlinux.h"
#include "numaring.bpf.h"

/* Is the task among those that the recording is limited to? */
static __always_inline bool task_chosen(struct task_struct *p)
{
	return nr_chosen(p->tgid);
}

/* The same, but false for the collector's own threads. */
static __always_inline bool task_wanted(struct task_struct *p)
{
	return nr_wanted(p->tgid);
}

/* The same for the task that runs. */
static __always_inline bool current_wanted(void)
{
	return nr_wanted(bpf_get_current_pid_tgid() >> 32);
}

#endif
