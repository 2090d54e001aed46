/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Functions of the user as outputs: one that gets the events, and one that gets them as JSON lines. */
#ifndef NR_OUTPUT_BATCH_H
#define NR_OUTPUT_BATCH_H

#include "output.h"

/* Both return 0 or -ENOMEM. */
int nr_batch_output_new(struct nr_output **out, nr_batch_fn fn, void *ctx,
			const struct nr_output_opts *opts);
int nr_lines_output_new(struct nr_output **out, nr_lines_fn fn, void *ctx,
			const struct nr_output_opts *opts);

#endif
