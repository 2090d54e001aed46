// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/counter.h"
#include "output.h"

#define QUEUE_BYTES (64ull << 20)

int nr_output_init(struct nr_output *o, const struct nr_output_ops *ops, const char *name,
		   const struct nr_output_opts *opts)
{
	o->ops = ops;
	o->optional = opts->optional;
	o->queue_bytes = opts->queue_bytes ? opts->queue_bytes : QUEUE_BYTES;
	o->name = strdup(name);
	return o->name ? 0 : -ENOMEM;
}

void nr_output_destroy(struct nr_output *o)
{
	free(o->name);
	free(o);
}

static int each_in_rings(struct nr_output *o, const struct nr_packet *packet, nr_events_fn fn)
{
	const uint64_t *place = packet->places, *end = place + packet->n_places;
	struct nr_event evs[NR_OUTPUT_EVENTS];
	int err = 0;

	while (!err && place < end) {
		unsigned n = NR_OUTPUT_EVENTS;

		place = nr_packet_read(packet, place, evs, &n);
		err = fn(o, evs, n);
	}
	return err;
}

/* For an optional output: the rings may have moved on. */
static int each_in_bytes(struct nr_output *o, const struct nr_packet *packet, nr_events_fn fn)
{
	const struct nr_types *types = o->recording->format.types;
	struct nr_record recs[NR_OUTPUT_EVENTS];
	struct nr_event evs[NR_OUTPUT_EVENTS];
	size_t used = nr_packet_used((const struct nr_packet_head *)packet->bytes);
	size_t pos = sizeof(struct nr_packet_head);
	int err = 0;

	while (!err && pos < used) {
		unsigned n = 0;

		for (; n < NR_OUTPUT_EVENTS && pos < used; n++)
			pos += nr_packet_parse(packet->bytes, used, pos, types, &recs[n], &evs[n]);
		err = fn(o, evs, n);
	}
	return err;
}

int nr_output_each(struct nr_output *o, const struct nr_packet *packet, nr_events_fn fn)
{
	return o->optional ? each_in_bytes(o, packet, fn) : each_in_rings(o, packet, fn);
}

/* The recording whose function this thread is in. */
static _Thread_local const struct nr_recording *calling;

bool nr_output_is_calling(const struct nr_recording *recording)
{
	return calling == recording;
}

void nr_output_enter(const struct nr_output *o)
{
	calling = o->recording;
}

int nr_output_leave(struct nr_output *o, int returned)
{
	calling = NULL;
	nr_counter_set(&o->since, nr_clock_now()); /* progress */
	if (!returned)
		return 0;
	if (returned < 0) {
		nr_log(o->recording->log, NR_LOG_INFO,
		       "the function of the output \"%s\" ended it: %s", o->name,
		       strerror(-returned));
		return returned;
	}
	nr_log(o->recording->log, NR_LOG_ERROR,
	       "the function of the output \"%s\" returned %d: return 0 or a negative errno",
	       o->name, returned);
	return -EINVAL;
}
