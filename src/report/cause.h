/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Causes, from what tasks and CPUs did (sched.h): who woke a task, what the waker had done until then,
 * and who ran while a task was ready. */
#ifndef NR_REPORT_CAUSE_H
#define NR_REPORT_CAUSE_H

#include <jansson.h>
#include <stdio.h>
#include "sched.h"

/* What a task did while another one waited for it. */
struct cause_step {
	int32_t tid;
	char comm[FEED_COMM];
	enum sched_state did; /* most of the time */
	uint64_t ns;	      /* how long: the whole sleep, even if it began before */
	unsigned times;	      /* sleeps that ns sums up; then call and wake are of the longest */
	const struct call_kind *call;
	struct sched_wake wake;
	uint64_t ready;		  /* ns that it waited for a CPU besides; 0: little */
	struct cpu_share instead; /* of a ready task: who ran most; ns 0: not known */
};

#define CAUSE_STEPS 3

struct cause {
	struct cause_step steps[CAUSE_STEPS]; /* the waker, who woke the waker, ... */
	unsigned n;
	struct cpu_shares shares; /* of the CPU while the task was ready */
	/* Where it slept, and where the waker was; NULL: not recorded. */
	struct saved_stack *slept_at, *woken_at;
	char irq[CPUS_IRQ]; /* the interrupt that woke it; "": none that is known */
};

struct cause *cause_new(void);
struct cause *cause_copy(const struct cause *c); /* NULL: an empty one */
void cause_free(struct cause *c);		 /* takes NULL */

/* Follows the wake-up of a task that slept from begin to end. */
void cause_follow(struct cause *c, const struct sched *s, const struct sched_wake *wake,
		  uint64_t begin, uint64_t end);
/* A ready task begins to run: who ran between begin and end. */
void cause_ready(struct cause *c, const struct sched *s, const struct sched_task *t, unsigned cpu,
		 uint64_t begin, uint64_t end);

/* A task that slept begins to run: the stacks of its sleep and its wake-up, if they were recorded. */
void cause_stacks(struct cause *c, const struct sched_task *t);

/* "holder:122", "a timer", "the interrupt eth0" */
void cause_print_waker(FILE *out, const struct sched_wake *w, const struct call_kind *call,
		       const char *irq);
/* "; holder:122 had slept 40.0 ms in clock_nanosleep until a timer woke it" */
void cause_print_steps(FILE *out, const struct cause *c);
/* "while hog:12 ran (98 %)" */
void cause_print_ready(FILE *out, const struct cause *c);
/* The name of a call, "the kernel" if there is none. */
const char *cause_call(const struct call_kind *call);

json_t *cause_json_steps(const struct cause *c);
json_t *cause_json_waker(const struct sched_wake *w, const struct call_kind *call, const char *irq);
/* Adds "instead", "idle_ns" and "irq_ns". */
void cause_json_ready(json_t *o, const struct cause *c);

#endif
