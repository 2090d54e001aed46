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

int nr_shard_init(struct nr_shard *shard, const struct nr_ring *ring, uint32_t n_cpus)
{
	uint64_t pos = nr_ring_consumed(ring);

	memset(shard, 0, sizeof(*shard));
	shard->queue_mask = nr_round_up_pow2(ring->size / MIN_RECORD + 1) - 1;
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
	shard->ring = *ring;
	shard->start = shard->walked = shard->free_below = pos;
	atomic_store_explicit(&shard->floor, pos, memory_order_relaxed);
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

static uint64_t size_of(struct nr_shard *shard, const struct nr_ring_slot *slot)
{
	uint64_t size = nr_round8(slot->length) / 8;
	bool counts = may_count(shard, (const void *)slot->payload);

	return counts || size > NR_ENTRY_SIZE_MAX ? 0 : size;
}

/* Where a walk adds to the run. */
struct walk {
	struct nr_entry *end; /* of the run */
	uint64_t ts;	      /* of the entry before it */
	bool sorted;	      /* the entries ascend */
};

/* Adds one record to the run and the counters. */
static inline void note_record(struct nr_shard *shard, struct walk *w,
			       const struct nr_ring_slot *slot, uint64_t pos)
{
	const struct nr_record *rec = (const void *)slot->payload;

	if (__builtin_expect(slot->length < sizeof(*rec), 0)) {
		nr_counter_add(slot->discarded ? &shard->discarded : &shard->malformed, 1);
		return;
	}
	if (rec->cpu < shard->n_cpus)
		nr_counter_add(&shard->cpu_records[rec->cpu], 1);
	if (slot->discarded) {
		nr_counter_add(&shard->discarded, 1);
		return;
	}
	if (__builtin_expect(rec->ts < shard->complete_to, 0))
		note_behind(shard, rec->ts);
	w->sorted &= rec->ts >= w->ts;
	w->ts = rec->ts;
	*w->end++ =
		(struct nr_entry){ .ts = rec->ts, .pos = pos / 8, .size = size_of(shard, slot) };
}

/* Walks to limit. -EAGAIN: stopped at a BUSY record. -EBADMSG: a record is invalid, or the ring
 * claims to hold more than its size, for which run and queue have no room (D3). */
static int walk(struct nr_shard *shard, uint64_t limit, bool *sorted)
{
	const struct nr_ring ring = shard->ring;
	struct nr_entry *end = shard->run + shard->held;
	struct walk w = { end, shard->held ? end[-1].ts : 0, true };
	uint64_t walked = shard->walked, pos;
	struct nr_ring_slot slot;
	int err = 0;

	if (limit - walked > ring.size || limit - nr_ring_consumed(&ring) > ring.size)
		return -EBADMSG;
	while (walked != limit) {
		pos = walked;
		err = nr_ring_next(&ring, &walked, limit, &slot);
		if (err)
			break;
		note_record(shard, &w, &slot, pos);
	}
	nr_counter_add(&shard->records, w.end - end);
	shard->held += w.end - end;
	shard->walked = walked;
	*sorted = w.sorted;
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

/* Moves run[0..n) to the queue and keeps the rest. */
static void publish(struct nr_shard *shard, size_t n)
{
	uint64_t tail = atomic_load_explicit(&shard->tail, memory_order_relaxed);
	uint64_t mask = shard->queue_mask;
	const struct nr_entry *run = shard->run;
	struct nr_entry *queue = shard->queue;
	uint32_t free_below = lowest_held(shard, n);
	uint64_t floor = full_pos(shard, free_below);

	for (size_t i = n; i-- > 0;) {
		struct nr_entry e = run[i];

		e.free_below = free_below / 8;
		free_below = lower_pos(nr_entry_pos(&e), free_below);
		queue[(tail + i) & mask] = e;
	}
	memmove(shard->run, shard->run + n, (shard->held - n) * sizeof(*shard->run));
	shard->held -= n;
	/* Both releases pair with the acquire loads in nr_shard_tail. */
	atomic_store_explicit(&shard->tail, tail + n, memory_order_release);
	atomic_store_explicit(&shard->floor, floor, memory_order_release);
}

uint64_t nr_shard_fill(const struct nr_shard *shard)
{
	uint64_t consumed = nr_ring_consumed(&shard->ring);
	uint64_t fill = nr_ring_produced(&shard->ring) - consumed;

	/* Records may leave and arrive between the two loads, so the difference can exceed the
	 * size. */
	return fill < shard->ring.size ? fill : shard->ring.size;
}

/* The watermark that a pass at this time may publish. */
static uint64_t less_epsilon(uint64_t time)
{
	if (time == NR_TIME_END)
		return time;
	return time > NR_EPSILON_NS ? time - NR_EPSILON_NS : 0;
}

int nr_shard_pass(struct nr_shard *shard, uint64_t time)
{
	uint64_t produced = nr_ring_produced(&shard->ring);
	uint64_t watermark = atomic_load_explicit(&shard->watermark, memory_order_relaxed);
	bool sorted = true;
	int err;

	/* consumer_pos is read after producer_pos and covers walked records only, so the difference
	 * is not negative and at most the true fill. */
	nr_counter_max(&shard->peak, produced - nr_ring_consumed(&shard->ring));
	err = walk(shard, produced, &sorted);
	if (!sorted)
		nr_counter_add(&shard->unsorted, nr_sort(shard->run, shard->tmp, shard->held));
	if (err == -EBADMSG)
		return err;
	/* A pass that stopped at a BUSY record keeps the pending target, if there is one (D2). */
	if (!err || !shard->pending) {
		shard->target_ts = time;
		shard->target_pos = produced;
	}
	shard->pending = (int64_t)(shard->walked - shard->target_pos) < 0;
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
		nr_counter_set(&shard->accepted, mark->head);
	if ((int64_t)(mark->pos - nr_ring_consumed(&shard->ring)) > 0)
		nr_ring_release(&shard->ring, mark->pos);
}
