/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a trace does while its disk is full (nr_on_full):
 *
 *	do
 *		err = ...;
 *	while (err && nr_full_again(full, err));
 *	nr_full_over(full, err);
 *
 * One thread.
 */
#ifndef NR_OUTPUT_FULL_H
#define NR_OUTPUT_FULL_H

#include "output.h"

struct nr_full {
	struct nr_output *output;
	enum nr_on_full on_full;
	/* NR_ON_FULL_DROP_OLDEST: removes something. -ENOENT: nothing is left. */
	int (*drop)(void *arg);
	void *arg;
	uint64_t since; /* when the wait for room began; 0: there is none */
};

/* Makes room, or waits a little, after err. False: err is another error, there is no room to make,
 * or the recording is to end. */
bool nr_full_again(struct nr_full *full, int err);
/* What was tried has succeeded, or failed for good. */
void nr_full_over(struct nr_full *full, int err);
/* Would this directory's file system take a file of this size? 0, or the errno of a full disk. */
int nr_full_probe(int dir, uint64_t size);

#endif
