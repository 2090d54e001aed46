// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * count SOURCE SECONDS [PID...]: records to a function that only counts, and prints what an event
 * costs. The difference to numaring top is what top itself costs (docs/top.md).
 */
#include <numaring/numaring.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int count(void *ctx, const struct nr_batch *batch)
{
	*(uint64_t *)ctx += batch->n;
	return 0;
}

int main(int argc, char **argv)
{
	const struct nr_output_opts output = { .sz = sizeof(output) };
	struct nr_collector_opts opts = { .sz = sizeof(opts) };
	pid_t pids[NR_PIDS_MAX];
	struct nr_collector *c = NULL;
	struct nr_stats *st;
	uint64_t n = 0;

	for (int i = 3; i < argc && opts.n_pids < NR_PIDS_MAX; i++)
		pids[opts.n_pids++] = atoi(argv[i]);
	opts.pids = pids;
	if (argc < 3 || nr_collector_open(&c, &opts) || nr_collector_add_source(c, argv[1]) ||
	    nr_collector_add_batch(c, count, &n, &output) < 0 || nr_collector_start(c))
		return 1;
	sleep(atoi(argv[2]));
	nr_collector_stop(c);
	st = nr_collector_stats(c);
	if (!st || !n)
		return 1;
	printf("%.0f events/s, %.1f ns of CPU for each, %ju lost\n", n / (st->duration_ns / 1e9),
	       (double)st->cpu_ns / n, (uintmax_t)st->lost_total);
	nr_stats_free(st);
	nr_collector_close(c);
	return 0;
}
