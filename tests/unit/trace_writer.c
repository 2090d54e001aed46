// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "trace_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "packet/frame.h"
#include "place_help.h"

struct copy {
	struct copy *next;
	uint64_t slot[];
};

struct writer {
	struct nr_logger log;
	struct nr_packet_pool pool;
	struct nr_recording recording;
	struct nr_misfits *misfits;
	struct nr_output *output;
	struct nr_packet *packet;
	struct copy *copies;
	struct nr_frames *frames;
	size_t full;
	uint64_t seq, last_ts, late;
};

/* Makes the bytes of the packet, and compresses them if the output wants that. */
static int pack(struct writer *w, struct nr_misfits *misfits)
{
	struct nr_packet *p = w->packet;
	int err = nr_packet_build(p, &w->recording.format, misfits);

	return err || !w->frames ? err
				 : nr_frame_make(w->frames, p->bytes, p->size, &p->frame,
						 &p->frame_cap, &p->frame_size);
}

static int begin(struct writer *w, uint64_t start)
{
	struct nr_packet *first = w->packet;
	int err;

	first->begin = first->end = first->watermark = start;
	err = pack(w, NULL);
	w->recording.first = first;
	w->output->recording = &w->recording;
	err = err ?: w->output->ops->begin(w->output);
	nr_packet_put(first);
	w->packet = nr_packet_get(&w->pool);
	w->last_ts = start;
	return err;
}

int writer_open(struct writer **out, const char *dir, const struct nr_types *types,
		const struct writer_opts *opts)
{
	struct nr_output_opts how = opts->trace ? *opts->trace : (struct nr_output_opts){};
	struct writer *w = calloc(1, sizeof(*w));
	int level = 0, err;

	how.force = opts->force;
	how.group = opts->group;
	w->log = (struct nr_logger){ opts->log, opts->log_ctx };
	w->recording.format.types = types;
	w->recording.clock_offset = opts->clock_offset;
	w->recording.filter = opts->filter;
	w->recording.cpu_nodes = opts->cpu_nodes;
	w->recording.n_cpus = opts->n_cpus;
	w->recording.log = &w->log;
	w->misfits = opts->misfits;
	w->full = opts->packet_bytes ? opts->packet_bytes : 1 << 20;
	w->seq = 1;
	if (opts->uuid)
		memcpy(w->recording.format.uuid, opts->uuid, 16);
	else if (getrandom(w->recording.format.uuid, 16, 0) != 16)
		return -EIO;
	nr_packet_pool_init(&w->pool);
	w->packet = nr_packet_get(&w->pool);
	err = how.compress
		      ? nr_frames_level(how.compress, &level) ?: nr_frames_new(&w->frames, level)
		      : 0;
	err = err ?: nr_trace_output_new(&w->output, dir, &how);
	if (!err) {
		w->output->wants_frames = how.compress;
		w->output->level = level;
		err = begin(w, opts->start);
	}
	if (err)
		writer_close(w);
	else
		*out = w;
	return err;
}

size_t writer_room(const struct writer *w)
{
	return w->packet->records < w->full ? w->full - w->packet->records : 0;
}

static void add(struct writer *w, const struct nr_event *ev)
{
	struct copy *copy = malloc(sizeof(*copy) + 8 * SLOT_WORDS(ev->size));

	fill_slot(copy->slot, ev->rec, ev->data, ev->size);
	copy->next = w->copies;
	w->copies = copy;
	if (ev->ts > w->last_ts) /* else it is late, and so no earlier than the one before it */
		w->last_ts = ev->ts;
	if (!w->packet->n_events)
		w->packet->begin = w->last_ts;
	w->late += !!(ev->flags & NR_EVENT_LATE);
	add_place(w->packet, copy->slot, ev->flags & NR_EVENT_LATE, w->last_ts);
}

static bool goes_back(const struct writer *w, const struct nr_event *evs, unsigned n)
{
	uint64_t last = w->last_ts;

	for (unsigned i = 0; i < n; i++) {
		if (evs[i].ts < last && !(evs[i].flags & NR_EVENT_LATE))
			return true;
		last = evs[i].ts > last ? evs[i].ts : last;
	}
	return false;
}

int writer_append(struct writer *w, const struct nr_event *evs, unsigned n)
{
	int err = goes_back(w, evs, n) ? -EINVAL : nr_packet_room(w->packet, n * NR_PLACE_WORDS);

	for (unsigned i = 0; !err && i < n; i++)
		add(w, &evs[i]);
	return err;
}

static void free_copies(struct writer *w)
{
	while (w->copies) {
		struct copy *next = w->copies->next;

		free(w->copies);
		w->copies = next;
	}
}

int writer_commit(struct writer *w, uint64_t watermark, uint64_t lost)
{
	struct nr_packet *p = w->packet;
	int err;

	p->seq = w->seq;
	p->end = p->n_events || w->last_ts > watermark ? w->last_ts : watermark;
	p->begin = p->n_events ? p->begin : p->end;
	p->watermark = watermark;
	p->lost = lost;
	p->late = w->late;
	err = pack(w, w->misfits) ?: w->output->ops->take(w->output, p);
	if (err)
		return err;
	w->last_ts = p->end;
	w->seq++;
	nr_packet_put(p);
	w->packet = nr_packet_get(&w->pool);
	free_copies(w);
	return 0;
}

int writer_miss(struct writer *w, uint64_t packets, uint64_t events)
{
	const struct nr_gap gap = {
		.packets = packets,
		.events = events,
		.begin = w->last_ts,
		.end = w->last_ts,
	};

	w->seq += packets;
	return w->output->ops->miss(w->output, &gap);
}

int writer_rotate(struct writer *w)
{
	return w->output->ops->rotate(w->output);
}

int writer_finish(struct writer *w, const struct nr_account *account)
{
	return w->output->ops->end(w->output, account);
}

uint64_t writer_bytes(const struct writer *w)
{
	return w->output->bytes;
}

const struct nr_output *writer_output(const struct writer *w)
{
	return w->output;
}

void writer_keep(struct writer *w)
{
	w->output->ops->keep(w->output);
}

int writer_close(struct writer *w)
{
	if (!w)
		return 0;
	if (w->output)
		w->output->ops->destroy(w->output);
	free_copies(w);
	nr_packet_put(w->packet);
	nr_packet_pool_destroy(&w->pool);
	nr_frames_free(w->frames);
	free(w);
	return 0;
}

void writer_discard(struct writer *w)
{
	w->output->ops->undo(w->output);
	writer_close(w);
}
