// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bench.h"

void check_init(struct check *c, unsigned n_cpus)
{
	memset(c, 0, sizeof(*c));
	c->n_cpus = n_cpus;
	c->begin = c->end = UINT64_MAX;
	c->cpus = bench_alloc(n_cpus, sizeof(*c->cpus));
}

static void check_sequence(struct check *c, struct check_cpu *cpu, uint64_t seq)
{
	if (seq < cpu->next) {
		c->repeated++;
		return;
	}
	cpu->gaps += seq - cpu->next;
	cpu->next = seq + 1;
}

void check_one(struct check *c, const struct nr_record *rec, const void *data, uint32_t size)
{
	struct check_cpu *cpu;

	__atomic_store_n(&c->count, c->count + 1, __ATOMIC_RELAXED);
	if (rec->cpu >= c->n_cpus) {
		c->foreign++;
		return;
	}
	cpu = &c->cpus[rec->cpu];
	cpu->seen++;
	if (c->sequence && size >= sizeof(uint64_t))
		check_sequence(c, cpu, *(const uint64_t *)data);
}

void check_event(struct check *c, const struct nr_event *ev)
{
	check_one(c, ev->rec, ev->data, ev->size);
	c->late += !!(ev->flags & NR_EVENT_LATE);
	c->unordered += ev->rec->ts < c->last_ts;
	c->last_ts = ev->rec->ts;
	c->turns += ev->rec->cpu != c->last_cpu;
	c->last_cpu = ev->rec->cpu;
}

void check_batch(struct check *c, const struct nr_event *events, unsigned n)
{
	uint64_t began = bench_clock(CLOCK_THREAD_CPUTIME_ID), now = bench_now();
	bool inside = now >= c->begin && now < c->end;

	for (unsigned i = 0; i < n; i++) {
		check_event(c, &events[i]);
		if (inside)
			c->latency[bench_bucket(now - events[i].rec->ts)]++;
	}
	__atomic_store_n(&c->cpu_ns, c->cpu_ns + bench_clock(CLOCK_THREAD_CPUTIME_ID) - began,
			 __ATOMIC_RELAXED);
}

void check_mark_take(struct check_mark *out, const struct check *c)
{
	out->time = bench_now();
	out->count = __atomic_load_n(&c->count, __ATOMIC_RELAXED);
	out->cpu_ns = __atomic_load_n(&c->cpu_ns, __ATOMIC_RELAXED);
}

/*
 * All records between the marks, divided by the time between them. Marks at the bounds of delivery
 * rounds would look more exact but are not: a late round would count with its records, but without
 * its time.
 */
double check_rate(const struct check_mark *begin, const struct check_mark *end)
{
	return (end->count - begin->count) * 1e9 / (end->time - begin->time);
}

const char *check_accounts(const struct check *c, const struct bench_cell *cells)
{
	for (unsigned i = 0; i < c->n_cpus; i++) {
		const struct check_cpu *cpu = &c->cpus[i];
		uint64_t left_out = cpu->gaps + cells[i].attempts - cpu->next;

		if (cpu->seen + cells[i].failed != cells[i].attempts)
			return "some of a producer's records were neither delivered nor refused";
		if (c->sequence && left_out != cells[i].failed)
			return "the gaps in a producer's sequence are not its refused records";
	}
	return NULL;
}
