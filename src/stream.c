// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/counter.h"
#include "stream.h"

#define BATCH 1024

/* A watermark this much behind the newest one holds up the merge when rings fill. */
#define LAGGARD_NS 1000000u

/* For sink_since: nobody waits for the merge thread any more. */
#define ABANDONED UINT64_MAX

/* How often the end looks whether the sink gets on. */
#define LOOK_MS 50

/* The merge thread runs: how long did it not? */
static uint64_t note_running(struct nr_stream *s)
{
	uint64_t now = nr_clock_now();

	nr_counter_max(&s->idle_max, now - nr_counter_get(&s->ran));
	nr_counter_set(&s->ran, now);
	return now;
}

static void enter_sink(struct nr_stream *s)
{
	nr_counter_set(&s->sink_since, note_running(s));
}

/* err: what the sink returned. */
static int leave_sink(struct nr_stream *s, int err)
{
	uint64_t now = nr_clock_now(), since = atomic_exchange(&s->sink_since, 0);

	if (since == ABANDONED)
		return -ETIMEDOUT;
	nr_counter_set(&s->ran, now);
	nr_counter_max(&s->sink_max, now - since);
	nr_counter_add(&s->sink_total, now - since);
	return err;
}

/* What was pushed becomes a packet. */
static int commit(struct nr_stream *s)
{
	uint64_t watermark = nr_merge_complete_to(&s->merge);
	int err;

	if (watermark == NR_TIME_END)
		watermark = nr_clock_now();
	enter_sink(s);
	err = leave_sink(s, s->sink.commit(s->sink.ctx, watermark,
					   nr_losses_until(&s->merge.losses, s->merge.last)));
	if (err)
		return err;
	/* Before CPUs whose rings were full write again: the packets with that know of it. */
	nr_losses_sample(&s->merge.losses, nr_clock_now());
	nr_merge_release(&s->merge);
	s->dirty = false;
	return 0;
}

/* The last packet before the end mark has no records and counts every loss (I11), even if the mark
 * cannot be written. */
static int end_stream(struct nr_stream *s)
{
	int err = s->dirty ? commit(s) : 0;
	uint64_t lost;

	if (err)
		return err;
	lost = nr_losses_all(&s->merge.losses);
	enter_sink(s);
	return leave_sink(s, s->sink.commit(s->sink.ctx, nr_clock_now(), lost));
}

static int push(struct nr_stream *s, const struct nr_event *evs, unsigned n)
{
	enter_sink(s);
	return leave_sink(s, s->sink.push(s->sink.ctx, evs, n));
}

/* Moves the whole window into the sink. */
static int move_window(struct nr_stream *s, struct nr_event *evs)
{
	int err = 0;

	while (!err) {
		size_t room = s->sink.room(s->sink.ctx);
		unsigned n = nr_merge_take(&s->merge, evs, BATCH, room);

		if (n && !s->dirty) {
			s->dirty = true;
			s->dirty_since = nr_clock_now();
		}
		if (n)
			err = push(s, evs, n);
		else if (nr_merge_more(&s->merge))
			err = commit(s);
		else
			break;
	}
	return err;
}

/* The time up to which a pass could make its shard complete now. */
static uint64_t newest_time(const struct nr_drain *drain)
{
	if (drain->order == NR_ORDER_RCU)
		return atomic_load_explicit(&drain->grace_time, memory_order_relaxed);
	return nr_clock_now();
}

/* Would a pass of this consumer let the merge go on? Not if it waits for a record itself. */
static bool lags(const struct nr_stream *s, uint32_t i, uint64_t newest)
{
	uint64_t watermark = nr_shard_watermark(s->merge.shards[i]);

	return watermark < newest && newest - watermark > LAGGARD_NS &&
	       !atomic_load_explicit(&s->consumers[i].busy_since, memory_order_relaxed);
}

/* Wakes the consumers whose old watermarks keep full rings from being emptied; they answer with a
 * kick, if they find that it is urgent: so it is before the first of them wakes. */
static void hurry_laggards(struct nr_stream *s)
{
	uint64_t newest = newest_time(s->drain);
	bool urgent = false;

	atomic_store_explicit(&s->drain->urgent, true, memory_order_relaxed);
	for (uint32_t i = 0; i < s->merge.n_shards; i++) {
		if (lags(s, i, newest)) {
			nr_consumer_kick(&s->consumers[i]);
			urgent = true;
		}
		/* Everybody has made the best of the last grace period: the next one is waited for.
		 */
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

static int round_once(struct nr_stream *s, struct nr_event *evs)
{
	bool pressed = atomic_exchange_explicit(&s->drain->pressed, false, memory_order_relaxed);
	bool hurry = pressed || atomic_load_explicit(&s->drain->urgent, memory_order_relaxed);
	int err;

	note_consumer_errors(s);
	nr_losses_sample(&s->merge.losses, nr_clock_now());
	nr_counter_set(&s->watermark, nr_merge_begin(&s->merge));
	err = move_window(s, evs);
	if (err)
		return err;
	if (!s->dirty)
		nr_merge_release(&s->merge); /* discarded records take room too */
	else if (hurry || nr_clock_now() - s->dirty_since >= s->latency_ns / 2)
		err = commit(s);
	if (hurry)
		hurry_laggards(s);
	return err;
}

static void *run(void *arg)
{
	struct nr_event evs[BATCH];
	struct nr_stream *s = arg;
	bool finish = false;
	uint64_t one = 1;
	int err = 0;

	while (!err && !finish) {
		nr_waiter_wait(&s->drain->merge, s->drain->tick_ms);
		note_running(s);
		/* Pairs with the release in nr_stream_finish: the shards' last passes come before.
		 */
		finish = atomic_load_explicit(&s->finish, memory_order_acquire);
		err = round_once(s, evs);
	}
	if (!err)
		err = end_stream(s);
	if (err) {
		atomic_store(&s->error, err);
		(void)!write(s->error_fd, &one, sizeof(one));
	}
	return NULL;
}

int nr_stream_start(struct nr_stream *s)
{
	nr_counter_set(&s->watermark, s->merge.watermark);
	nr_counter_set(&s->ran, nr_clock_now());
	return nr_thread_start(&s->thread, run, s, "nr-merge");
}

/* True if the sink has had its time, counted from no earlier than asked: from now on leave_sink
 * ends the thread. It has gone on, and is not abandoned, if sink_since has changed. */
static bool give_up(struct nr_stream *s, uint64_t asked, uint64_t patience_ns)
{
	uint64_t since = nr_counter_get(&s->sink_since);
	uint64_t from = since > asked ? since : asked, now = nr_clock_now();

	return since && now > from && now - from > patience_ns &&
	       atomic_compare_exchange_strong(&s->sink_since, &since, ABANDONED);
}

int nr_stream_finish(struct nr_stream *s, unsigned patience_ms)
{
	uint64_t asked = nr_clock_now();

	/* Pairs with the acquire in run. */
	atomic_store_explicit(&s->finish, true, memory_order_release);
	nr_waiter_kick(&s->drain->merge);
	if (!patience_ms)
		nr_thread_join(&s->thread);
	while (!nr_thread_join_within(&s->thread, LOOK_MS)) {
		if (!give_up(s, asked, patience_ms * 1000000ull))
			continue;
		atomic_store(&s->error, -ETIMEDOUT);
		return -ETIMEDOUT;
	}
	return atomic_load(&s->error);
}
