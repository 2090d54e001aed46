// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From the merge to the outputs: Y1, Y2, Y3 of delivery.h. */
#include "delivery_help.h"

#include <errno.h>
#include <time.h>
#include "base/clock.h"
#include "base/counter.h"
#include "output/trace.h"

/* ---- Y1: in sequence ---- */

static void expect_all(const struct fake *f, uint64_t packets)
{
	assert_int_equal(f->n, packets);
	for (unsigned i = 0; i < f->n; i++)
		expect_packet(f, i, i + 1);
}

/* The packer of the second packet is slow: whatever the others make meanwhile waits for it. */
static void sequence(unsigned packers)
{
	struct rig *r = new_rig();
	struct fake *a = add_fake(r, false, true), *b = add_fake(r, false, false);
	struct fake *c = add_fake(r, true, true);

	start_rig(r, packers);
	held_packet = 2;
	for (unsigned i = 0; i < 40; i++)
		send_packet(r, i);
	await_mark(r, 1);
	if (packers > 1) { /* one of the others has made what it can make */
		pthread_mutex_lock(&r->d.lock);
		while (r->d.build)
			pthread_cond_wait(&r->d.moved, &r->d.lock);
		pthread_mutex_unlock(&r->d.lock);
	}
	assert_int_equal(stats_of(r, a).packets, 1);
	assert_int_equal(stats_of(r, b).packets, 1);
	assert_false(new_mark(r));
	release_packet();
	await_mark(r, 40);
	assert_int_equal(drain(r), 0);
	assert_int_equal(end_all(r), 0);
	expect_all(a, 40);
	expect_all(b, 40);
	expect_all(c, 40);
	close_rig(r);
}

static void test_sequence(void **state)
{
	(void)state;
	sequence(1);
	sequence(2);
	sequence(4);
}

/* ---- I12: the same bytes ---- */

#define STREAM_PACKETS 30

static uint64_t slots[500][SLOT_WORDS(540)];

/* Points, tails of any length, records that are late, too long, too short, or of no type. */
static void add_varied(struct seed *seed, struct nr_packet *p, uint64_t *slot, uint64_t ts)
{
	static const uint16_t ids[] = { ID_POINT, ID_TAIL, ID_TAIL, ID_TAIL, 999, ID_BYTE };
	uint16_t elements = seed_below(seed, 250);
	bool late = seed_once_in(seed, 8);

	const struct nr_record rec = { .ts = late ? ts - 50 : ts,
				       .id = ids[seed_below(seed, 6)],
				       .cpu = seed_below(seed, 9) };
	union {
		struct tail tail;
		uint8_t bytes[540];
	} payload = { .tail = { .when = seed_next(seed), .data_len = elements } };
	uint32_t size = seed_once_in(seed, 6) ? seed_below(seed, 540) : 10u + 2 * elements;

	fill_slot(slot, &rec, &payload, size);
	add_place(p, slot, late, ts);
}

static struct nr_packet *make_varied(struct rig *r, struct seed *seed)
{
	unsigned n = seed_below(seed, 16);
	struct nr_packet *p = make_packet(r, n);

	p->records = p->n_events = p->n_places = 0;
	for (unsigned i = 0; i < n; i++)
		add_varied(seed, p, slots[p->seq * 16 + i], p->begin + i);
	return p;
}

/* The packets are cut in two halves, and the first packet of each is made last. */
static void send_varied(struct rig *r, struct seed *seed, unsigned packers)
{
	for (unsigned half = 0; half < 2; half++) {
		lock_stage();
		held_packet = packers > 1 ? r->sent + 1 : 0;
		unlock_stage();
		for (unsigned i = 0; i < STREAM_PACKETS / 2; i++) {
			struct nr_packet *p = make_varied(r, seed);
			const struct nr_mark mark = { p->seq, 8 * p->seq };

			assert_int_equal(nr_delivery_send(&r->d, p, &mark), 0);
		}
		pthread_mutex_lock(&r->d.lock);
		while (r->d.build)
			pthread_cond_wait(&r->d.moved, &r->d.lock);
		pthread_mutex_unlock(&r->d.lock);
		release_packet();
		await_mark(r, r->sent);
	}
}

struct written {
	char *stream, *frames;
	size_t size, frames_size;
	uint64_t misfits;
};

/* An output that keeps compressed packets. */
struct frames_output {
	struct nr_output output; /* the first member */
	FILE *file;
};

static int keep_frame(struct nr_output *o, const struct nr_packet *packet)
{
	FILE *file = ((struct frames_output *)o)->file;

	return fwrite(packet->frame, packet->frame_size, 1, file) == 1 ? 0 : -EIO;
}

static int end_frames(struct nr_output *o, const struct nr_account *account)
{
	(void)account;
	return -fclose(((struct frames_output *)o)->file);
}

static void keep_output(struct nr_output *o)
{
	(void)o; /* it is on the stack */
}

static void open_frames(struct frames_output *o, struct rig *r, struct written *w)
{
	static const struct nr_output_ops ops = { .take = keep_frame,
						  .end = end_frames,
						  .destroy = keep_output };

	*o = (struct frames_output){
		{ .ops = &ops, .name = "frames", .wants_bytes = true, .wants_frames = true },
		open_memstream(&w->frames, &w->frames_size)
	};
	assert_non_null(o->file);
	assert_int_equal(nr_delivery_add(&r->d, &o->output), 0);
}

static struct written write_stream(uint64_t first, unsigned packers)
{
	const struct nr_output_opts opts = { .sz = sizeof(opts) };
	const char *path = in_scratch("packers-%u", packers);
	struct nr_output *output = NULL;
	struct rig *r = new_rig();
	struct seed seed = { first };
	struct written w = { 0 };
	struct frames_output frames;

	assert_int_equal(nr_trace_output_new(&output, path, &opts), 0);
	assert_int_equal(nr_delivery_add(&r->d, output), 0);
	open_frames(&frames, r, &w);
	start_rig(r, packers);
	nr_delivery_keep(&r->d);
	send_varied(r, &seed, packers);
	assert_int_equal(drain(r), 0);
	assert_int_equal(end_all(r), 0);
	for (unsigned id = 0; id <= r->types->n_ids; id++)
		w.misfits += nr_counter_get(&r->misfits.by_id[id].shorter) * 1000003 +
			     nr_counter_get(&r->misfits.by_id[id].longer);
	w.stream = load_file(in_scratch("packers-%u/stream", packers), &w.size);
	close_rig(r);
	remove_tree(in_scratch("packers-%u", packers));
	return w;
}

static void test_same_bytes(void **state)
{
	uint64_t first = seed_first("delivery/same bytes");
	struct written one = write_stream(first, 1);

	(void)state;
	assert_true(one.size > 10000);
	assert_true(one.misfits > 1000003);
	for (unsigned packers = 2; packers <= 7; packers += 5) {
		struct written w = write_stream(first, packers);

		assert_int_equal(w.size, one.size);
		assert_memory_equal(w.stream, one.stream, one.size);
		assert_int_equal(w.frames_size, one.frames_size);
		assert_memory_equal(w.frames, one.frames, one.frames_size);
		assert_int_equal(w.misfits, one.misfits);
		free(w.stream);
		free(w.frames);
	}
	free(one.stream);
	free(one.frames);
}

/* ---- Y2: a mark is a promise ---- */

/* Two required outputs, one of them late, and an optional one that takes nothing. */
static void marks_in_order(bool bytes, unsigned late)
{
	struct rig *r = new_rig();
	struct fake *out[] = { add_fake(r, false, bytes), add_fake(r, false, false) };
	struct fake *quick = out[!late], *slow = out[late], *never = NULL;

	never = bytes ? add_fake(r, true, true) : NULL;
	if (never)
		hold(never);
	hold(quick);
	hold(slow);
	start_rig(r, 2);
	for (unsigned i = 0; i < 5; i++)
		send_packet(r, 3);
	await_entered(quick, 1);
	await_entered(slow, 1);
	assert_false(new_mark(r));
	allow(quick, 4);
	await_taken(r, quick, 4);
	assert_false(new_mark(r));
	allow(slow, 1);
	await_taken(r, slow, 1);
	assert_true(new_mark(r));
	assert_int_equal(r->mark, 1);
	allow(slow, 3);
	await_taken(r, slow, 4);
	assert_true(new_mark(r));
	assert_int_equal(r->mark, 4);
	assert_true(nr_delivery_in_flight(&r->d) > 0);
	let_go(slow);
	await_taken(r, slow, 5);
	assert_false(new_mark(r));
	let_go(quick);
	await_mark(r, 5);
	assert_int_equal(nr_delivery_in_flight(&r->d), 0);
	if (never)
		let_go(never);
	assert_int_equal(drain(r), 0);
	assert_int_equal(end_all(r), 0);
	assert_int_equal(quick->ended, 1);
	assert_int_equal(quick->account.written, 15);
	close_rig(r);
}

static void test_marks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		marks_in_order(i / 2, i % 2);
}

/* Packets that no output holds the rings for are safe at once, and not before they are made. */
static void test_none_required(void **state)
{
	struct rig *r = new_rig();
	struct fake *f = add_fake(r, true, true);

	(void)state;
	hold(f);
	start_rig(r, 1);
	held_packet = 2;
	send_packet(r, 3);
	send_packet(r, 3);
	await_mark(r, 1);
	assert_false(new_mark(r));
	release_packet();
	await_mark(r, 2);
	let_go(f);
	assert_int_equal(drain(r), 0);
	assert_int_equal(end_all(r), 0);
	expect_all(f, 2);
	close_rig(r);
}

/* The only output wants no bytes: no thread comes between. */
static void test_direct(void **state)
{
	struct rig *r = new_rig();
	struct fake *f = add_fake(r, false, false);

	(void)state;
	start_rig(r, 4);
	for (unsigned i = 1; i <= 3; i++) {
		send_packet(r, i);
		assert_int_equal(f->n, i);
		assert_true(pthread_equal(f->thread, pthread_self()));
		assert_true(new_mark(r));
		assert_int_equal(r->mark, i);
	}
	f->fail_at = 4;
	for (unsigned i = 4; i <= 6; i++)
		send_packet(r, i);
	assert_int_equal(nr_delivery_error(&r->d), -EIO);
	assert_false(new_mark(r));
	assert_int_equal(drain(r), -EIO);
	assert_int_equal(end_all(r), -EIO);
	expect_all(f, 4);
	assert_int_equal(stats_of(r, f).packets, 3);
	assert_int_equal(f->ended, 1);
	close_rig(r);
}

static void soon(struct fake *f)
{
	f->output.due = nr_clock_now() + 1000000;
}

/* An output is called when it is due, also if no packet comes, and its error ends the recording. In a
 * time namespace, the host's clock may be ahead of the clock that the thread waits for, or behind. */
static void is_called_when_due(int64_t clock_offset)
{
	struct rig *r = new_rig();
	struct fake *f = add_fake(r, false, true);

	atomic_store(&nr_clock_offset, clock_offset);
	f->in_take = soon;
	start_rig(r, 1);
	send_packet(r, 1);
	await_tick(f, 1);
	f->tick_error = -EIO;
	send_packet(r, 1);
	await_tick(f, 2);
	await_error(r);
	assert_int_equal(nr_delivery_error(&r->d), -EIO);
	assert_int_equal(stats_of(r, f).packets, 2);
	assert_int_equal(drain(r), -EIO);
	assert_int_equal(end_all(r), -EIO);
	close_rig(r);
	atomic_store(&nr_clock_offset, 0);
}

static void test_due(void **state)
{
	(void)state;
	is_called_when_due(0);
	is_called_when_due(3600000000000);
	is_called_when_due(-(int64_t)nr_clock_local() / 2);
}

/* A required output fails: from its packet on nothing is safe. The others get what was on its way. */
static void fails(unsigned bad)
{
	struct rig *r = new_rig();
	struct fake *out[] = { add_fake(r, false, false), add_fake(r, false, false) };
	struct fake *failing = out[bad], *good = out[!bad];

	failing->fail_at = 3;
	hold(good);
	start_rig(r, 1);
	for (unsigned i = 0; i < 6; i++)
		send_packet(r, 2);
	await_error(r);
	assert_int_equal(nr_delivery_error(&r->d), -EIO);
	send_packet(r, 2);
	assert_false(new_mark(r));
	let_go(good);
	await_taken(r, good, 7);
	await_mark(r, 2); /* both have these */
	assert_false(new_mark(r));
	assert_int_equal(drain(r), -EIO);
	assert_int_equal(end_all(r), -EIO);
	assert_false(new_mark(r));
	assert_int_equal(r->mark, 2);
	expect_all(failing, 3);
	expect_all(good, 7);
	assert_int_equal(failing->account.written, 4);
	assert_int_equal(failing->account.unwritten, 10);
	assert_int_equal(good->account.written, 14);
	assert_int_equal(good->account.unwritten, 0);
	close_rig(r);
}

static void test_required_fails(void **state)
{
	(void)state;
	fails(0);
	fails(1);
}

/* A request wakes an idle output, comes between two packets, and is not lost at the end. */
static void test_rotate(void **state)
{
	struct rig *r = new_rig();
	struct fake *a = add_fake(r, false, true), *b = add_fake(r, true, true);

	(void)state;
	start_rig(r, 1);
	nr_delivery_rotate(&r->d);
	await_rotated(a, 1);
	await_rotated(b, 1);
	hold(a);
	send_packet(r, 2);
	send_packet(r, 2);
	await_entered(a, 1);
	nr_delivery_rotate(&r->d);
	nr_delivery_rotate(&r->d);
	await_rotated(b, 2);
	assert_int_equal(a->rotated, 1);
	allow(a, 1);
	await_entered(a, 2);
	assert_int_equal(a->rotated, 2); /* after the packet that it was at */
	let_go(a);
	await_taken(r, a, 2);
	assert_int_equal(drain(r), 0);
	pthread_mutex_lock(&r->d.lock); /* as if the thread had not woken up before the end */
	r->d.feeds[0].rotate = true;
	pthread_mutex_unlock(&r->d.lock);
	assert_int_equal(end_all(r), 0);
	assert_int_equal(a->rotated, 3);
	close_rig(r);
}

static void test_rotate_fails(void **state)
{
	struct rig *r = new_rig();
	struct fake *a = add_fake(r, false, true), *b = add_fake(r, true, true);

	(void)state;
	start_rig(r, 1);
	a->rotate_error = -ENOSPC;
	b->rotate_error = -EIO;
	nr_delivery_rotate(&r->d);
	await_error(r);
	await_failed(r, b);
	assert_int_equal(drain(r), -ENOSPC);
	assert_int_equal(end_all(r), -ENOSPC);
	assert_int_equal(stats_of(r, b).error, -EIO);
	close_rig(r);
}

/* A packet that cannot be made ends the recording; the outputs have all before it. */
static void bad_build(unsigned packers)
{
	struct rig *r = new_rig();
	struct fake *a = add_fake(r, false, true), *b = add_fake(r, true, true);

	start_rig(r, packers);
	bad_packet = 3;
	for (unsigned i = 0; i < 6; i++)
		send_packet(r, 2);
	await_error(r);
	await_mark(r, 2);
	assert_int_equal(drain(r), -EINVAL);
	assert_int_equal(end_all(r), 0); /* no output has failed */
	assert_false(new_mark(r));
	assert_non_null(strstr(said, "cannot make a packet: an event came out of order"));
	expect_all(a, 2);
	expect_all(b, 2);
	bad_packet = 0;
	close_rig(r);
}

static void test_bad_build(void **state)
{
	(void)state;
	bad_build(1);
	bad_build(4);
}

/* ---- Y3: who falls behind ---- */

/* Frames that wait take memory, too. */
static void test_frames_wait(void **state)
{
	struct rig *r = new_rig();
	struct fake *f = add_fake(r, true, true);
	struct nr_packet *p[3];

	(void)state;
	f->output.wants_frames = true;
	hold(f);
	start_rig(r, 2);
	for (unsigned i = 0; i < 3; i++)
		p[i] = send_packet(r, 100);
	await_handed(r);
	await_entered(f, 1);
	assert_true(p[1]->frame_cap >= p[1]->frame_size && p[1]->frame_size > 0);
	assert_int_equal(stats_of(r, f).queued, nr_packet_memory(p[1]) + nr_packet_memory(p[2]));
	let_go(f);
	assert_int_equal(drain(r), 0);
	assert_int_equal(end_all(r), 0);
	expect_all(f, 3);
	close_rig(r);
}

/* An optional output blocks: what does not fit into its queue it misses, to the event. */
static void test_falls_behind(void **state)
{
	struct rig *r = new_rig();
	struct fake *required = add_fake(r, false, true), *f = add_fake(r, true, true);
	struct nr_output_stats stats;
	struct nr_packet *p;

	(void)state;
	hold(f);
	start_rig(r, 2);
	p = send_packet(r, 10);
	await_entered(f, 1);
	pthread_mutex_lock(&r->d.lock);
	f->output.queue_bytes = 3 * nr_packet_memory(p);
	pthread_mutex_unlock(&r->d.lock);
	for (unsigned i = 0; i < 8; i++) /* 2, 3, 4 wait; 5 to 9 do not fit */
		send_packet(r, 10);
	await_mark(r, 9); /* nobody waits for it */
	stats = stats_of(r, f);
	assert_int_equal(stats.queued, f->output.queue_bytes);
	assert_int_equal(stats.missed_packets, 5);
	assert_int_equal(stats.missed_events, 50);
	allow(f, 2);
	await_entered(f, 3);
	send_packet(r, 7); /* 10 has a place, right after the gap */
	await_mark(r, 10);
	assert_int_equal(stats_of(r, f).missed_packets, 5);
	send_packet(r, 1); /* 11 has another, 12 has none: a gap at the end */
	send_packet(r, 4);
	await_mark(r, 12);
	let_go(f);
	assert_int_equal(drain(r), 0);
	assert_int_equal(end_all(r), 0);
	expect_all(required, 12);
	for (unsigned i = 0; i < 4; i++)
		expect_packet(f, i, i + 1);
	expect_gap(f, 4, 5, 9);
	assert_int_equal(f->call[4].gap.events, 50);
	expect_packet(f, 5, 10);
	expect_packet(f, 6, 11);
	expect_gap(f, 7, 12, 12);
	assert_int_equal(f->call[7].gap.events, 4);
	assert_int_equal(f->n, 8);
	assert_int_equal(f->ended, 1);
	assert_int_equal(f->account.written, 102);
	assert_int_equal(f->account.unwritten, 0);
	stats = stats_of(r, f);
	assert_int_equal(stats.packets, 6);
	assert_int_equal(stats.events, 48);
	assert_int_equal(stats.missed_packets, 6);
	assert_int_equal(stats.missed_events, 54);
	assert_int_equal(stats.queued, 0);
	assert_int_equal(stats_of(r, required).missed_packets, 0);
	close_rig(r);
}

/* A packet larger than the queue goes to an output that has nothing else waiting. */
static void test_larger_than_queue(void **state)
{
	struct rig *r = new_rig();
	struct fake *f = add_fake(r, true, true);

	(void)state;
	f->output.queue_bytes = 1;
	hold(f);
	start_rig(r, 1);
	send_packet(r, 900);
	await_entered(f, 1);
	send_packet(r, 900);
	send_packet(r, 900);
	await_handed(r);
	allow(f, 1);
	await_entered(f, 2);
	send_packet(r, 900);
	await_handed(r);
	let_go(f);
	assert_int_equal(drain(r), 0);
	assert_int_equal(end_all(r), 0);
	expect_packet(f, 0, 1);
	expect_packet(f, 1, 2);
	expect_gap(f, 2, 3, 3);
	expect_packet(f, 3, 4);
	assert_int_equal(f->n, 4);
	close_rig(r);
}

static struct rig *logged;
static bool lock_was_free;

static void look_at_lock(void *ctx, enum nr_log_level level, const char *text)
{
	struct timespec until;

	(void)ctx;
	(void)level;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	lock_was_free = !pthread_mutex_timedlock(&logged->d.lock, &until);
	if (lock_was_free)
		pthread_mutex_unlock(&logged->d.lock);
	snprintf(said, sizeof(said), "%s", text);
}

/* An optional output fails: it misses all the rest, and the recording goes on. What the log's
 * function does meanwhile, such as taking statistics, holds up nobody. */
static void test_optional_fails(void **state)
{
	struct rig *r = new_rig();
	struct fake *required = add_fake(r, false, true), *f = add_fake(r, true, true);
	struct nr_output_stats stats;

	(void)state;
	logged = r;
	r->log.fn = look_at_lock;
	f->fail_at = 2;
	hold(f);
	start_rig(r, 2);
	for (unsigned i = 0; i < 4; i++)
		send_packet(r, 10);
	await_mark(r, 4);
	let_go(f);
	await_failed(r, f);
	for (unsigned i = 0; i < 4; i++)
		send_packet(r, 5);
	await_mark(r, 8);
	assert_int_equal(drain(r), 0);
	assert_int_equal(end_all(r), 0);
	expect_all(f, 2);
	assert_int_equal(f->ended, 1);
	expect_all(required, 8);
	stats = stats_of(r, f);
	assert_int_equal(stats.error, -EIO);
	assert_int_equal(stats.packets, 1);
	assert_int_equal(stats.missed_packets, 7);
	assert_int_equal(stats.missed_events, 50);
	/* What it does not have, and has no gap for, is not written. */
	assert_int_equal(f->account.written, 10);
	assert_int_equal(f->account.unwritten, 50);
	assert_int_equal(f->account.error, -EIO);
	assert_int_equal(required->account.written, 60);
	assert_int_equal(required->account.error, 0);
	assert_true(lock_was_free);
	assert_non_null(strstr(said, "the optional output fake takes no more events: Input"));
	close_rig(r);
}

/* The gap at the end cannot be told either. */
static void test_last_gap_fails(void **state)
{
	struct rig *r = new_rig();
	struct fake *f = add_fake(r, true, true);

	(void)state;
	f->output.queue_bytes = 1;
	f->miss_error = -ENOSPC;
	hold(f);
	start_rig(r, 1);
	send_packet(r, 4);
	await_entered(f, 1);
	send_packet(r, 5);
	send_packet(r, 6);
	await_handed(r);
	let_go(f);
	assert_int_equal(drain(r), 0);
	assert_int_equal(end_all(r), 0);
	expect_gap(f, 2, 3, 3);
	assert_int_equal(f->ended, 1);
	assert_int_equal(f->account.written, 9);
	assert_int_equal(f->account.unwritten, 6);
	assert_int_equal(f->account.error, -ENOSPC);
	assert_int_equal(stats_of(r, f).error, -ENOSPC);
	close_rig(r);
}

/* ---- outputs that hang ---- */

#define PATIENCE_MS 20

static int end_within(struct rig *r)
{
	const struct nr_account account = { .written = r->events };

	return nr_delivery_end(&r->d, &account, PATIENCE_MS);
}

/* The output's call returns at last: its thread ends, and calls it no more. */
static void return_at_last(struct rig *r, struct fake *f)
{
	let_go(f);
	nr_thread_join(&r->d.feeds[f - r->out].thread);
	assert_int_equal(stats_of(r, f).error, -ETIMEDOUT);
}

static void hangs_in_take(bool optional)
{
	struct rig *r = new_rig();
	struct fake *good = add_fake(r, false, false), *f = add_fake(r, optional, true);

	hold(f);
	start_rig(r, 1);
	for (unsigned i = 0; i < 3; i++)
		send_packet(r, 2);
	await_entered(f, 1);
	assert_int_equal(nr_delivery_drain(&r->d, nr_clock_now(), PATIENCE_MS),
			 optional ? 0 : -ETIMEDOUT);
	assert_true(nr_delivery_is_abandoned(&r->d));
	assert_int_equal(new_mark(r), optional);
	assert_int_equal(end_within(r), optional ? 0 : -ETIMEDOUT);
	expect_all(good, 3);
	assert_int_equal(good->ended, 1);
	return_at_last(r, f);
	assert_false(new_mark(r));
	expect_all(f, 1);
	assert_int_equal(f->ended, 0);
	assert_int_equal(stats_of(r, f).packets, 0);
	assert_int_equal(stats_of(r, f).missed_packets, optional ? 3 : 0);
	close_rig(r);
}

static void hangs_in_end(bool optional)
{
	struct rig *r = new_rig();
	struct fake *good = add_fake(r, false, false), *f = add_fake(r, optional, true);

	f->end_held = true;
	start_rig(r, 1);
	send_packet(r, 2);
	assert_int_equal(nr_delivery_drain(&r->d, nr_clock_now(), PATIENCE_MS), 0);
	assert_int_equal(end_within(r), optional ? 0 : -ETIMEDOUT);
	assert_true(nr_delivery_is_abandoned(&r->d));
	assert_int_equal(good->ended, 1);
	return_at_last(r, f);
	assert_int_equal(f->ended, 1);
	close_rig(r);
}

static void test_hangs(void **state)
{
	(void)state;
	hangs_in_take(false);
	hangs_in_take(true);
	hangs_in_end(false);
	hangs_in_end(true);
}

/* ---- memory that runs out ---- */

/* For the cut, and for its marks: the packet is not sent, and comes back to the pool. */
static void test_no_memory_for_cut(void **state)
{
	struct rig *r = new_rig();
	struct fake *f = add_fake(r, false, true);
	struct nr_packet *p;

	(void)state;
	start_rig(r, 1);
	for (unsigned i = 1; i <= 2; i++) {
		p = make_packet(r, 2);
		fail_calloc = i;
		assert_int_equal(nr_delivery_send(&r->d, p, &(struct nr_mark){}), -ENOMEM);
		assert_int_equal(fail_calloc, 0);
		assert_int_equal(holders, 1); /* the first, empty packet */
	}
	assert_int_equal(drain(r), 0);
	assert_int_equal(end_all(r), 0);
	assert_int_equal(f->n, 0);
	close_rig(r);
}

/* A required output that cannot be given a packet gets none of those after it. */
static void test_no_memory_for_queue(void **state)
{
	struct rig *r = new_rig();
	struct fake *a = add_fake(r, false, false), *b = add_fake(r, false, false);

	(void)state;
	start_rig(r, 1);
	fail_malloc = 2; /* the queue of the second */
	for (unsigned i = 0; i < 3; i++)
		send_packet(r, 2);
	assert_int_equal(fail_malloc, 0);
	assert_int_equal(nr_delivery_error(&r->d), -ENOMEM);
	assert_int_equal(drain(r), -ENOMEM);
	assert_int_equal(end_all(r), -ENOMEM);
	assert_false(new_mark(r));
	expect_all(a, 3);
	assert_int_equal(b->n, 0);
	assert_int_equal(b->ended, 1);
	close_rig(r);
}

/* An optional one misses what it cannot be given. */
static void test_no_memory_for_optional(void **state)
{
	struct rig *r = new_rig();
	struct fake *a = add_fake(r, false, false), *o = add_fake(r, true, false);

	(void)state;
	start_rig(r, 1);
	fail_malloc = 2;
	for (unsigned i = 0; i < 3; i++)
		send_packet(r, 2);
	assert_int_equal(fail_malloc, 0);
	await_mark(r, 3);
	assert_int_equal(drain(r), 0);
	assert_int_equal(end_all(r), 0);
	expect_all(a, 3);
	expect_gap(o, 0, 1, 1);
	expect_packet(o, 1, 2);
	expect_packet(o, 2, 3);
	close_rig(r);
}

/* ---- starts that fail ---- */

static void test_start_fails(void **state)
{
	struct rig *r = new_rig();
	struct fake *f = add_fake(r, false, true);

	(void)state;
	start_rig(r, 2);
	send_packet(r, 1);
	assert_int_equal(drain(r), 0);
	assert_int_equal(nr_delivery_end(&r->d, NULL, 0), 0);
	nr_delivery_undo(&r->d);
	assert_int_equal(f->ended, 0);
	assert_int_equal(f->undone, 1);
	close_rig(r);
}

/* The second output cannot begin: the first leaves nothing, and the third is not asked. */
static void test_begin_fails(void **state)
{
	struct rig *r = new_rig();
	const struct nr_recording recording = { .format = { r->types, "a uuid" }, .log = &r->log };

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		add_fake(r, i == 2, true);
	r->out[1].begin_error = -EACCES;
	assert_int_equal(nr_delivery_begin(&r->d, &recording, &r->misfits, 0), -EACCES);
	assert_int_equal(r->out[0].begun, 1);
	assert_int_equal(r->out[0].undone, 1);
	assert_int_equal(r->out[1].undone, 0);
	assert_int_equal(r->out[2].begun + r->out[2].undone, 0);
	nr_delivery_undo(&r->d);
	assert_int_equal(r->out[0].undone, 1);
	close_rig(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequence),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_none_required),
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_required_fails),
		cmocka_unit_test(test_rotate),
		cmocka_unit_test(test_rotate_fails),
		cmocka_unit_test(test_bad_build),
		cmocka_unit_test(test_frames_wait),
		cmocka_unit_test(test_falls_behind),
		cmocka_unit_test(test_larger_than_queue),
		cmocka_unit_test(test_optional_fails),
		cmocka_unit_test(test_last_gap_fails),
		cmocka_unit_test(test_hangs),
		cmocka_unit_test(test_no_memory_for_cut),
		cmocka_unit_test(test_no_memory_for_queue),
		cmocka_unit_test(test_no_memory_for_optional),
		cmocka_unit_test(test_start_fails),
		cmocka_unit_test(test_begin_fails),
	};

	return cmocka_run_group_tests_name("delivery", tests, make_btf, free_btf);
}
