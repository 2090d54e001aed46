/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which tasks the built-in sources record. */
#ifndef NR_TASKS_H
#define NR_TASKS_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include "numaring.bpf.h"

/* Before Linux 6.1. */
struct cgroup___ids {
	u64 ancestor_ids[1];
} __attribute__((preserve_access_index));

/* The id of a cgroup's ancestor, which is itself at its own level. */
static __always_inline u64 ancestor_of(struct cgroup *c, u32 level)
{
	struct cgroup___ids *old = (void *)c;
	struct cgroup **ancestors, *ancestor = NULL;
	u64 id = 0;

	if (bpf_core_field_exists(old->ancestor_ids)) {
		bpf_probe_read_kernel(&id, sizeof(id), (void *)&old->ancestor_ids[0] + 8 * level);
		return id;
	}
	ancestors = &c->ancestors[0];
	bpf_probe_read_kernel(&ancestor, sizeof(ancestor), ancestors + level);
	return BPF_CORE_READ(ancestor, kn, id);
}

/* Is the task in the cgroup of the recording? True if there is none. */
static __always_inline bool task_in_cgroup(struct task_struct *p)
{
	struct cgroup *c;

	if (!nr_cgroup_id)
		return true;
	c = BPF_CORE_READ(p, cgroups, dfl_cgrp);
	return BPF_CORE_READ(c, level) >= (int)nr_cgroup_level &&
	       ancestor_of(c, nr_cgroup_level) == nr_cgroup_id;
}

/* Is the task among those that the recording is limited to? */
static __always_inline bool task_chosen(struct task_struct *p)
{
	return nr_chosen(p->tgid) && task_in_cgroup(p);
}

/* The same, but false for the collector's own threads. */
static __always_inline bool task_wanted(struct task_struct *p)
{
	return (!nr_hidden_tgid || (u32)p->tgid != nr_hidden_tgid) && task_chosen(p);
}

/* The same for the task that runs. */
static __always_inline bool current_wanted(void)
{
	return nr_wanted(bpf_get_current_pid_tgid() >> 32);
}

/* Is the recording limited to no tasks at all? Then it includes what belongs to none. */
static __always_inline bool all_wanted(void)
{
	return nr_chosen(0) && !nr_cgroup_id;
}

#endif
