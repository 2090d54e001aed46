// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "losses.h"

/* Reading them takes a cache line from every CPU. */
#define SAMPLE_AGAIN_NS 1000000u

int nr_losses_init(struct nr_losses *l, uint32_t nr_cpus, nr_losses_read read, void *ctx)
{
	*l = (struct nr_losses){
		.nr_cpus = nr_cpus,
		.by_cpu = calloc(nr_cpus, sizeof(*l->by_cpu)),
		.next.lost = calloc(nr_cpus, sizeof(*l->next.lost)),
		.newest.lost = calloc(nr_cpus, sizeof(*l->newest.lost)),
		.read = read,
		.ctx = ctx,
	};
	if (l->by_cpu && l->next.lost && l->newest.lost)
		return 0;
	nr_losses_destroy(l);
	return -ENOMEM;
}

void nr_losses_destroy(struct nr_losses *l)
{
	free(l->by_cpu);
	free(l->next.lost);
	free(l->newest.lost);
	memset(l, 0, sizeof(*l));
}

static void take_sample(struct nr_losses *l, struct nr_losses_sample *s)
{
	s->at = l->read(l->ctx, s->lost);
}

void nr_losses_sample(struct nr_losses *l, uint64_t now)
{
	if (!l->read)
		return;
	if (!l->next.at)
		take_sample(l, &l->next);
	else if (now - (l->newest.at ?: l->next.at) >= SAMPLE_AGAIN_NS)
		take_sample(l, &l->newest);
}

static void count_sample(struct nr_losses *l, const struct nr_losses_sample *s)
{
	for (uint32_t cpu = 0; cpu < l->nr_cpus; cpu++) {
		if (s->lost[cpu] <= l->by_cpu[cpu])
			continue;
		l->total += s->lost[cpu] - l->by_cpu[cpu];
		l->by_cpu[cpu] = s->lost[cpu];
	}
}

uint64_t nr_losses_until(struct nr_losses *l, uint64_t end)
{
	while (l->next.at && l->next.at <= end) {
		struct nr_losses_sample counted = l->next;

		count_sample(l, &counted);
		l->next = l->newest;
		l->newest = (struct nr_losses_sample){ .lost = counted.lost };
	}
	return l->total;
}

uint64_t nr_losses_all(struct nr_losses *l)
{
	if (l->read) {
		take_sample(l, &l->newest);
		count_sample(l, &l->newest);
	}
	return l->total;
}
