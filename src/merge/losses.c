// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "losses.h"

/* A sample reads a cache line of every CPU, so samples are rare. */
#define SAMPLE_INTERVAL_NS 1000000u

int nr_losses_init(struct nr_losses *l, uint32_t n_cpus, nr_losses_read read, void *ctx)
{
	bool allocated;

	*l = (struct nr_losses){
		.n_cpus = n_cpus,
		.by_cpu = calloc(n_cpus, sizeof(*l->by_cpu)),
		.read = read,
		.ctx = ctx,
	};
	allocated = l->by_cpu;
	for (unsigned i = 0; i < NR_LOSSES_SAMPLES; i++) {
		l->samples[i].lost = calloc(n_cpus, sizeof(*l->samples[i].lost));
		allocated &= !!l->samples[i].lost;
	}
	if (allocated)
		return 0;
	nr_losses_destroy(l);
	return -ENOMEM;
}

void nr_losses_destroy(struct nr_losses *l)
{
	free(l->by_cpu);
	for (unsigned i = 0; i < NR_LOSSES_SAMPLES; i++)
		free(l->samples[i].lost);
	memset(l, 0, sizeof(*l));
}

/* Removes waiting sample i and keeps its array behind the waiting ones, for the next sample. */
static void drop(struct nr_losses *l, unsigned i)
{
	struct nr_losses_sample dropped = l->samples[i];

	l->n--;
	memmove(&l->samples[i], &l->samples[i + 1], (l->n - i) * sizeof(dropped));
	l->samples[l->n] = dropped;
}

/* The sample whose neighbours in time are closest. A new sample will follow the last one. Never the
 * first, which is counted next. */
static unsigned most_crowded(const struct nr_losses *l, uint64_t now)
{
	uint64_t closest = UINT64_MAX;
	unsigned found = 1;

	for (unsigned i = 1; i < l->n; i++) {
		uint64_t after = i + 1 < l->n ? l->samples[i + 1].at : now;

		if (after - l->samples[i - 1].at < closest) {
			closest = after - l->samples[i - 1].at;
			found = i;
		}
	}
	return found;
}

void nr_losses_sample(struct nr_losses *l, uint64_t now)
{
	struct nr_losses_sample *s;

	if (!l->read || (l->n && now - l->samples[l->n - 1].at < SAMPLE_INTERVAL_NS))
		return;
	if (l->n == NR_LOSSES_SAMPLES)
		drop(l, most_crowded(l, now));
	s = &l->samples[l->n++];
	s->at = l->read(l->ctx, s->lost);
}

static void count_sample(struct nr_losses *l, const struct nr_losses_sample *s)
{
	for (uint32_t cpu = 0; cpu < l->n_cpus; cpu++) {
		if (s->lost[cpu] <= l->by_cpu[cpu])
			continue;
		l->total += s->lost[cpu] - l->by_cpu[cpu];
		l->by_cpu[cpu] = s->lost[cpu];
	}
}

uint64_t nr_losses_until(struct nr_losses *l, uint64_t end)
{
	while (l->n && l->samples[0].at <= end) {
		count_sample(l, &l->samples[0]);
		drop(l, 0);
	}
	return l->total;
}

uint64_t nr_losses_all(struct nr_losses *l)
{
	if (l->read) {
		l->n = 0; /* a new reading includes all waiting samples */
		l->read(l->ctx, l->samples[0].lost);
		count_sample(l, &l->samples[0]);
	}
	return l->total;
}
