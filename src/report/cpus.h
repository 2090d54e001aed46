/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What each CPU did lately: which task it ran, and which interrupts. */
#ifndef NR_REPORT_CPUS_H
#define NR_REPORT_CPUS_H

#include "feed.h"

#define CPUS_RUNS 1024 /* stretches that are kept of each CPU */
#define CPUS_IRQS 256
#define CPUS_IRQ  32 /* bytes of an interrupt's name */

struct cpu_run {
	uint64_t begin, end;
	int32_t tid;	 /* 0: idle */
	uint64_t waited; /* ns that tasks waited for this CPU meanwhile, summed up */
	char comm[FEED_COMM];
};

struct cpu_irq {
	uint64_t begin, end;
	bool soft;
	char name[CPUS_IRQ];
};

struct cpu {
	struct cpu_run now; /* without its end; tid -1: not known */
	unsigned n_waiting; /* tasks, since then: */
	uint64_t waiting_since;
	uint64_t n_runs; /* so far: the latest is runs[(n_runs - 1) % CPUS_RUNS] */
	uint64_t n_irqs;
	uint64_t irq_ns;      /* in all of them so far; what is inside of another counts once */
	struct cpu_irq *irqs; /* [CPUS_IRQS]; NULL: none so far */
	struct cpu_run runs[CPUS_RUNS];
};

struct cpus {
	struct cpu **list; /* [65536], NULL: nothing so far */
};

void cpus_open(struct cpus *c);
void cpus_close(struct cpus *c);

/* The CPU goes on from task prev, named comm by now, to next. Returns what it did until then; NULL: not
 * known. */
const struct cpu_run *cpus_switch(struct cpus *c, unsigned cpu, uint64_t ts, int32_t prev,
				  const char *comm, int32_t next, const char *next_comm);
/* At the end: what a CPU still does. NULL: nothing that is known. */
const struct cpu_run *cpus_finish(struct cpus *c, unsigned cpu, uint64_t ts);
/* One more task waits for the CPU (1), or one less (-1). */
void cpus_wait(struct cpus *c, unsigned cpu, uint64_t ts, int more);
void cpus_irq(struct cpus *c, unsigned cpu, const struct cpu_irq *irq);

/* Who used a CPU between two times. */
#define CPUS_SHARES 16
struct cpu_share {
	uint64_t ns;
	int32_t tid;
	char comm[FEED_COMM];
};

struct cpu_shares {
	struct cpu_share list[CPUS_SHARES]; /* the largest first */
	unsigned n;
	uint64_t known; /* ns of the time that the kept stretches tell about */
	uint64_t idle;	/* of these */
	uint64_t irq;	/* of the whole time, in interrupts (cpus_add_irqs) */
	uint64_t irq_most;
	char irq_name[CPUS_IRQ]; /* of the one that took irq_most */
};

/* Adds what the CPU did between begin and end, at most up to now. */
void cpus_add_shares(const struct cpus *c, struct cpu_shares *sum, unsigned cpu, uint64_t begin,
		     uint64_t end, uint64_t now);
/* The time that the CPU was in interrupts so far. */
uint64_t cpus_irq_time(const struct cpus *c, unsigned cpu);
/* Adds the interrupts between begin and end. ns: what cpus_irq_time grew by meanwhile, which counts if
 * not all of them are kept. */
void cpus_add_irqs(const struct cpus *c, struct cpu_shares *sum, unsigned cpu, uint64_t begin,
		   uint64_t end, uint64_t ns);
/* The hard or soft interrupt that the CPU was in at this time; NULL: none that is known. */
const char *cpus_irq_at(const struct cpus *c, unsigned cpu, uint64_t ts, bool soft);

#endif
