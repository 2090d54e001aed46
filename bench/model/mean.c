/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Mean values: the closed formula the fits use, and exact results for exponential times. */
#include "model.h"

enum nr_distance load_distance(const struct load *load, unsigned a, unsigned b)
{
	unsigned home = load->consumer_cpu >= 0 ? (unsigned)load->consumer_cpu : load->cpus[0];
	enum nr_distance d = machine_distance(load->machine, a, b);

	if (load->machine->homed && d > NR_SAME_LLC &&
	    machine_distance(load->machine, a, home) == NR_OTHER_PACKAGE)
		return NR_OTHER_PACKAGE;
	return d;
}

struct mix mix_of(const struct load *load)
{
	double pairs = (double)load->n * (load->n - 1);
	struct mix mix = { .n = load->n };

	for (unsigned i = 0; i < load->n; i++) {
		unsigned cpu = load->cpus[i];

		for (unsigned j = 0; j < load->n; j++)
			if (j != i)
				mix.pair[load_distance(load, cpu, load->cpus[j])] += 1 / pairs;
		if (load->consumer_cpu >= 0)
			mix.consumer[load_distance(load, cpu, load->consumer_cpu)] += 1.0 / load->n;
	}
	return mix;
}

double mean_ns(const struct costs *c, const struct mix *mix)
{
	/* With two, the owner may win again; with more, the queue is first come, first served. */
	double retake = mix->n == 2 ? c->retake : 0;
	double hand = 0;

	if (mix->n < 2)
		return c->alone;
	for (unsigned d = 0; d < N_LEVELS; d++)
		hand += c->hand[d] * (mix->pair[d] + c->consumer * mix->consumer[d]);
	return retake * c->own + (1 - retake) * hand;
}

void repairman(double *per_sec, double *wait_ns, unsigned n, double think_ns, double service_ns)
{
	double queue = 0, wait = service_ns, x = 0;

	for (unsigned i = 1; i <= n; i++) {
		wait = service_ns * (1 + queue);
		x = i / (think_ns + wait);
		queue = x * wait;
	}
	*per_sec = x * 1e9;
	*wait_ns = wait;
}
