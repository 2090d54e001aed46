// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "parts.h"

static void explain_build(const struct nr_delivery *d, int err)
{
	nr_log(d->recording.log, NR_LOG_ERROR, "cannot make a packet: %s",
	       err == -EMSGSIZE ? "more than 1 GiB of records have one time, and a packet holds no "
				  "more"
	       : err == -EINVAL ? "an event came out of order and is not marked as late"
				: nr_reason(err));
}

static struct nr_cut *next_to_build(struct nr_delivery *d)
{
	struct nr_cut *cut;

	while (!d->build && !d->closing && !d->error)
		pthread_cond_wait(&d->to_pack, &d->lock);
	cut = d->error ? NULL : d->build;
	if (!cut)
		return NULL;
	d->build = cut->next;
	cut->turn = d->numbering.turns++;
	return cut;
}

int nr_packers_make(struct nr_packet *packet, const struct nr_packet_format *format,
		    struct nr_misfits *misfits, struct nr_frames *frames)
{
	int err = nr_packet_build(packet, format, misfits);

	if (err || !frames)
		return err;
	return nr_frame_make(frames, packet->bytes, packet->size, &packet->frame,
			     &packet->frame_cap, &packet->frame_size);
}

/* Filters the cut's packet, with the delivery unlocked, and numbers it when its turn has come. After
 * an error of the delivery, its turn never comes. */
static void filter(struct nr_delivery *d, struct nr_cut *cut)
{
	pthread_mutex_unlock(&d->lock);
	cut->left_out = nr_filter_packet(&d->filter, cut->packet);
	pthread_mutex_lock(&d->lock);
	while (cut->turn != d->numbering.turn && !d->error)
		pthread_cond_wait(&d->numbering.moved, &d->lock);
	if (d->error)
		return;
	nr_cuts_number(d, cut);
	pthread_cond_broadcast(&d->numbering.moved);
}

/* Makes the bytes of the cut's packet, if anybody wants them. Unlocks meanwhile. */
static int make(struct nr_delivery *d, struct nr_cut *cut, struct nr_frames *frames)
{
	int err;

	if (!d->wants_bytes || cut->dropped)
		return 0;
	pthread_mutex_unlock(&d->lock);
	err = nr_packers_make(cut->packet, &d->recording.format, d->misfits, frames);
	if (err)
		explain_build(d, err);
	pthread_mutex_lock(&d->lock);
	return err;
}

static void *pack(void *arg)
{
	struct nr_packer *p = arg;
	struct nr_delivery *d = p->delivery;
	struct nr_cut *cut;
	int err;

	pthread_mutex_lock(&d->lock);
	while ((cut = next_to_build(d))) {
		if (d->filter.query)
			filter(d, cut);
		err = d->error ?: make(d, cut, p->frames);
		cut->built = !err;
		if (err)
			nr_cuts_fail(d, err);
		nr_cuts_hand_out(d);
		pthread_cond_broadcast(&d->moved);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

int nr_packers_start(struct nr_delivery *d, unsigned n)
{
	char name[24];
	int err = 0;

	d->packers = calloc(n, sizeof(*d->packers));
	if (!d->packers)
		return -ENOMEM;
	for (; !err && d->n_packers < n; d->n_packers++) {
		struct nr_packer *p = &d->packers[d->n_packers];

		p->delivery = d;
		snprintf(name, sizeof(name), "nr-pack-%u", d->n_packers);
		if (d->recording.frames)
			err = nr_frames_new(&p->frames, d->recording.level);
		err = err ?: nr_thread_start(&p->thread, pack, p, name);
	}
	return err;
}
