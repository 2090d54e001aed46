// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cpus.h"

#include "memory.h"

#define NR_CPUS 65536

void cpus_open(struct cpus *c)
{
	c->list = memory_new(NR_CPUS, sizeof(*c->list));
}

void cpus_close(struct cpus *c)
{
	for (unsigned i = 0; i < NR_CPUS; i++) {
		if (c->list[i])
			free(c->list[i]->irqs);
		free(c->list[i]);
	}
	free(c->list);
}

static struct cpu *get(struct cpus *c, unsigned cpu)
{
	if (!c->list[cpu]) {
		c->list[cpu] = memory_new(1, sizeof(**c->list));
		c->list[cpu]->now.tid = -1;
	}
	return c->list[cpu];
}

/* Adds the time that tasks have waited to what the CPU does. */
static void count_waiting(struct cpu *c, uint64_t ts)
{
	if (c->n_waiting && ts > c->waiting_since)
		c->now.waited += c->n_waiting * (ts - c->waiting_since);
	c->waiting_since = ts;
}

const struct cpu_run *cpus_switch(struct cpus *cpus, unsigned cpu, uint64_t ts, int32_t prev,
				  const char *comm, int32_t next, const char *next_comm)
{
	struct cpu *c = get(cpus, cpu);
	struct cpu_run *run = NULL;

	count_waiting(c, ts);
	if (c->now.tid == prev) {
		run = &c->runs[c->n_runs++ % CPUS_RUNS];
		*run = c->now;
		run->end = ts;
		memcpy(run->comm, comm, sizeof(run->comm));
	}
	c->now = (struct cpu_run){ .begin = ts, .tid = next };
	memcpy(c->now.comm, next_comm, sizeof(c->now.comm));
	return run;
}

const struct cpu_run *cpus_finish(struct cpus *cpus, unsigned cpu, uint64_t ts)
{
	struct cpu *c = cpu < NR_CPUS ? cpus->list[cpu] : NULL;

	if (!c || c->now.tid < 0)
		return NULL;
	count_waiting(c, ts);
	return &c->now;
}

void cpus_wait(struct cpus *cpus, unsigned cpu, uint64_t ts, int more)
{
	struct cpu *c;

	if (cpu >= NR_CPUS)
		return;
	c = get(cpus, cpu);
	count_waiting(c, ts);
	c->n_waiting += more;
}

static uint64_t irqs_kept(const struct cpu *c)
{
	return c->n_irqs < CPUS_IRQS ? c->n_irqs : CPUS_IRQS;
}

/* The i-th latest one, from 1 on. */
static const struct cpu_irq *irq_before(const struct cpu *c, uint64_t i)
{
	return &c->irqs[(c->n_irqs - i) % CPUS_IRQS];
}

/* Events come in the order of their ends, so what is inside of it came before it. */
static void count_irq(struct cpu *c, const struct cpu_irq *irq)
{
	c->irq_ns += irq->end - irq->begin;
	for (uint64_t i = 1; i <= irqs_kept(c) && irq_before(c, i)->begin >= irq->begin; i++)
		c->irq_ns -= irq_before(c, i)->end - irq_before(c, i)->begin;
}

void cpus_irq(struct cpus *cpus, unsigned cpu, const struct cpu_irq *irq)
{
	struct cpu *c = get(cpus, cpu);

	if (!c->irqs)
		c->irqs = memory_new(CPUS_IRQS, sizeof(*c->irqs));
	count_irq(c, irq);
	c->irqs[c->n_irqs++ % CPUS_IRQS] = *irq;
}

/* ---- who used a CPU ---- */

static uint64_t overlap(uint64_t a, uint64_t b, uint64_t begin, uint64_t end)
{
	uint64_t from = a > begin ? a : begin, to = b < end ? b : end;

	return to > from ? to - from : 0;
}

/* Keeps the list sorted. If it is full, the smallest share is forgotten. */
static void add_share(struct cpu_shares *sum, const struct cpu_run *r, uint64_t ns)
{
	struct cpu_share share = { .ns = ns, .tid = r->tid };
	unsigned i;

	for (i = 0; i < sum->n && sum->list[i].tid != r->tid; i++)
		;
	memcpy(share.comm, r->comm, sizeof(share.comm));
	if (i < sum->n) { /* runs come from the latest on, which has the name of today */
		share = sum->list[i];
		share.ns += ns;
		sum->n--;
		memmove(&sum->list[i], &sum->list[i + 1], (sum->n - i) * sizeof(share));
	}
	for (i = 0; i < sum->n && sum->list[i].ns >= share.ns; i++)
		;
	if (i == CPUS_SHARES)
		return;
	if (sum->n == CPUS_SHARES)
		sum->n--;
	memmove(&sum->list[i + 1], &sum->list[i], (sum->n - i) * sizeof(share));
	sum->list[i] = share;
	sum->n++;
}

static void add_run(struct cpu_shares *sum, const struct cpu_run *r, uint64_t begin, uint64_t end)
{
	uint64_t ns = overlap(r->begin, r->end, begin, end);

	sum->known += ns;
	if (!r->tid)
		sum->idle += ns;
	else if (ns)
		add_share(sum, r, ns);
}

void cpus_add_shares(const struct cpus *cpus, struct cpu_shares *sum, unsigned cpu, uint64_t begin,
		     uint64_t end, uint64_t now)
{
	const struct cpu *c = cpu < NR_CPUS ? cpus->list[cpu] : NULL;
	struct cpu_run r;
	uint64_t kept;

	if (!c)
		return;
	if (c->now.tid >= 0) {
		r = c->now;
		r.end = now;
		add_run(sum, &r, begin, end);
	}
	kept = c->n_runs < CPUS_RUNS ? c->n_runs : CPUS_RUNS;
	for (uint64_t i = 1; i <= kept; i++) {
		const struct cpu_run *run = &c->runs[(c->n_runs - i) % CPUS_RUNS];

		if (run->end <= begin)
			break;
		add_run(sum, run, begin, end);
	}
}

/* ---- interrupts ---- */

uint64_t cpus_irq_time(const struct cpus *cpus, unsigned cpu)
{
	const struct cpu *c = cpu < NR_CPUS ? cpus->list[cpu] : NULL;

	return c ? c->irq_ns : 0;
}

void cpus_add_irqs(const struct cpus *cpus, struct cpu_shares *sum, unsigned cpu, uint64_t begin,
		   uint64_t end, uint64_t ns)
{
	const struct cpu *c = cpu < NR_CPUS ? cpus->list[cpu] : NULL;
	uint64_t kept = c ? irqs_kept(c) : 0, all = 0, inside = UINT64_MAX, i;

	for (i = 1; i <= kept && irq_before(c, i)->end > begin; i++) {
		const struct cpu_irq *irq = irq_before(c, i);
		uint64_t took = overlap(irq->begin, irq->end, begin, end);

		if (irq->begin < inside) { /* not inside of a later one */
			all += took;
			inside = irq->begin;
		}
		if (took <= sum->irq_most)
			continue;
		sum->irq_most = took;
		memcpy(sum->irq_name, irq->name, sizeof(sum->irq_name));
	}
	sum->irq += i > CPUS_IRQS ? ns : all;
}

const char *cpus_irq_at(const struct cpus *cpus, unsigned cpu, uint64_t ts, bool soft)
{
	const struct cpu *c = cpu < NR_CPUS ? cpus->list[cpu] : NULL;
	uint64_t kept = c ? irqs_kept(c) : 0;

	for (uint64_t i = 1; i <= kept; i++) {
		const struct cpu_irq *irq = irq_before(c, i);

		if (irq->end < ts)
			break;
		if (irq->begin <= ts && irq->soft == soft)
			return irq->name;
	}
	return NULL;
}
