/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where records are missing. A record says how many its CPU had lost before it, so a loss is known
 * to lie between two records of its CPU, and only when the second one is read. So that a pair can be
 * checked for losses, it waits until every CPU that writes has written something after its end.
 */
#ifndef NR_REPORT_LOSS_H
#define NR_REPORT_LOSS_H

#include <stdbool.h>
#include <stdint.h>
#include <numaring/event.h>

/* A CPU that wrote nothing for so many ns is not waited for. */
#define LOSS_HORIZON 1000000000ull

struct loss_cpu {
	uint64_t last; /* time of its last record */
	uint32_t lost; /* as its records say; a count that steps back is no loss (docs/format.md) */
	bool writes;
};

struct loss {
	struct loss_cpu *cpus; /* [65536], by number */
	unsigned n_cpus;       /* highest number that writes + 1 */
	uint64_t begin, now;   /* of the events: the first time, and that of the last event */
	uint64_t shown;	       /* losses that records have shown; of these: */
	uint64_t first;	       /* by the first record of each CPU */
	uint64_t before;       /* losses before begin, which first records show as well */
	uint64_t complete;     /* the last time at which all counted losses were shown */
};

/* begin: the time from which on all events are known. */
void loss_open(struct loss *l, uint64_t begin);
void loss_close(struct loss *l);

/* Takes the next event. True: records of its CPU are missing between *since and the event. */
static inline bool loss_event(struct loss *l, const struct nr_event *ev, uint64_t *since)
{
	struct loss_cpu *c = &l->cpus[ev->rec->cpu];
	int32_t more = ev->rec->lost - c->lost;
	bool is_first = !c->writes;

	*since = c->writes ? c->last : l->begin;
	if (!c->writes && ev->rec->cpu >= l->n_cpus)
		l->n_cpus = ev->rec->cpu + 1;
	c->writes = true;
	c->last = l->now = ev->ts;
	if (more <= 0)
		return false;
	c->lost = ev->rec->lost;
	l->shown += more;
	if (!is_first)
		return true;
	l->first += more;
	return l->first > l->before;
}

/* All losses before this time are known. */
uint64_t loss_known(const struct loss *l);
/* Losses since begin that records have shown, or fewer: it may not be known which CPUs lost records
 * before. */
uint64_t loss_shown(const struct loss *l);
/* So many records were lost from begin to this time, on all CPUs. */
void loss_counted(struct loss *l, uint64_t lost, uint64_t time);

#endif
