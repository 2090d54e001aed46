// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "loss.h"

#include "memory.h"

#define NR_CPUS (UINT16_MAX + 1)

void loss_open(struct loss *l, uint64_t begin)
{
	*l = (struct loss){
		.cpus = memory_new(NR_CPUS, sizeof(*l->cpus)),
		.begin = begin,
		.now = begin,
		.complete = begin,
	};
}

void loss_close(struct loss *l)
{
	free(l->cpus);
}

uint64_t loss_known(const struct loss *l)
{
	uint64_t least = l->now;

	for (unsigned i = 0; i < l->n_cpus; i++) {
		const struct loss_cpu *c = &l->cpus[i];

		if (c->writes && c->last < least && c->last + LOSS_HORIZON > l->now)
			least = c->last;
	}
	return least;
}

uint64_t loss_shown(const struct loss *l)
{
	return l->shown - (l->first < l->before ? l->first : l->before);
}

void loss_counted(struct loss *l, uint64_t lost, uint64_t time)
{
	if (lost <= loss_shown(l) && time > l->complete)
		l->complete = time;
}
