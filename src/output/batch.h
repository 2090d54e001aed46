/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Functions of the user as outputs: one that gets the events, and one that gets them as JSON lines. */
#ifndef NR_OUTPUT_BATCH_H
#define NR_OUTPUT_BATCH_H

#include "output.h"

/* Both: -ENOMEM. */
int nr_batch_output_new(struct nr_output **out, nr_batch_fn fn, void *ctx,
			const struct nr_output_opts *opts);
int nr_lines_output_new(struct nr_output **out, nr_lines_fn fn, void *ctx,
			const struct nr_output_opts *opts);

/* Is the calling thread in a user's function of this recording? */
bool nr_output_is_calling(const struct nr_recording *recording);

/* For the two: marks the thread while it is in the user's function, and refuses what the function
 * must not return. */
void nr_output_enter(const struct nr_output *o);
int nr_output_leave(struct nr_output *o, int returned);

#endif
