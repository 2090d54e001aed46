// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/counter.h"
#include "stream.h"

#define PACKET_BYTES (1u << 20)
#define DIRECT_BYTES (128u << 10) /* if the merge thread calls the output */

/* Events that the merge takes in one go. */
#define BATCH 1024

/* Bytes of packets that hold the rings; beyond them the merge waits for the outputs. */
#define IN_FLIGHT (16u << 20)

/* When rings fill, consumers are woken whose watermarks are this much older than a pass could make
 * them; when one is nearly full, already at the shorter age. */
#define LAGGARD_NS	  1000000u
#define LAGGARD_URGENT_NS 100000u

/* Notes that the merge thread runs, and for how long it did not. */
static void note_running(struct nr_stream *s)
{
	uint64_t now = nr_clock_now();

	nr_counter_max(&s->idle_max, now - nr_counter_get(&s->ran));
	nr_counter_set(&s->ran, now);
}

/* ---- rings ---- */

/* Moves the rings to s->marks. A ring that was full then takes records again, and the packet with
 * them has to know of the losses before them: so those are read first (I11). Lanes get the room from
 * the next pass of their consumer. */
static void release(struct nr_stream *s)
{
	nr_losses_sample(&s->merge.losses, nr_clock_now());
	nr_merge_release(&s->merge, s->marks);
	for (uint32_t i = 0; i < s->merge.n_shards; i++)
		if (nr_shard_starves(s->merge.shards[i]))
			nr_consumer_kick(&s->consumers[i]);
}

/* Moves the rings to the newest mark of a packet that is safe. */
static bool release_done(struct nr_stream *s)
{
	bool any = nr_delivery_done(&s->delivery, s->marks);

	if (any)
		release(s);
	return any;
}

/* With no packet on its way, moves the rings past records that were discarded. */
static void release_discarded(struct nr_stream *s)
{
	if (s->packet || nr_delivery_in_flight(&s->delivery))
		return;
	nr_merge_mark(&s->merge, s->marks);
	release(s);
}

/* ---- packets ---- */

static uint64_t count_late(const struct nr_stream *s)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < s->merge.n_shards; i++)
		sum += nr_counter_get(&s->merge.shards[i]->late);
	return sum;
}

/* Sends the events that were taken as a packet. Without events, it ends at `end`, or with the packet
 * before it if that is later. */
static int cut(struct nr_stream *s, uint64_t watermark, uint64_t end, uint64_t lost)
{
	struct nr_packet *p = s->packet;

	p->seq = s->seq++;
	p->end = p->n_events || s->merge.last > end ? s->merge.last : end;
	if (!p->n_events)
		s->merge.last = p->begin = p->end;
	p->watermark = watermark;
	p->lost = lost;
	p->late = count_late(s);
	s->packet = NULL;
	s->hurry = false;
	nr_merge_mark(&s->merge, s->marks);
	return nr_delivery_send(&s->delivery, p, s->marks);
}

static int cut_packet(struct nr_stream *s)
{
	uint64_t watermark = nr_merge_complete_to(&s->merge);

	if (watermark == NR_TIME_END)
		watermark = nr_clock_now();
	return cut(s, watermark, watermark, nr_losses_until(&s->merge.losses, s->merge.last));
}

/* The last packet before the end marks has no records and counts every loss (I11). It ends when the
 * stop began, but no two packets have the same times, because babeltrace2 sorts those of chunks. */
static int cut_last(struct nr_stream *s)
{
	int err = s->packet ? cut_packet(s) : 0;
	uint64_t end = s->ending > s->merge.last ? s->ending : s->merge.last + 1;

	if (err)
		return err;
	s->packet = nr_packet_get(&s->delivery.pool);
	if (!s->packet)
		return -ENOMEM;
	return cut(s, nr_clock_now(), end, nr_losses_all(&s->merge.losses));
}

/* Waits until the packets on their way leave room for another. */
static int wait_for_outputs(struct nr_stream *s)
{
	uint64_t began = nr_clock_now();

	if (nr_delivery_in_flight(&s->delivery) <= IN_FLIGHT)
		return nr_delivery_error(&s->delivery);
	while (nr_delivery_in_flight(&s->delivery) > IN_FLIGHT &&
	       !nr_delivery_error(&s->delivery)) {
		nr_waiter_wait(&s->drain->merge, s->drain->tick_ms);
		note_running(s);
		release_done(s);
	}
	nr_counter_add(&s->waited, nr_clock_now() - began);
	return nr_delivery_error(&s->delivery);
}

static int begin_packet(struct nr_stream *s)
{
	int err;

	release_done(s);
	err = wait_for_outputs(s);
	if (err)
		return err;
	s->packet = nr_packet_get(&s->delivery.pool);
	s->begun = nr_clock_now();
	return s->packet ? 0 : -ENOMEM;
}

/* Takes up to BATCH events into the packet. *n: how many; 0: it is full. */
static int take(struct nr_stream *s, unsigned *n)
{
	struct nr_packet *p = s->packet;
	size_t left = p->records < s->packet_bytes ? s->packet_bytes - p->records : 0;
	int err = nr_packet_room(p, BATCH * NR_PLACE_WORDS);
	uint64_t *end;

	if (err)
		return err;
	if (!p->n_events)
		p->begin = nr_merge_complete_to(&s->merge);
	end = p->places + p->n_places;
	*n = nr_merge_take(&s->merge, &end, BATCH, left, &p->records);
	p->n_events += *n;
	p->n_places = end - p->places;
	return 0;
}

/* Takes all events below the watermark into packets. */
static int move_window(struct nr_stream *s)
{
	unsigned n = 0;
	int err = 0;

	while (!err && nr_merge_more(&s->merge)) {
		if (!s->packet)
			err = begin_packet(s);
		if (!err)
			err = take(s, &n);
		if (!err && !n)
			err = cut_packet(s);
	}
	return err;
}

/* ---- rings that fill up ---- */

/* The time up to which a pass could make its shard complete now. */
static uint64_t newest_time(const struct nr_drain *drain)
{
	if (drain->order == NR_ORDER_RCU)
		return atomic_load_explicit(&drain->grace_time, memory_order_relaxed);
	return nr_clock_now();
}

/* Would a pass of this consumer let the merge go on? Not if it waits for a BUSY record. */
static bool lags(const struct nr_stream *s, uint32_t i, uint64_t newest, uint64_t most)
{
	uint64_t watermark = nr_shard_watermark(s->merge.shards[i]);

	return watermark < newest && newest - watermark > most &&
	       !atomic_load_explicit(&s->consumers[i].busy_since, memory_order_relaxed);
}

static bool is_nearly_full(const struct nr_shard *shard)
{
	return nr_shard_is_fuller(shard, 3);
}

/* Programs wake nobody once their ring is full, so the merge wakes by itself: soon while it makes
 * progress, then after ever longer naps. */
static void plan_return(struct nr_stream *s, bool nearly_full)
{
	unsigned nap = s->merge.last == s->last_return ? 2 * s->nap_ms : 1;

	s->last_return = s->merge.last;
	s->nap_ms = nearly_full && nap < s->drain->tick_ms ? nap : s->drain->tick_ms;
}

/* Wakes the consumers whose old watermarks keep full rings from being emptied. A consumer that finds
 * `urgent` set wakes the merge after its pass, so it is set before the first of them wakes. */
static void hurry_laggards(struct nr_stream *s)
{
	uint64_t newest = newest_time(s->drain), most;
	bool urgent = false, nearly_full = false;

	for (uint32_t i = 0; i < s->merge.n_shards; i++)
		nearly_full |= is_nearly_full(s->merge.shards[i]);
	most = nearly_full ? LAGGARD_URGENT_NS : LAGGARD_NS;
	plan_return(s, nearly_full);
	atomic_store_explicit(&s->drain->urgent, true, memory_order_relaxed);
	for (uint32_t i = 0; i < s->merge.n_shards; i++) {
		if (lags(s, i, newest, most)) {
			nr_consumer_kick(&s->consumers[i]);
			urgent = true;
		}
		/* The last grace period is used up: the consumers wait for the next one. */
		urgent |= s->drain->order == NR_ORDER_RCU && nr_shard_pressed(s->merge.shards[i]);
	}
	if (!urgent)
		atomic_store_explicit(&s->drain->urgent, false, memory_order_relaxed);
}

/* A consumer that could not read its ring ends the recording; what the others have is still
 * written. */
static void note_consumer_errors(struct nr_stream *s)
{
	uint64_t one = 1;

	for (uint32_t i = 0; i < s->merge.n_shards; i++)
		if (atomic_load(&s->consumers[i].error))
			(void)!write(s->error_fd, &one, sizeof(one));
}

/* ---- the thread ---- */

/* A ring fills up. While packets are on their way, it waits for them anyway, so only a packet of
 * some size joins them. When they are safe, the merge is woken. */
static bool is_urgent(const struct nr_stream *s)
{
	return s->hurry &&
	       (!nr_delivery_in_flight(&s->delivery) || s->packet->records >= s->urgent_bytes);
}

static bool is_due(const struct nr_stream *s)
{
	return is_urgent(s) || nr_clock_now() - s->begun >= s->latency_ns / 2;
}

static int round_once(struct nr_stream *s)
{
	bool pressed = atomic_exchange_explicit(&s->drain->pressed, false, memory_order_relaxed);
	bool urgent = atomic_load_explicit(&s->drain->urgent, memory_order_relaxed);
	bool fills = pressed || urgent || s->nap_ms < s->drain->tick_ms;
	int err;

	s->hurry |= fills;
	note_consumer_errors(s);
	nr_losses_sample(&s->merge.losses, nr_clock_now());
	nr_counter_set(&s->watermark, nr_merge_begin(&s->merge));
	err = nr_delivery_error(&s->delivery) ?: move_window(s);
	if (!err && s->packet && is_due(s))
		err = cut_packet(s);
	if (err)
		return err; /* the marks may be past events that were not sent (I10) */
	if (!release_done(s))
		release_discarded(s);
	if (fills)
		hurry_laggards(s);
	return 0;
}

/* Packers and outputs have explained their errors. */
static void end_with(struct nr_stream *s, int err)
{
	uint64_t one = 1;

	if (!nr_delivery_error(&s->delivery))
		nr_log(s->delivery.recording.log, NR_LOG_ERROR,
		       "cannot put events into packets: %s", nr_reason(err));
	atomic_store(&s->error, err);
	(void)!write(s->error_fd, &one, sizeof(one));
}

static void *run(void *arg)
{
	struct nr_stream *s = arg;
	bool finish = false;
	int err = 0;

	while (!err && !finish) {
		nr_waiter_wait(&s->drain->merge, s->nap_ms);
		note_running(s);
		/* Pairs with the release in nr_stream_finish, which the last passes precede. */
		finish = atomic_load_explicit(&s->finish, memory_order_acquire);
		err = round_once(s);
	}
	if (!err)
		err = cut_last(s);
	if (err)
		end_with(s, err);
	return NULL;
}

int nr_stream_start(struct nr_stream *s)
{
	if (s->delivery.direct)
		s->packet_bytes = DIRECT_BYTES;
	s->nap_ms = s->drain->tick_ms;
	nr_counter_set(&s->watermark, s->merge.watermark);
	nr_counter_set(&s->ran, nr_clock_now());
	return nr_thread_start(&s->thread, run, s, "nr-merge");
}

/* The rings move for the last time. */
static void release_last(struct nr_stream *s)
{
	if (nr_delivery_done(&s->delivery, s->marks))
		nr_merge_release(&s->merge, s->marks);
}

int nr_stream_finish(struct nr_stream *s, unsigned patience_ms)
{
	uint64_t asked = nr_clock_now();
	int err;

	/* Pairs with the acquire in run. */
	atomic_store_explicit(&s->finish, true, memory_order_release);
	nr_delivery_stop_waiting(&s->delivery);
	nr_waiter_kick(&s->drain->merge);
	while (!nr_thread_join_within(&s->thread, NR_DELIVERY_LOOK_MS)) {
		nr_delivery_give_up(&s->delivery, asked, patience_ms);
		if (s->delivery.direct && nr_delivery_is_abandoned(&s->delivery))
			break; /* the merge thread is in the output */
	}
	err = nr_delivery_drain(&s->delivery, asked, patience_ms);
	if (!s->thread.running)
		release_last(s);
	if (err && !atomic_load(&s->error))
		atomic_store(&s->error, err);
	return atomic_load(&s->error);
}

static size_t smallest_ring(struct nr_shard **shards, uint32_t n)
{
	size_t least = SIZE_MAX;

	for (uint32_t i = 0; i < n; i++)
		least = shards[i]->size < least ? shards[i]->size : least;
	return least;
}

int nr_stream_init(struct nr_stream *s, struct nr_shard **shards, uint32_t n,
		   struct nr_drain *drain)
{
	int err;

	s->drain = drain;
	s->packet_bytes = PACKET_BYTES;
	s->seq = 1; /* the outputs begin with packet 0 */
	s->urgent_bytes = smallest_ring(shards, n) / 8;
	s->marks = calloc(n, sizeof(*s->marks));
	if (!s->marks)
		return -ENOMEM;
	err = nr_merge_init(&s->merge, shards, n);
	return err ? err : nr_delivery_init(&s->delivery, n, &drain->merge);
}

void nr_stream_destroy(struct nr_stream *s)
{
	nr_packet_put(s->packet);
	nr_delivery_destroy(&s->delivery);
	nr_merge_destroy(&s->merge);
	free(s->marks);
	s->marks = NULL;
}
