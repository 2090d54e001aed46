// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "delivery_help.h"

#include <errno.h>
#include <stdlib.h>
#include "base/clock.h"

#define FOREVER_MS 3600000

static pthread_mutex_t stage = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;

void lock_stage(void)
{
	pthread_mutex_lock(&stage);
}

void unlock_stage(void)
{
	pthread_cond_broadcast(&moved);
	pthread_mutex_unlock(&stage);
}

/* ---- what is wrapped ---- */

_Thread_local unsigned fail_calloc, fail_malloc, fail_realloc;
uint64_t held_packet, bad_packet;
_Atomic(long) holders;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
	return fail_calloc && !--fail_calloc ? NULL : __real_calloc(n, size);
}

void *__wrap_malloc(size_t size)
{
	return fail_malloc && !--fail_malloc ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fail_realloc && !--fail_realloc ? NULL : __real_realloc(p, size);
}

struct nr_packet *__real_nr_packet_get(struct nr_packet_pool *pool);
struct nr_packet *__wrap_nr_packet_get(struct nr_packet_pool *pool);
struct nr_packet *__real_nr_packet_ref(struct nr_packet *packet);
struct nr_packet *__wrap_nr_packet_ref(struct nr_packet *packet);
void __real_nr_packet_put(struct nr_packet *packet);
void __wrap_nr_packet_put(struct nr_packet *packet);

struct nr_packet *__wrap_nr_packet_get(struct nr_packet_pool *pool)
{
	struct nr_packet *p = __real_nr_packet_get(pool);

	holders += !!p;
	return p;
}

struct nr_packet *__wrap_nr_packet_ref(struct nr_packet *packet)
{
	holders++;
	return __real_nr_packet_ref(packet);
}

void __wrap_nr_packet_put(struct nr_packet *packet)
{
	holders -= !!packet;
	__real_nr_packet_put(packet);
}

int __real_nr_packet_build(struct nr_packet *packet, const struct nr_packet_format *format,
			   struct nr_misfits *misfits);
int __wrap_nr_packet_build(struct nr_packet *packet, const struct nr_packet_format *format,
			   struct nr_misfits *misfits);

int __wrap_nr_packet_build(struct nr_packet *packet, const struct nr_packet_format *format,
			   struct nr_misfits *misfits)
{
	bool bad;

	lock_stage();
	while (packet->seq && packet->seq == held_packet)
		pthread_cond_wait(&moved, &stage);
	bad = packet->seq && packet->seq == bad_packet;
	unlock_stage();
	return bad ? -EINVAL : __real_nr_packet_build(packet, format, misfits);
}

void release_packet(void)
{
	lock_stage();
	held_packet = 0;
	unlock_stage();
}

/* ---- outputs ---- */

static int begin(struct nr_output *o)
{
	struct fake *f = (struct fake *)o;

	f->begun += !f->begin_error;
	return f->begin_error;
}

static void undo(struct nr_output *o)
{
	((struct fake *)o)->undone++;
}

static void note(struct fake *f, const struct call *call)
{
	assert_true(f->n < MAX_CALLS);
	f->call[f->n++] = *call;
}

/* Only who wants frames may rely on them. */
static void expect_frame(const struct nr_output *o, const struct nr_packet *packet)
{
	struct nr_label label;
	uint8_t *bytes;

	if (!o->recording->frames)
		assert_int_equal(packet->frame_size, 0);
	if (!o->wants_frames)
		return;
	assert_true(packet->frame_size > sizeof(label));
	memcpy(&label, packet->frame, sizeof(label));
	assert_true(nr_label_is_valid(&label));
	assert_int_equal(label.head.seq, packet->seq);
	bytes = malloc(packet->size);
	assert_int_equal(nr_frame_read(bytes, packet->size, packet->frame + sizeof(label),
				       packet->frame_size - sizeof(label)),
			 0);
	assert_memory_equal(bytes, packet->bytes, packet->size);
	free(bytes);
}

static int take(struct nr_output *o, const struct nr_packet *packet)
{
	const struct call call = { .seq = packet->seq, .events = packet->n_events };
	struct fake *f = (struct fake *)o;
	int err;

	expect_frame(o, packet);
	lock_stage();
	f->thread = pthread_self();
	f->entered++;
	pthread_cond_broadcast(&moved);
	while (f->gated && f->allowed < f->entered)
		pthread_cond_wait(&moved, &stage);
	note(f, &call);
	err = f->fail_at == packet->seq ? -EIO : 0;
	unlock_stage();
	if (f->in_take)
		f->in_take(f);
	return err;
}

static int miss(struct nr_output *o, const struct nr_gap *gap)
{
	struct fake *f = (struct fake *)o;

	lock_stage();
	note(f, &(struct call){ .gap = *gap });
	unlock_stage();
	return f->miss_error;
}

static int rotate(struct nr_output *o)
{
	struct fake *f = (struct fake *)o;
	int err;

	lock_stage();
	f->rotated++;
	err = f->rotate_error;
	unlock_stage();
	return err;
}

static int end_fake(struct nr_output *o, const struct nr_account *account)
{
	struct fake *f = (struct fake *)o;

	lock_stage();
	while (f->end_held)
		pthread_cond_wait(&moved, &stage);
	f->ended++;
	f->account = *account;
	unlock_stage();
	return 0;
}

static void keep_memory(struct nr_output *o)
{
	(void)o; /* it is part of the rig */
}

static int tick(struct nr_output *o)
{
	struct fake *f = (struct fake *)o;
	int err;

	assert_true(nr_clock_now() >= o->due);
	o->due = 0;
	lock_stage();
	f->ticks++;
	err = f->tick_error;
	unlock_stage();
	return err;
}

static const struct nr_output_ops ops = {
	.begin = begin,
	.undo = undo,
	.take = take,
	.miss = miss,
	.tick = tick,
	.rotate = rotate,
	.end = end_fake,
	.destroy = keep_memory,
};

void hold(struct fake *f)
{
	lock_stage();
	f->gated = true;
	f->allowed = f->entered;
	unlock_stage();
}

void allow(struct fake *f, unsigned calls)
{
	lock_stage();
	f->allowed += calls;
	unlock_stage();
}

void let_go(struct fake *f)
{
	lock_stage();
	f->gated = f->end_held = false;
	unlock_stage();
}

void await_tick(struct fake *f, unsigned ticks)
{
	lock_stage();
	while (f->ticks < ticks)
		pthread_cond_wait(&moved, &stage);
	unlock_stage();
}

void await_entered(struct fake *f, unsigned calls)
{
	lock_stage();
	while (f->entered < calls)
		pthread_cond_wait(&moved, &stage);
	unlock_stage();
}

void await_rotated(struct fake *f, unsigned times)
{
	lock_stage();
	while (f->rotated < times)
		pthread_cond_wait(&moved, &stage);
	unlock_stage();
}

/* ---- life ---- */

struct rig *new_rig(void)
{
	struct rig *r = calloc(1, sizeof(*r));

	said[0] = 0;
	holders = 0;
	r->log = (struct nr_logger){ hear, NULL };
	r->types = make_types();
	assert_int_equal(nr_misfits_init(&r->misfits, r->types), 0);
	assert_int_equal(nr_waiter_init(&r->merge, -1), 0);
	assert_int_equal(nr_delivery_init(&r->d, 1, &r->merge), 0);
	return r;
}

struct fake *add_fake(struct rig *r, bool optional, bool wants_bytes)
{
	struct fake *f = &r->out[r->n_out++];

	f->output = (struct nr_output){
		.ops = &ops,
		.name = "fake",
		.optional = optional,
		.queue_bytes = SIZE_MAX,
		.wants_bytes = wants_bytes,
	};
	assert_int_equal(nr_delivery_add(&r->d, &f->output), 0);
	return f;
}

void begin_rig(struct rig *r)
{
	const struct nr_recording recording = { .format = { r->types, "the same uuid" },
						.log = &r->log };

	assert_int_equal(nr_delivery_begin(&r->d, &recording, &r->misfits, 0), 0);
}

void start_rig(struct rig *r, unsigned packers)
{
	begin_rig(r);
	assert_int_equal(nr_delivery_start(&r->d, packers), 0);
}

/* What a packet's events are, until the rig is closed. */
struct slots {
	struct slots *next;
	uint64_t slot[][SLOT_WORDS(sizeof(struct point))];
};

static void free_slots(struct rig *r)
{
	while (r->slots) {
		struct slots *next = r->slots->next;

		free(r->slots);
		r->slots = next;
	}
}

void close_rig(struct rig *r)
{
	nr_delivery_destroy(&r->d);
	nr_waiter_destroy(&r->merge);
	nr_misfits_destroy(&r->misfits);
	nr_types_free(r->types);
	free_slots(r);
	free(r);
	assert_int_equal(holders, 0);
}

/* ---- packets and marks ---- */

/* Not from an allocator that the test makes fail. */
static struct slots *new_slots(struct rig *r, unsigned n)
{
	struct slots *s = aligned_alloc(16, (sizeof(*s) + n * sizeof(*s->slot) + 15) & ~15ul);

	s->next = r->slots;
	r->slots = s;
	return s;
}

struct nr_packet *make_packet(struct rig *r, unsigned n_events)
{
	struct nr_packet *p = nr_packet_get(&r->d.pool);
	struct slots *slots = new_slots(r, n_events);

	assert_int_equal(nr_packet_room(p, n_events * NR_PLACE_WORDS), 0);
	p->seq = ++r->sent;
	p->begin = p->seq * 1000;
	p->end = p->begin + 999;
	p->watermark = p->begin + 1000;
	p->lost = 10 * p->seq;
	for (unsigned i = 0; i < n_events; i++) {
		const struct nr_record rec = { .ts = p->begin + i * 999 / n_events,
					       .id = ID_POINT,
					       .cpu = 3 };

		fill_slot(slots->slot[i], &rec, &(struct point){ 4, 5 }, sizeof(struct point));
		add_place(p, slots->slot[i], false, rec.ts);
	}
	r->events += n_events;
	return p;
}

struct nr_packet *send_packet(struct rig *r, unsigned n_events)
{
	struct nr_packet *p = make_packet(r, n_events);
	const struct nr_mark mark = { r->sent, 8 * r->sent };

	assert_int_equal(nr_delivery_send(&r->d, p, &mark), 0);
	return p;
}

void await_handed(struct rig *r)
{
	pthread_mutex_lock(&r->d.lock);
	while (r->d.hand)
		pthread_cond_wait(&r->d.moved, &r->d.lock);
	pthread_mutex_unlock(&r->d.lock);
}

static struct nr_feed *feed_of(struct rig *r, const struct fake *f)
{
	return &r->d.feeds[f - r->out];
}

void await_taken(struct rig *r, struct fake *f, uint64_t packets)
{
	pthread_mutex_lock(&r->d.lock);
	while (feed_of(r, f)->packets < packets)
		pthread_cond_wait(&r->d.moved, &r->d.lock);
	pthread_mutex_unlock(&r->d.lock);
}

void await_failed(struct rig *r, struct fake *f)
{
	pthread_mutex_lock(&r->d.lock);
	while (!feed_of(r, f)->error)
		pthread_cond_wait(&r->d.moved, &r->d.lock);
	pthread_mutex_unlock(&r->d.lock);
}

bool new_mark(struct rig *r)
{
	struct nr_mark mark;

	if (!nr_delivery_done(&r->d, &mark))
		return false;
	assert_int_equal(mark.pos, 8 * mark.head);
	assert_true(mark.head > r->mark);
	r->mark = mark.head;
	return true;
}

void await_mark(struct rig *r, uint64_t packet)
{
	while (r->mark < packet)
		if (!new_mark(r))
			nr_waiter_wait(&r->merge, FOREVER_MS);
}

void await_error(struct rig *r)
{
	while (!nr_delivery_error(&r->d))
		nr_waiter_wait(&r->merge, FOREVER_MS);
}

int drain(struct rig *r)
{
	return nr_delivery_drain(&r->d, nr_clock_now(), 0);
}

int end_all(struct rig *r)
{
	const struct nr_account account = { .sz = sizeof(account), .written = r->events };

	return nr_delivery_end(&r->d, &account, 0);
}

struct nr_output_stats stats_of(struct rig *r, const struct fake *f)
{
	struct nr_output_stats stats;

	nr_delivery_stats(&r->d, f - r->out, nr_clock_now(), &stats);
	return stats;
}

void expect_packet(const struct fake *f, unsigned i, uint64_t seq)
{
	assert_true(i < f->n);
	assert_int_equal(f->call[i].gap.packets, 0);
	assert_int_equal(f->call[i].seq, seq);
}

void expect_gap(const struct fake *f, unsigned i, uint64_t first, uint64_t last)
{
	const struct nr_gap *gap = &f->call[i].gap;

	assert_true(i < f->n);
	assert_int_equal(gap->packets, last - first + 1);
	assert_int_equal(gap->begin, first * 1000);
	assert_int_equal(gap->end, last * 1000 + 999);
}
