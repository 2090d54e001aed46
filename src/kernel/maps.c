// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <numa.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/thread.h"
#include "maps.h"

_Static_assert(sizeof(struct nr_cpu) % 128 == 0,
	       "no two CPUs write to the same pair of cache lines");
_Static_assert(offsetof(struct nr_cpu, lane) == 128 && offsetof(struct nr_lane, limit) == 64,
	       "programs and user space write to lines of their own");
_Static_assert(NR_LOSS_CAUSES <= NR_LOSS_SLOTS, "a slot for each cause");

/* Threads that fill the array of rings. */
#define FILL_THREADS 32

/* Rings and arenas. All of an array must have the same flags. */
static int create_on_node(const struct nr_plan_shard *shard, enum bpf_map_type type,
			  const char *name, uint32_t value_bytes, uint32_t entries, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);

	if (shard->node >= 0) {
		opts.map_flags |= BPF_F_NUMA_NODE;
		opts.numa_node = shard->node;
	}
	return bpf_map_create(type, name, value_bytes ? sizeof(uint32_t) : 0, value_bytes, entries,
			      &opts);
}

static void explain_memory(const struct nr_plan_shard *shard, uint32_t i, uint32_t n, int err,
			   const struct nr_logger *log)
{
	const char *smaller = "; use smaller rings, or a policy with fewer shards";

	nr_log(log, NR_LOG_ERROR, "cannot create shard %u of %u (%zu KiB on node %d): %s%s", i + 1,
	       n, shard->ring_bytes >> 10, shard->node, nr_reason(err),
	       err == -EMFILE || err == -ENOMEM ? "" : smaller);
}

/* With lanes, a ring only wakes the consumer. */
static int create_rings(struct nr_maps *maps, const struct nr_plan *plan,
			const struct nr_logger *log)
{
	maps->ring_fd = calloc(plan->n_shards, sizeof(*maps->ring_fd));
	maps->ring_bytes = calloc(plan->n_shards, sizeof(*maps->ring_bytes));
	if (!maps->ring_fd || !maps->ring_bytes)
		return -ENOMEM;
	for (; maps->n_shards < plan->n_shards; maps->n_shards++) {
		const struct nr_plan_shard *shard = &plan->shards[maps->n_shards];
		size_t bytes =
			maps->block_shift ? (size_t)sysconf(_SC_PAGESIZE) : shard->ring_bytes;
		int fd = create_on_node(shard, BPF_MAP_TYPE_RINGBUF, "nr_ring", 0, bytes, 0);

		if (fd < 0) {
			explain_memory(shard, maps->n_shards, plan->n_shards, fd, log);
			return fd;
		}
		maps->ring_fd[maps->n_shards] = fd;
		maps->ring_bytes[maps->n_shards] = bytes;
	}
	return 0;
}

/* The least size of a block: 4 KiB. */
#define BLOCK_SHIFT_MIN 8u
/* The largest: 512 KiB. The length of a record takes NR_LANE_LENGTH_BITS. And a lane must not hold
 * more records than its head can count: 1023 blocks of records of two granules are less than 2^24. */
#define BLOCK_SHIFT_MAX 15u
_Static_assert((NR_LANE_GRANULE << BLOCK_SHIFT_MAX) < (1 << NR_LANE_LENGTH_BITS), "lengths fit");
_Static_assert((NR_LANE_SLOTS - 1) << BLOCK_SHIFT_MAX < 2 << 24, "a lane counts its records");

/* A lane should have this many blocks, because a block is free only as a whole. */
#define BLOCKS_PER_LANE	 16u
#define BLOCKS_PER_SHARD 128u
/* Arenas have at most about twice as many, so that one lane can have half of its arena. */
#define BLOCKS_PER_SHARD_MAX NR_LANE_SLOTS
/* It needs one to write to while another one is read. */
#define BLOCKS_LEAST 2u

static uint32_t blocks_wanted(const struct nr_plan_shard *shard)
{
	uint32_t n = shard->n_cpus * BLOCKS_PER_LANE;

	n = n > BLOCKS_PER_SHARD ? n : BLOCKS_PER_SHARD;
	return n < BLOCKS_PER_SHARD_MAX ? n : BLOCKS_PER_SHARD_MAX;
}

/* One size for the blocks of all arenas: inner maps of an array must have equal values. */
uint32_t nr_maps_block_shift(const struct nr_plan *plan)
{
	size_t least = SIZE_MAX;
	uint32_t shift = BLOCK_SHIFT_MIN;

	for (unsigned i = 0; i < plan->n_shards; i++) {
		const struct nr_plan_shard *shard = &plan->shards[i];
		size_t bytes = shard->ring_bytes / blocks_wanted(shard);

		least = bytes < least ? bytes : least;
	}
	while (shift < BLOCK_SHIFT_MAX && (size_t)NR_LANE_GRANULE << (shift + 1) <= least)
		shift++;
	return shift;
}

uint32_t nr_maps_count_blocks(const struct nr_plan_shard *shard, uint32_t block_shift)
{
	uint32_t n = shard->ring_bytes / ((size_t)NR_LANE_GRANULE << block_shift);
	uint32_t least = BLOCKS_LEAST * (shard->n_cpus ? shard->n_cpus : 1);

	return n > least ? n : least;
}

/* The arrays of an array of maps have equal lengths, unless they have a flag that makes each access a
 * call. */
static uint32_t arena_flags(const struct nr_maps *maps)
{
	uint32_t flags = BPF_F_MMAPABLE;

	for (uint32_t i = 1; i < maps->n_shards; i++)
		if (maps->arenas[i].n_blocks != maps->arenas[0].n_blocks)
			flags |= BPF_F_INNER_MAP;
	return flags;
}

static int create_arena(struct nr_maps *maps, const struct nr_plan *plan, uint32_t i)
{
	const struct nr_plan_shard *shard = &plan->shards[i];
	uint32_t n = maps->arenas[i].n_blocks, granules = 1u << maps->block_shift;
	struct nr_arena_maps *fd = &maps->arenas[i];
	uint32_t flags = arena_flags(maps);

	fd->data_fd = create_on_node(shard, BPF_MAP_TYPE_ARRAY, "nr_arena",
				     granules * NR_LANE_GRANULE, n, flags);
	if (fd->data_fd < 0)
		return fd->data_fd;
	fd->commits_fd = create_on_node(shard, BPF_MAP_TYPE_ARRAY, "nr_commit", sizeof(uint64_t),
					n * granules / sizeof(uint64_t), flags);
	return fd->commits_fd < 0 ? fd->commits_fd : 0;
}

static int create_arenas(struct nr_maps *maps, const struct nr_plan *plan,
			 const struct nr_logger *log)
{
	int err = 0;

	if (maps->n_shards > NR_LANE_SHARDS_MAX) {
		nr_log(log, NR_LOG_ERROR,
		       "%u shards are too many for lanes: use a policy with at most %u, such as "
		       "node",
		       maps->n_shards, NR_LANE_SHARDS_MAX);
		return -E2BIG;
	}
	maps->arenas = calloc(maps->n_shards, sizeof(*maps->arenas));
	if (!maps->arenas)
		return -ENOMEM;
	for (uint32_t i = 0; i < maps->n_shards; i++)
		maps->arenas[i] = (struct nr_arena_maps){
			.n_blocks = nr_maps_count_blocks(&plan->shards[i], maps->block_shift),
			.data_fd = -1,
			.commits_fd = -1,
		};
	for (uint32_t i = 0; !err && i < maps->n_shards; i++) {
		err = create_arena(maps, plan, i);
		if (err)
			explain_memory(&plan->shards[i], i, maps->n_shards, err, log);
	}
	return err;
}

/* A range of an array of maps, filled by a thread of its own. */
struct range {
	int array_fd;
	const uint32_t *keys;
	const int *fds;
	uint32_t first, end;
	struct nr_thread thread;
	int err;
};

static void *fill_range(void *arg)
{
	struct range *r = arg;
	uint32_t count = r->end - r->first;

	if (!bpf_map_update_batch(r->array_fd, r->keys + r->first, r->fds + r->first, &count, NULL))
		return NULL;
	/* This kernel has no batches for this type of map. */
	for (uint32_t i = r->first; !r->err && i < r->end; i++)
		r->err = bpf_map_update_elem(r->array_fd, &i, &r->fds[i], 0);
	return NULL;
}

/*
 * Every update of the array waits for a grace period. From Linux 6.8 on a batch waits only once. On
 * every kernel, threads that wait at the same time share a grace period, so many threads update.
 */
static int fill_array(int array_fd, const int *fds, uint32_t n)
{
	struct range ranges[FILL_THREADS] = {};
	uint32_t *keys = calloc(n, sizeof(*keys));
	int err = 0;

	if (!keys)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		keys[i] = i;
	for (uint32_t t = 0; t < FILL_THREADS; t++) {
		struct range *r = &ranges[t];

		r->array_fd = array_fd;
		r->keys = keys;
		r->fds = fds;
		r->first = (uint64_t)n * t / FILL_THREADS;
		r->end = (uint64_t)n * (t + 1) / FILL_THREADS;
		if (r->first < r->end && nr_thread_start(&r->thread, fill_range, r, "nr-fill"))
			fill_range(r);
	}
	for (uint32_t t = 0; t < FILL_THREADS; t++) {
		nr_thread_join(&ranges[t].thread);
		err = err ? err : ranges[t].err;
	}
	free(keys);
	return err;
}

/* An array of the maps fds[n]. */
static int create_array(int *array_fd, const char *name, const int *fds, uint32_t n)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = fds[0]);

	*array_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, name, sizeof(uint32_t),
				   sizeof(uint32_t), n, &opts);
	return *array_fd < 0 ? *array_fd : fill_array(*array_fd, fds, n);
}

/* The arrays of arenas and of commit bytes. Without lanes, programs have them all the same, with one
 * small map. */
static int create_arena_arrays(struct nr_maps *maps)
{
	uint32_t n = maps->block_shift ? maps->n_shards : 1;
	int *data = calloc(2 * n, sizeof(*data)), *commits = data + n, small = -1, err;

	if (!data)
		return -ENOMEM;
	if (!maps->block_shift) {
		LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

		small = bpf_map_create(BPF_MAP_TYPE_ARRAY, "nr_arena", sizeof(uint32_t),
				       sizeof(uint64_t), 1, &opts);
		data[0] = commits[0] = small;
	}
	for (uint32_t i = 0; maps->block_shift && i < n; i++) {
		data[i] = maps->arenas[i].data_fd;
		commits[i] = maps->arenas[i].commits_fd;
	}
	err = data[0] < 0 ? data[0] : create_array(&maps->arenas_fd, "nr_arenas", data, n);
	if (!err)
		err = create_array(&maps->commits_fd, "nr_commits", commits, n);
	if (!err) {
		maps->arena_fd = fcntl(data[0], F_DUPFD_CLOEXEC, 0);
		maps->commit_fd = fcntl(commits[0], F_DUPFD_CLOEXEC, 0);
		err = maps->arena_fd < 0 || maps->commit_fd < 0 ? -errno : 0;
	}
	if (small >= 0)
		close(small);
	free(data);
	return err;
}

static int create_nodes(struct nr_maps *maps, const struct nr_plan *plan)
{
	uint32_t n = plan->n_nodes ? plan->n_nodes : 1;
	int err = 0;

	maps->nodes_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "nr_nodes", sizeof(uint32_t),
					sizeof(uint32_t), n, NULL);
	if (maps->nodes_fd < 0)
		return maps->nodes_fd;
	for (uint32_t node = 0; !err && node < plan->n_nodes; node++)
		err = bpf_map_update_elem(maps->nodes_fd, &node, &plan->node_shard[node], 0);
	return err;
}

/*
 * How often a CPU checks the fill level: all CPUs of a shard together write at most a sixteenth of
 * the ring between two checks. The consumer is woken when a quarter is full, so it is awake before
 * five sixteenths are full.
 */
static void fill_cpu(struct nr_cpu *cpu, const struct nr_plan_shard *shard)
{
	cpu->fill_bytes = shard->ring_bytes / 4;
	cpu->check_bytes = shard->ring_bytes / 16 / (shard->n_cpus ? shard->n_cpus : 1);
}

static const struct nr_plan_shard *smallest_ring(const struct nr_plan *plan)
{
	const struct nr_plan_shard *least = &plan->shards[0];

	for (unsigned i = 1; i < plan->n_shards; i++)
		if (plan->shards[i].ring_bytes < least->ring_bytes)
			least = &plan->shards[i];
	return least;
}

/* A CPU that is not in the plan may join any ring, so the smallest one sets its thresholds. */
static void fill_cpus(struct nr_maps *maps, const struct nr_plan *plan)
{
	const struct nr_plan_shard *least = smallest_ring(plan);
	bool numa = numa_available() >= 0; /* libnuma must not be called otherwise */

	for (uint32_t c = 0; c < maps->n_cpus; c++) {
		int shard = c < plan->n_cpus ? plan->cpu_shard[c] : -1;
		int node = numa ? numa_node_of_cpu(c) : -1; /* may differ from the ring's */

		maps->cpus[c].shard = shard < 0 ? NR_NO_SHARD : (uint32_t)shard;
		maps->cpus[c].node = node < 0 ? 0 : node;
		fill_cpu(&maps->cpus[c], shard < 0 ? least : &plan->shards[shard]);
	}
}

static int create_cpus(struct nr_maps *maps, const struct nr_plan *plan)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	void *p;

	maps->n_cpus = plan->n_cpus;
	maps->cpus_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "nr_cpus", sizeof(uint32_t),
				       sizeof(struct nr_cpu), maps->n_cpus, &opts);
	if (maps->cpus_fd < 0)
		return maps->cpus_fd;
	p = mmap(NULL, maps->n_cpus * sizeof(struct nr_cpu), PROT_READ | PROT_WRITE, MAP_SHARED,
		 maps->cpus_fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	maps->cpus = p;
	fill_cpus(maps, plan);
	return 0;
}

/* Preallocated: programs add to it anywhere in the kernel. */
static int create_followed(struct nr_maps *maps, bool follow)
{
	maps->followed_fd = bpf_map_create(BPF_MAP_TYPE_HASH, "nr_followed", sizeof(uint32_t),
					   sizeof(uint64_t), follow ? NR_FOLLOWED_MAX : 1, NULL);
	return maps->followed_fd < 0 ? maps->followed_fd : 0;
}

int nr_maps_create(struct nr_maps *maps, const struct nr_plan *plan, bool lanes, bool follow,
		   const struct nr_logger *log)
{
	struct nr_maps new = {
		.block_shift = lanes ? nr_maps_block_shift(plan) : 0,
		.shards_fd = -1,
		.arena_fd = -1,
		.commit_fd = -1,
		.arenas_fd = -1,
		.commits_fd = -1,
		.nodes_fd = -1,
		.cpus_fd = -1,
		.followed_fd = -1,
	};
	int err = create_rings(&new, plan, log);

	if (!err && lanes)
		err = create_arenas(&new, plan, log);
	if (err)
		goto out;
	err = create_array(&new.shards_fd, "nr_shards", new.ring_fd, new.n_shards);
	if (!err)
		err = create_arena_arrays(&new);
	if (!err)
		err = create_nodes(&new, plan);
	if (!err)
		err = create_followed(&new, follow);
	if (!err)
		err = create_cpus(&new, plan);
	if (err)
		nr_log(log, NR_LOG_ERROR, "cannot create the BPF maps: %s", nr_reason(err));
out:
	if (err)
		nr_maps_destroy(&new);
	else
		*maps = new;
	return err;
}

static void close_fd(int fd)
{
	if (fd > 0)
		close(fd);
}

void nr_maps_close_arena(struct nr_maps *maps, uint32_t shard)
{
	struct nr_arena_maps *arena = &maps->arenas[shard];

	close_fd(arena->data_fd);
	close_fd(arena->commits_fd);
	arena->data_fd = arena->commits_fd = -1;
}

void nr_maps_destroy(struct nr_maps *maps)
{
	for (uint32_t i = 0; i < maps->n_shards; i++)
		close_fd(maps->ring_fd[i]);
	for (uint32_t i = 0; maps->arenas && i < maps->n_shards; i++)
		nr_maps_close_arena(maps, i);
	free(maps->ring_fd);
	free(maps->ring_bytes);
	free(maps->arenas);
	if (maps->cpus)
		munmap(maps->cpus, maps->n_cpus * sizeof(struct nr_cpu));
	close_fd(maps->shards_fd);
	close_fd(maps->arena_fd);
	close_fd(maps->commit_fd);
	close_fd(maps->arenas_fd);
	close_fd(maps->commits_fd);
	close_fd(maps->nodes_fd);
	close_fd(maps->followed_fd);
	close_fd(maps->cpus_fd);
	memset(maps, 0, sizeof(*maps));
}

int nr_maps_fd(const struct nr_maps *maps, const char *name)
{
	if (!strcmp(name, "nr_shards"))
		return maps->shards_fd;
	if (!strcmp(name, "nr_arena"))
		return maps->arena_fd;
	if (!strcmp(name, "nr_commit"))
		return maps->commit_fd;
	if (!strcmp(name, "nr_arenas"))
		return maps->arenas_fd;
	if (!strcmp(name, "nr_commits"))
		return maps->commits_fd;
	if (!strcmp(name, "nr_cpus"))
		return maps->cpus_fd;
	if (!strcmp(name, "nr_nodes"))
		return maps->nodes_fd;
	if (!strcmp(name, "nr_followed"))
		return maps->followed_fd;
	return -1;
}

void nr_maps_lost(const struct nr_maps *maps, uint32_t shard, uint64_t lost[NR_LOSS_SLOTS])
{
	for (uint32_t c = 0; c < maps->n_cpus; c++) {
		uint32_t of = __atomic_load_n(&maps->cpus[c].shard, __ATOMIC_RELAXED);

		if (shard != NR_NO_SHARD && of != shard)
			continue;
		for (int i = 0; i < NR_LOSS_SLOTS; i++)
			lost[i] += __atomic_load_n(&maps->cpus[c].lost[i], __ATOMIC_RELAXED);
	}
}

uint64_t nr_maps_lost_by_cpu(const struct nr_maps *maps, uint32_t cpu)
{
	uint64_t total = 0;

	for (int i = 0; i < NR_LOSS_SLOTS; i++)
		total += __atomic_load_n(&maps->cpus[cpu].lost[i], __ATOMIC_RELAXED);
	return total;
}

int nr_maps_wait_grace(const struct nr_maps *maps)
{
	uint32_t first = 0;

	/* With one CPU online membarrier returns at once, although a preempted program may not have
	 * ended yet. Kernels with nohz_full refuse it. */
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1 &&
	    !syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		return 0;
	/* An update of a map in a map waits too, so store ring 0 where it already is. */
	return bpf_map_update_elem(maps->shards_fd, &first, &maps->ring_fd[0], 0);
}
