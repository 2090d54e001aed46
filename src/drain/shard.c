// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <linux/mempolicy.h>
#include <linux/types.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/bits.h"
#include "base/counter.h"
#include "shard.h"

/* The smallest numaring record: the kernel's header and struct nr_record. */
#define MIN_RECORD (NR_RING_HEADER + sizeof(struct nr_record))

/*
 * Reserves address space. A page gets memory on first touch, on the node of the touching thread.
 *
 * MPOL_LOCAL keeps it there: NUMA balancing would move the page to the node of the merge thread,
 * which reads it too, but it skips memory with its own policy. Huge pages are off because one could
 * span the memory of two shards. Kernels without NUMA or huge pages reject these calls, which is
 * harmless.
 */
static void *reserve_memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	syscall(SYS_mbind, p, bytes, MPOL_LOCAL, NULL, 0, 0);
	madvise(p, bytes, MADV_NOHUGEPAGE);
	return p;
}

static void release_memory(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

static size_t queue_bytes(const struct nr_shard *shard)
{
	return (shard->queue_mask + 1) * sizeof(struct nr_entry);
}

/* Makes a shard for `size` bytes of records. */
static int init(struct nr_shard *shard, size_t size, uint32_t n_cpus)
{
	memset(shard, 0, sizeof(*shard));
	shard->size = size;
	shard->queue_mask = nr_round_up_pow2(size / MIN_RECORD + 1) - 1;
	shard->n_cpus = n_cpus;
	shard->queue = reserve_memory(queue_bytes(shard));
	shard->run = reserve_memory(queue_bytes(shard));
	shard->tmp = reserve_memory(queue_bytes(shard));
	shard->cpu_records = reserve_memory(n_cpus * sizeof(*shard->cpu_records));
	shard->last = reserve_memory(n_cpus * sizeof(*shard->last));
	if (!shard->queue || !shard->run || !shard->tmp || !shard->cpu_records || !shard->last) {
		nr_shard_destroy(shard);
		return -ENOMEM;
	}
	return 0;
}

int nr_shard_init(struct nr_shard *shard, const struct nr_ring *ring, uint32_t n_cpus)
{
	uint64_t pos = nr_ring_consumed(ring);
	int err = init(shard, ring->size, n_cpus);

	if (err)
		return err;
	shard->ring = *ring;
	shard->data = ring->data;
	shard->data_mask = ring->mask;
	shard->start = shard->walked = shard->free_below = pos;
	atomic_store_explicit(&shard->floor, pos, memory_order_relaxed);
	return 0;
}

int nr_shard_init_lanes(struct nr_shard *shard, struct nr_lanes *lanes, uint32_t n_cpus)
{
	int err = init(shard, nr_arena_bytes(&lanes->arena), n_cpus);

	if (err)
		return err;
	shard->lanes = lanes;
	shard->data = lanes->arena.data;
	shard->data_mask = UINT32_MAX;
	return 0;
}

void nr_shard_destroy(struct nr_shard *shard)
{
	release_memory(shard->queue, queue_bytes(shard));
	release_memory(shard->run, queue_bytes(shard));
	release_memory(shard->tmp, queue_bytes(shard));
	release_memory(shard->cpu_records, shard->n_cpus * sizeof(*shard->cpu_records));
	release_memory(shard->last, shard->n_cpus * sizeof(*shard->last));
	nr_ring_unmap(&shard->ring);
	nr_lanes_free(shard->lanes);
	memset(shard, 0, sizeof(*shard));
}

/* Violates I2 or I3: the shard was already complete to this time. The order survives if epsilon
 * covers the difference. */
static void note_behind(struct nr_shard *shard, uint64_t ts)
{
	nr_counter_add(&shard->behind, 1);
	nr_counter_max(&shard->behind_by, shard->complete_to - ts);
}

/*
 * May this record change what nr_losses_note has counted for its CPU? Not if the CPU's record before
 * it in this ring has the same `lost` and no later time. For that one is emitted first: it was
 * published by an earlier pass, or it comes first in the order (ts, position) of this one. By then
 * the CPU's count is no less than that `lost`: the record was noted, or, by induction, to note it
 * would have changed nothing. Counts do not decrease. So to note this one changes nothing either.
 */
static bool may_count(struct nr_shard *shard, const struct nr_record *rec)
{
	struct nr_last before, *last;

	if (rec->cpu >= shard->n_cpus)
		return false;
	last = &shard->last[rec->cpu];
	before = *last;
	*last = (struct nr_last){ rec->ts, rec->lost, true };
	return !before.any | (rec->lost != before.lost) | (rec->ts < before.ts);
}

static uint64_t size_of(struct nr_shard *shard, const struct nr_record *rec, uint32_t length)
{
	uint64_t size = nr_round8(length) / 8;
	bool counts = may_count(shard, rec);

	return counts || size > NR_ENTRY_SIZE_MAX ? 0 : size;
}

/* Where a walk adds to the run. */
struct walk {
	struct nr_entry *end; /* of the run */
	struct nr_entry last; /* the one before it */
	bool sorted;	      /* the entries ascend */
	size_t descents;      /* places in the ring or in a lane where they do not */
};

/* Counts one record, which has `length` bytes. True: it is an event. */
static inline bool count_record(struct nr_shard *shard, const struct nr_record *rec,
				uint32_t length, bool discarded)
{
	if (__builtin_expect(length < sizeof(*rec), 0)) {
		nr_counter_add(discarded ? &shard->discarded : &shard->malformed, 1);
		return false;
	}
	if (rec->cpu < shard->n_cpus)
		nr_counter_add(&shard->cpu_records[rec->cpu], 1);
	if (discarded) {
		nr_counter_add(&shard->discarded, 1);
		return false;
	}
	if (__builtin_expect(rec->ts < shard->complete_to, 0))
		note_behind(shard, rec->ts);
	return true;
}

/* Adds one event to the run. last_ts: of the one before it in its ring or lane. */
static inline void add_entry(struct walk *w, const struct nr_entry *e, uint64_t last_ts)
{
	w->descents += e->ts < last_ts;
	w->sorted &= !nr_entry_before(e, &w->last);
	w->last = *e;
	*w->end++ = *e;
}

/* Walks to what is seen. -EAGAIN: stopped at a BUSY record. -EBADMSG: a record is invalid, or the
 * ring claims to hold more than its size, for which run and queue have no room (D3). */
static int walk_ring(struct nr_shard *shard, struct walk *w)
{
	const struct nr_ring ring = shard->ring;
	uint64_t limit = shard->seen, walked = shard->walked, pos;
	struct nr_ring_slot slot;
	int err = 0;

	if (limit - walked > ring.size || limit - nr_ring_consumed(&ring) > ring.size)
		return -EBADMSG;
	while (walked != limit) {
		const struct nr_record *rec;

		pos = walked;
		err = nr_ring_next(&ring, &walked, limit, &slot);
		if (err)
			break;
		rec = (const void *)slot.payload;
		if (count_record(shard, rec, slot.length, slot.discarded))
			add_entry(w,
				  &(struct nr_entry){ .ts = rec->ts,
						      .pos = pos / 8,
						      .size = size_of(shard, rec, slot.length) },
				  w->last.ts);
	}
	shard->walked = walked;
	return err;
}

static int walk_lane(struct nr_shard *shard, uint32_t lane, struct walk *w)
{
	struct nr_lane_reader *r = &shard->lanes->lanes[lane];
	struct nr_lane_slot slot;
	uint64_t at;
	int err;

	while (!(err = nr_lanes_next(shard->lanes, r, &at, &slot))) {
		const struct nr_record *rec = (const void *)slot.payload;

		if (!count_record(shard, rec, slot.length, slot.discarded))
			continue;
		nr_lanes_hold(shard->lanes, at);
		add_entry(w,
			  &(struct nr_entry){ .ts = rec->ts,
					      .pos = at * (NR_LANE_GRANULE / 8),
					      .extra = r->cpu,
					      .size = size_of(shard, rec, slot.length) },
			  r->last_ts);
		r->last_ts = rec->ts;
	}
	return err == -ENODATA ? 0 : err;
}

/* The worst of the lanes' results. */
static int walk_lanes(struct nr_shard *shard, struct walk *w)
{
	int worst = 0;

	for (uint32_t i = 0; i < shard->lanes->n; i++) {
		int err = walk_lane(shard, i, w);

		if (err && worst != -EBADMSG)
			worst = err;
	}
	return worst;
}

/* Adds what is below the positions seen to the run, and sorts it. */
static int walk(struct nr_shard *shard)
{
	struct nr_entry *end = shard->run + shard->held;
	struct walk w = { end, shard->held ? end[-1] : (struct nr_entry){}, true, 0 };
	int err = shard->lanes ? walk_lanes(shard, &w) : walk_ring(shard, &w);

	nr_counter_add(&shard->records, w.end - end);
	nr_counter_add(&shard->unsorted, w.descents);
	shard->held += w.end - end;
	if (!w.sorted)
		nr_sort(shard->run, shard->tmp, shard->held);
	return err;
}

/* Number of entries of the sorted run below the watermark. */
static size_t count_below(const struct nr_shard *shard, uint64_t watermark)
{
	size_t lo = 0, hi = shard->held;

	if (watermark == NR_TIME_END)
		return hi;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (shard->run[mid].ts < watermark)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint32_t lower_pos(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0 ? a : b;
}

/* Position of the first record that is still needed after run[0..n) is emitted. */
static uint32_t lowest_held(const struct nr_shard *shard, size_t n)
{
	uint32_t lowest = shard->walked;

	for (size_t i = n; i < shard->held; i++)
		lowest = lower_pos(nr_entry_pos(&shard->run[i]), lowest);
	return lowest;
}

/* The full position of a walked record, from its low 32 bits. */
static uint64_t full_pos(const struct nr_shard *shard, uint32_t low)
{
	return shard->walked - (uint32_t)((uint32_t)shard->walked - low);
}

/* Copies run[0..n) to the queue, which ends at tail. Entries of a ring learn what they free. Returns
 * the position below which the ring is free when they are safe. */
static uint64_t copy_out(struct nr_shard *shard, uint64_t tail, size_t n)
{
	uint64_t mask = shard->queue_mask;
	const struct nr_entry *run = shard->run;
	struct nr_entry *queue = shard->queue;
	uint32_t free_below = lowest_held(shard, n);
	uint64_t floor = full_pos(shard, free_below);

	for (size_t i = n; i-- > 0;) {
		struct nr_entry e = run[i];

		e.extra = free_below / 8;
		free_below = lower_pos(nr_entry_pos(&e), free_below);
		queue[(tail + i) & mask] = e;
	}
	return floor;
}

static uint64_t copy_out_lanes(struct nr_shard *shard, uint64_t tail, size_t n)
{
	for (size_t i = 0; i < n; i++)
		shard->queue[(tail + i) & shard->queue_mask] = shard->run[i];
	return 0;
}

/* Moves run[0..n) to the queue and keeps the rest. */
static void publish(struct nr_shard *shard, size_t n)
{
	uint64_t tail = atomic_load_explicit(&shard->tail, memory_order_relaxed);
	uint64_t floor = shard->lanes ? copy_out_lanes(shard, tail, n) : copy_out(shard, tail, n);

	memmove(shard->run, shard->run + n, (shard->held - n) * sizeof(*shard->run));
	shard->held -= n;
	/* Both releases pair with the acquire loads in nr_shard_tail. */
	atomic_store_explicit(&shard->tail, tail + n, memory_order_release);
	atomic_store_explicit(&shard->floor, floor, memory_order_release);
}

uint64_t nr_shard_fill(const struct nr_shard *shard)
{
	uint64_t consumed, fill;

	if (shard->lanes)
		return nr_counter_get(&shard->lanes->fill);
	consumed = nr_ring_consumed(&shard->ring);
	fill = nr_ring_produced(&shard->ring) - consumed;

	/* Records may leave and arrive between the two loads, so the difference can exceed the
	 * size. */
	return fill < shard->size ? fill : shard->size;
}

uint64_t nr_shard_unread(const struct nr_shard *shard)
{
	return shard->lanes ? nr_lanes_unread(shard->lanes)
			    : nr_ring_produced(&shard->ring) - shard->walked;
}

/* The watermark that a pass at this time may publish. */
static uint64_t less_epsilon(uint64_t time)
{
	if (time == NR_TIME_END)
		return time;
	return time > NR_EPSILON_NS ? time - NR_EPSILON_NS : 0;
}

/* Gives the blocks of records that are safe back to the lanes. */
static void reap(struct nr_shard *shard)
{
	struct nr_lanes *lanes = shard->lanes;
	/* Acquire: pairs with the release in nr_shard_release. Nobody reads these records any more. */
	uint64_t safe = atomic_load_explicit(&shard->accepted, memory_order_acquire);

	for (; lanes->reaped != safe; lanes->reaped++)
		nr_lanes_reap(lanes,
			      nr_shard_entry(shard, lanes->reaped)->pos / (NR_LANE_GRANULE / 8));
	nr_lanes_grant(lanes);
}

/* Finds out up to where records are reserved. */
static int see(struct nr_shard *shard)
{
	int err;

	if (!shard->lanes) {
		shard->seen = nr_ring_produced(&shard->ring);
		/* consumer_pos is read after producer_pos and covers walked records only, so the
		 * difference is not negative and at most the true fill. */
		nr_counter_max(&shard->peak, shard->seen - nr_ring_consumed(&shard->ring));
		return 0;
	}
	err = nr_lanes_see(shard->lanes);
	nr_counter_max(&shard->peak, nr_lanes_fullest(shard->lanes));
	if (!err)
		reap(shard);
	return err;
}

/* The watermark waits until what is seen now is walked. */
static void set_target(struct nr_shard *shard, uint64_t time)
{
	shard->target_ts = time;
	shard->target_pos = shard->seen;
	for (uint32_t i = 0; shard->lanes && i < shard->lanes->n; i++)
		shard->lanes->lanes[i].target = shard->lanes->lanes[i].seen;
}

static bool is_behind_target(const struct nr_shard *shard)
{
	bool behind = (int64_t)(shard->walked - shard->target_pos) < 0;

	for (uint32_t i = 0; shard->lanes && i < shard->lanes->n; i++)
		behind |= shard->lanes->lanes[i].walked < shard->lanes->lanes[i].target;
	return behind;
}

int nr_shard_pass(struct nr_shard *shard, uint64_t time)
{
	uint64_t watermark = atomic_load_explicit(&shard->watermark, memory_order_relaxed);
	int err = see(shard) ?: walk(shard);

	if (err == -EBADMSG)
		return err;
	/* A pass that stopped at a BUSY record keeps the pending target, if there is one (D2). */
	if (!err || !shard->pending)
		set_target(shard, time);
	shard->pending = is_behind_target(shard);
	if (!shard->pending) {
		shard->complete_to = shard->target_ts;
		if (less_epsilon(shard->target_ts) > watermark)
			watermark = less_epsilon(shard->target_ts);
	}
	publish(shard, count_below(shard, watermark));
	/* Release: pairs with the acquire in nr_shard_watermark. All entries below the watermark
	 * are in the queue (D1). */
	atomic_store_explicit(&shard->watermark, watermark, memory_order_release);
	return err;
}

void nr_shard_finish(struct nr_shard *shard)
{
	nr_sort(shard->run, shard->tmp, shard->held);
	publish(shard, shard->held);
	/* Release: pairs with the acquire in nr_shard_watermark. */
	atomic_store_explicit(&shard->watermark, NR_TIME_END, memory_order_release);
}

uint64_t nr_shard_tail(struct nr_shard *shard)
{
	/* Both acquires pair with the release stores in publish. */
	uint64_t floor = atomic_load_explicit(&shard->floor, memory_order_acquire);
	uint64_t tail = atomic_load_explicit(&shard->tail, memory_order_acquire);

	/* floor holds once the tail stored before it is reached, and head == tail proves that.
	 * floor may be older than the entry taken last, so free_below must not move back. */
	if (shard->head == tail && (int64_t)(floor - shard->free_below) > 0)
		shard->free_below = floor;
	return tail;
}

void nr_shard_release(struct nr_shard *shard, const struct nr_mark *mark)
{
	/* With no packet on its way, a mark may be newer than that of the last packet. */
	if ((int64_t)(mark->head - nr_counter_get(&shard->accepted)) > 0)
		/* Release: pairs with the acquire in reap. */
		atomic_store_explicit(&shard->accepted, mark->head, memory_order_release);
	if (!shard->lanes && (int64_t)(mark->pos - nr_ring_consumed(&shard->ring)) > 0)
		nr_ring_release(&shard->ring, mark->pos);
}
