/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fake_lane.h"

#define TRIES 8 /* NR_LANE_TRIES */

static void *map(size_t bytes)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, (bytes + page - 1) / page * page, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

void fake_lanes_open(struct fake_lanes *fake, uint32_t n_cpus, uint32_t n_blocks, uint32_t shift,
		     uint64_t start)
{
	*fake = (struct fake_lanes){ .arena = { .n_blocks = n_blocks, .shift = shift },
				     .n_cpus = n_cpus };
	fake->cpus = aligned_alloc(128, n_cpus * sizeof(*fake->cpus));
	memset(fake->cpus, 0, n_cpus * sizeof(*fake->cpus));
	for (uint32_t i = 0; i < n_cpus; i++) {
		fake->cpus[i].shard = FAKE_SHARD;
		fake->cpus[i].reserved = start & ((1u << NR_LANE_COUNT_BITS) - 1);
		fake->cpus[i].lane.head = start;
		fake->cpus[i].lane.limit = start >> NR_LANE_COUNT_BITS;
		fake->cpus[i].lane.bell = start >> NR_LANE_COUNT_BITS;
	}
	fake_ring_open(&fake->bell, sysconf(_SC_PAGESIZE), 0);
	fake->arena.data = map(nr_arena_bytes(&fake->arena));
	fake->arena.commits = map(nr_arena_granules(&fake->arena));
	/* What an earlier life left must not matter (L2). */
	memset(fake->arena.commits, NR_COMMIT_SUBMITTED, nr_arena_granules(&fake->arena));
}

void fake_lanes_close(struct fake_lanes *fake)
{
	fake_ring_close(&fake->bell);
	free(fake->cpus);
}

int fake_lanes_shard(struct fake_lanes *fake, struct nr_shard *shard)
{
	struct nr_lanes *lanes;
	struct nr_ring bell;
	int err;

	fake_ring_map(&fake->bell, &bell);
	err = nr_lanes_new(&lanes, &fake->arena, &bell, fake->cpus, fake->n_cpus, FAKE_SHARD);
	if (err) {
		nr_ring_unmap(&bell);
		return err;
	}
	err = nr_shard_init_lanes(shard, lanes, fake->n_cpus);
	if (err)
		nr_lanes_free(lanes);
	return err;
}

/* ---- bpf/lane.bpf.h, step by step ---- */

static uint64_t block_mask(const struct fake_program *p)
{
	return (1ull << p->fake->arena.shift) - 1;
}

static bool is_below(uint64_t a, uint64_t b)
{
	return (int64_t)((a - b) << NR_LANE_COUNT_BITS) < 0;
}

static void ring_bell(struct fake_program *p)
{
	uint64_t *nothing = fake_ring_reserve(&p->fake->bell, sizeof(*nothing));

	if (!nothing)
		return;
	*nothing = 0;
	fake_ring_submit(nothing);
	atomic_fetch_add(&p->fake->rung, 1);
}

/* A CPU that is not in the plan joins the shard. */
static void join(struct fake_program *p)
{
	if (p->cpu->shard != NR_NO_SHARD)
		return;
	__atomic_store_n(&p->cpu->shard, FAKE_SHARD, __ATOMIC_RELAXED);
	ring_bell(p);
}

static void lose(struct fake_program *p, enum nr_loss cause)
{
	if (cause != NR_LOSS_OVERSIZE)
		join(p);
	__atomic_fetch_add(&p->cpu->lost[cause], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&p->cpu->lost_total, 1, __ATOMIC_RELAXED);
	p->step = FAKE_LOST;
}

/* At or above the bell: does the lane reach to the end of the record? */
static bool reaches(struct fake_program *p, uint64_t bell)
{
	if (is_below(__atomic_load_n(&p->cpu->lane.limit, __ATOMIC_ACQUIRE), p->end))
		return false;
	p->passes_bell = is_below(p->start, bell);
	return true;
}

/* The compare-and-swap orders the program's later accesses behind its look at bell and limit. C does
 * not promise that, hence the acquires. */
static void look(struct fake_program *p)
{
	uint64_t bell = __atomic_load_n(&p->cpu->lane.bell, __ATOMIC_ACQUIRE);
	uint64_t mask = block_mask(p), n = nr_lane_granules(p->length), rest;

	p->head = __atomic_load_n(&p->cpu->lane.head, __ATOMIC_RELAXED);
	p->pos = p->head >> NR_LANE_COUNT_BITS;
	rest = mask + 1 - (p->pos & mask);
	p->start = rest < n ? p->pos + rest : p->pos;
	p->end = p->start + n;
	p->passes_bell = false;
	if (is_below(p->end, bell) || reaches(p, bell))
		p->step = FAKE_SWAP;
	else
		lose(p, NR_LOSS_FULL);
}

static void swap(struct fake_program *p)
{
	uint64_t head = p->head;

	if (__atomic_compare_exchange_n(&p->cpu->lane.head, &head, fake_head(p->end, head + 1),
					false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		p->step = p->start != p->pos ? FAKE_SKIP : FAKE_PLACE;
	else if (++p->tries == TRIES)
		lose(p, NR_LOSS_CONTENDED);
	else
		p->step = FAKE_LOOK;
}

/* The number of a position's granule in the arena. */
static uint32_t granule_of(const struct fake_program *p, uint64_t pos)
{
	const struct nr_lane *lane = &p->cpu->lane;
	uint32_t block = lane->slots[(pos >> p->fake->arena.shift) % NR_LANE_SLOTS];

	return block << p->fake->arena.shift | (pos & block_mask(p));
}

static void store_commit(struct fake_program *p, uint32_t granule, enum nr_commit how)
{
	__atomic_store_n(&p->fake->arena.commits[granule], how, __ATOMIC_RELEASE);
}

static void skip(struct fake_program *p)
{
	store_commit(p, granule_of(p, p->pos), NR_COMMIT_SKIPPED);
	p->step = FAKE_PLACE;
}

static void place(struct fake_program *p)
{
	uint32_t granule = granule_of(p, p->start), n = nr_lane_granules(p->length);
	struct nr_lane_header *h = (void *)(p->fake->arena.data + granule * NR_LANE_GRANULE);

	for (uint32_t i = 0; i < n; i++)
		p->fake->dirty += __atomic_load_n(&p->fake->arena.commits[granule + i],
						  __ATOMIC_RELAXED) != NR_COMMIT_BUSY;
	*h = (struct nr_lane_header){
		.length = p->cpu->shard << NR_LANE_LENGTH_BITS | p->length,
		.where = granule | (p->passes_bell ? NR_LANE_BELL : 0),
	};
	p->rec = (void *)(h + 1);
	p->step = FAKE_RESERVED;
}

void fake_program_begin(struct fake_program *p, struct fake_lanes *fake, uint32_t cpu,
			uint32_t length)
{
	*p = (struct fake_program){ .fake = fake, .cpu = &fake->cpus[cpu], .length = length };
	if (nr_lane_granules(length) > block_mask(p) + 1)
		lose(p, NR_LOSS_OVERSIZE);
}

bool fake_program_step(struct fake_program *p)
{
	static void (*const steps[])(struct fake_program *) = { look, swap, skip, place };

	if (p->step < FAKE_RESERVED)
		steps[p->step](p);
	return p->step >= FAKE_RESERVED;
}

struct nr_record *fake_program_reserve(struct fake_program *p, struct fake_lanes *fake,
				       uint32_t cpu, uint32_t length)
{
	fake_program_begin(p, fake, cpu, length);
	while (!fake_program_step(p))
		;
	return p->rec;
}

void fake_program_commit(struct fake_program *p, enum nr_commit how)
{
	struct nr_lane_header *h = (void *)((uint8_t *)p->rec - sizeof(*h));
	uint32_t where = h->where;

	h->length &= (1u << NR_LANE_LENGTH_BITS) - 1;
	h->where = NR_LANE_DONE;
	store_commit(p, where & ~NR_LANE_BELL, how);
	if (where & NR_LANE_BELL)
		ring_bell(p);
}

bool fake_lane_put(struct fake_lanes *fake, uint64_t ts, uint16_t cpu, uint32_t payload)
{
	struct fake_program p;

	if (!fake_program_reserve(&p, fake, cpu, sizeof(*p.rec) + payload))
		return false;
	*p.rec = (struct nr_record){ .ts = ts, .cpu = cpu };
	fake_program_commit(&p, NR_COMMIT_SUBMITTED);
	return true;
}
