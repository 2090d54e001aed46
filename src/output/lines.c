// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* JSON lines: the function gets pieces of whole lines. */
#include <errno.h>
#include <stdlib.h>
#include "base/counter.h"
#include "batch.h"
#include "types/json.h"

#define PIECE 4096u /* bytes after which lines are passed on: what a pipe takes in one piece */

struct lines {
	struct nr_output output;
	nr_lines_fn fn;
	void *ctx;
	char *buf;
	size_t size, used;
};

static int grow(struct lines *l, size_t size)
{
	char *grown = size > l->size ? realloc(l->buf, size) : l->buf;

	if (!grown) {
		nr_log(l->output.recording->log, NR_LOG_ERROR, "cannot make JSON lines: %s",
		       nr_reason(-ENOMEM));
		return -ENOMEM;
	}
	l->buf = grown;
	l->size = size > l->size ? size : l->size;
	return 0;
}

static int flush(struct lines *l)
{
	size_t used = l->used;
	int err;

	if (!used)
		return 0;
	l->used = 0;
	nr_output_enter(&l->output);
	err = nr_output_leave(&l->output, l->fn(l->ctx, l->buf, used));
	if (!err)
		nr_counter_add(&l->output.bytes, used);
	return err;
}

static int add_event(struct lines *l, const struct nr_event *ev)
{
	const struct nr_recording *r = l->output.recording;
	size_t left = l->size - l->used;
	int n = nr_types_json_line(r->format.types, ev, r->clock_offset, l->buf + l->used, left);

	if (n < 0)
		return n;
	if ((size_t)n >= left) {
		int err = grow(l, l->used + n + PIECE);

		return err ? err : add_event(l, ev);
	}
	l->used += n;
	return l->used >= PIECE ? flush(l) : 0;
}

static int add_events(struct nr_output *o, const struct nr_event *events, unsigned n)
{
	const struct nr_recording *r = o->recording;
	int err = 0;

	for (unsigned i = 0; !err && i < n; i++) {
		if (o->misfits)
			nr_misfits_size(o->misfits, r->format.types, &events[i]);
		err = add_event((struct lines *)o, &events[i]);
	}
	return err;
}

static int take(struct nr_output *o, const struct nr_packet *packet)
{
	struct lines *l = (struct lines *)o;

	return grow(l, 2 * PIECE) ?: nr_output_each(o, packet, add_events) ?: flush(l);
}

static int miss(struct nr_output *o, const struct nr_gap *gap)
{
	struct lines *l = (struct lines *)o;
	int err = grow(l, 2 * PIECE);
	struct nr_text text;

	if (err)
		return err;
	text = (struct nr_text){ l->buf, l->size, 0 };
	nr_text_add(&text, "{");
	nr_json_time(&text, gap->end, o->recording->clock_offset);
	nr_text_add(&text, "\"event\":\"numaring:gap\",\"fields\":{");
	nr_json_u64(&text, "packets", gap->packets);
	nr_text_add(&text, ",");
	nr_json_u64(&text, "events", gap->events);
	nr_text_add(&text, "}}\n");
	l->used = text.len;
	return flush(l);
}

static int end(struct nr_output *o, const struct nr_account *account)
{
	(void)o;
	(void)account;
	return 0;
}

static void destroy(struct nr_output *o)
{
	free(((struct lines *)o)->buf);
	nr_output_destroy(o);
}

static const struct nr_output_ops ops = {
	.take = take,
	.miss = miss,
	.end = end,
	.destroy = destroy,
};

int nr_lines_output_new(struct nr_output **out, nr_lines_fn fn, void *ctx,
			const struct nr_output_opts *opts)
{
	struct lines *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->fn = fn;
	l->ctx = ctx;
	l->output.wants_bytes = opts->optional;
	if (nr_output_init(&l->output, &ops, opts->name ?: "json lines", opts)) {
		free(l);
		return -ENOMEM;
	}
	*out = &l->output;
	return 0;
}
