/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tasks that sched.h follows, by number. */
#ifndef NR_REPORT_SCHED_TASKS_H
#define NR_REPORT_SCHED_TASKS_H

#include "sched.h"

/* Of more tasks, those that have done nothing for longest are forgotten. */
#define SCHED_TASKS_MAX (1u << 17)

void sched_tasks_open(struct sched *s);
void sched_tasks_close(struct sched *s);

/* The task, which is new if it was not known. May forget others. */
struct sched_task *sched_tasks_get(struct sched *s, int32_t tid, uint64_t now);
void sched_tasks_forget(struct sched *s, struct sched_task *t, uint64_t now);
/* The task has ended, at t->since. Forgets the one that ended SCHED_ENDED tasks ago. */
void sched_tasks_ended(struct sched *s, const struct sched_task *t);
void sched_forget_note(struct sched *s, struct sched_task *t);
/* The task waits no more for t->cpu, and may change it. */
void sched_stop_waiting(struct sched *s, const struct sched_task *t, uint64_t now);

#endif
