// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "batch.h"

struct batch {
	struct nr_output output;
	nr_batch_fn fn;
	void *ctx;
	uint64_t missed; /* events, to be reported by the next call */
};

static int call(struct batch *b, const struct nr_event *events, unsigned n)
{
	const struct nr_batch batch = { events, n, b->missed };

	b->missed = 0;
	nr_output_enter(&b->output);
	return nr_output_leave(&b->output, b->fn(b->ctx, &batch));
}

static int call_chunk(struct nr_output *o, const struct nr_event *events, unsigned n)
{
	for (unsigned i = 0; o->misfits && i < n; i++)
		nr_misfits_size(o->misfits, o->recording->format.types, &events[i]);
	return call((struct batch *)o, events, n);
}

/* After a packet the function is called without events, so that it flushes what it holds. */
static int take(struct nr_output *o, const struct nr_packet *packet)
{
	return nr_output_each(o, packet, call_chunk) ?: call((struct batch *)o, NULL, 0);
}

static int miss(struct nr_output *o, const struct nr_gap *gap)
{
	((struct batch *)o)->missed += gap->events;
	return 0;
}

static int end(struct nr_output *o, const struct nr_account *account)
{
	struct batch *b = (struct batch *)o;

	(void)account;
	return b->missed ? call(b, NULL, 0) : 0;
}

static const struct nr_output_ops ops = {
	.take = take,
	.miss = miss,
	.end = end,
	.destroy = nr_output_destroy,
};

int nr_batch_output_new(struct nr_output **out, nr_batch_fn fn, void *ctx,
			const struct nr_output_opts *opts)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->fn = fn;
	b->ctx = ctx;
	b->output.wants_bytes = opts->optional;
	if (nr_output_init(&b->output, &ops, opts->name ?: "batch", opts)) {
		free(b);
		return -ENOMEM;
	}
	*out = &b->output;
	return 0;
}
