/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The CPU time of the consumer threads. */
#ifndef NR_TOP_THREADS_H
#define NR_TOP_THREADS_H

#include <stdbool.h>
#include <stdint.h>

struct top_threads {
	unsigned n; /* shards */
	int *fds;   /* [n] of /proc/self/task/TID/schedstat of the shard's consumer; -1: none */
	uint64_t *ns;
	double *percent;
};

/* 0 or -ENOMEM. */
int top_threads_open(struct top_threads *t, unsigned n_shards);
void top_threads_close(struct top_threads *t);
/* What each consumer used since the last call, in percent of a CPU. */
const double *top_threads_percent(struct top_threads *t, double seconds);

#endif
