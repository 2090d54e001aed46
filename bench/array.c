// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One array without a lock that all CPUs share: a program reserves its place with one fetch-and-add
 * (emit_to_array). It shows what is left of contention when the lock is gone.
 *
 * The addition returns a value, so it is the fence of docs/order.md, I2: a record that is not below
 * the head which a pass finds has a later time than the pass. Records lie in the order of their
 * reservation, not of their times, so the reader sorts them, as a shard of numaring does.
 */
#include <bpf/libbpf.h>
#include <sched.h>
#include <sys/mman.h>
#include "base/clock.h"
#include "baseline.h"

#define BATCH 1024

/* The line of the head goes from CPU to CPU: all of them together are not faster than that. */
#define FASTEST_NS 20

struct found {
	uint64_t ts, position;
};

struct array {
	struct run *run;
	struct bench_ends *ends;
	const uint8_t *slots;
	size_t slot_size, n_slots;
	uint64_t pass_ns;
	pthread_t thread;
	bool stop;

	uint64_t next;	     /* the first position that was not looked at */
	struct found *found; /* [n_slots], in the order of time */
	unsigned n;	     /* found, not delivered */
	uint64_t watermark;  /* all before it was delivered */
	struct nr_event batch[BATCH];
};

static const struct bench_slot *slot_at(const struct array *a, uint64_t position)
{
	return (const void *)(a->slots + position % a->n_slots * a->slot_size);
}

/* A record that is not whole will be soon: its program cannot be preempted. Acquire: pairs with
 * release_stores in emit_to_array. */
static const struct nr_record *wait_for_record(const struct array *a, uint64_t position)
{
	const struct bench_slot *slot = slot_at(a, position);

	while (__atomic_load_n(&slot->full, __ATOMIC_ACQUIRE) != position + 1)
		sched_yield();
	return (const void *)(slot + 1);
}

/* Few records are out of order, and not by much. */
static void insert(struct array *a, uint64_t position)
{
	uint64_t ts = wait_for_record(a, position)->ts;
	unsigned i = a->n++;

	for (; i && a->found[i - 1].ts > ts; i--)
		a->found[i] = a->found[i - 1];
	a->found[i] = (struct found){ ts, position };
}

static void deliver(struct array *a, const struct found *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct nr_record *rec = (const void *)(slot_at(a, f[i].position) + 1);

		a->batch[i] = (struct nr_event){
			.rec = rec,
			.data = rec + 1,
			.size = a->run->cfg.size - sizeof(*rec),
			.flags = rec->ts < a->watermark ? NR_EVENT_LATE : 0,
			.ts = rec->ts,
		};
	}
	check_batch(&a->run->check, a->batch, n);
}

/* Delivers what is older, and gives the room before the first that is left back. */
static void deliver_below(struct array *a, uint64_t to)
{
	uint64_t tail = a->next;
	unsigned done = 0, end = 0;

	while (end < a->n && a->found[end].ts < to)
		end++;
	for (unsigned n; done < end; done += n) {
		n = end - done < BATCH ? end - done : BATCH;
		deliver(a, a->found + done, n);
	}
	a->n -= end;
	memmove(a->found, a->found + end, a->n * sizeof(*a->found));
	for (unsigned i = 0; i < a->n; i++)
		tail = a->found[i].position < tail ? a->found[i].position : tail;
	__atomic_store_n(&a->ends->tail, tail, __ATOMIC_RELEASE);
	a->watermark = to;
}

static void pass(struct array *a, bool last)
{
	uint64_t now = bench_now(), head;

	nr_clock_barrier();
	head = __atomic_load_n(&a->ends->head, __ATOMIC_ACQUIRE);
	for (; a->next < head; a->next++)
		insert(a, a->next);
	run_lag(a->run, a->watermark);
	deliver_below(a, last ? UINT64_MAX : now - NR_EPSILON_NS);
}

static void *read_all(void *arg)
{
	struct array *a = arg;

	bench_raise_priority();
	while (!__atomic_load_n(&a->stop, __ATOMIC_RELAXED)) {
		pass(a, false);
		bench_sleep_until(bench_now() + a->pass_ns);
	}
	return NULL;
}

/* Sets the size of the array, a power of two of slots, and how many of them are used: each CPU may
 * reserve one more after the last comparison. */
static void divide(struct array *a, struct baseline_bpf *skel)
{
	struct run *r = a->run;
	size_t least = 4 * floor_power(r->n_cpus);

	a->slot_size = sizeof(struct bench_slot) + r->cfg.size;
	a->n_slots = floor_power(r->cfg.memory / a->slot_size);
	run_need_memory(r, "one array", a->n_slots >= least ? 0 : least * a->slot_size);
	r->shards = 1;
	r->ring_bytes = a->n_slots * a->slot_size;
	skel->rodata->bench_slot_mask = a->n_slots - 1;
	skel->rodata->bench_slot_room = a->n_slots - r->n_cpus;
	bpf_map__set_value_size(skel->maps.bench_slots, a->slot_size);
	bpf_map__set_max_entries(skel->maps.bench_slots, a->n_slots);
}

static void array_start(struct run *r)
{
	struct array *a = r->state = bench_alloc(1, sizeof(*a));
	struct baseline_bpf *skel = baseline_open(r, BENCH_ARRAY);
	void *slots;

	a->run = r;
	divide(a, skel);
	baseline_load(r, skel);
	slots = mmap(NULL, r->ring_bytes, PROT_READ, MAP_SHARED | MAP_POPULATE,
		     bpf_map__fd(skel->maps.bench_slots), 0);
	run_must(r, slots == MAP_FAILED ? -errno : 0);
	a->slots = slots;
	a->ends = &skel->bss->bench_ends;
	a->found = bench_alloc(a->n_slots, sizeof(*a->found));
	a->pass_ns = baseline_pass_ns(a->n_slots, FASTEST_NS);
	bench_thread(&a->thread, "nr-merge", read_all, a);
}

static void array_stop(struct run *r)
{
	struct array *a = r->state;

	__atomic_store_n(&a->stop, true, __ATOMIC_RELAXED);
	pthread_join(a->thread, NULL);
	pass(a, true);
	baseline_count_lost(r);
}

const struct transport transport_array = { VERIFIES_ORDER, array_start, NULL, array_stop };
