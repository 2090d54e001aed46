// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * oracle TRANSPORT POLICY TRACE STREAMS COMMAND...: records the system calls made while COMMAND runs
 * into TRACE. Before anything is released, it also writes the records once more: each CPU's records
 * of each ring, or its lane, as a trace of its own, STREAMS/SHARD-CPU. Another program can merge these
 * traces and must get the content of TRACE.
 *
 * STREAMS does not use the code that walks, sorts or merges for TRACE. The rings and arenas are larger
 * than all records together, and an output that waits holds them. This program maps the rings again,
 * and walks rings and lanes itself. It does not sort: the records of one CPU in one ring are already
 * in time order, even in a shared ring (I1).
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "trace_writer.h"
#include "collector.h"

static const struct nr_output_opts replace = { .sz = sizeof(replace), .force = true };

#define RING_BYTES (64ul << 20)

extern char **environ;

static void on_log(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level <= NR_LOG_WARN)
		fprintf(stderr, "%s\n", text);
}

static int run_command(char **command)
{
	int status;
	pid_t pid;
	int err = posix_spawnp(&pid, command[0], NULL, NULL, command, environ);

	if (err)
		return -err;
	waitpid(pid, &status, 0);
	return status ? -ECANCELED : 0;
}

/* The ring, mapped again: a page with producer_pos, then the data, all read-only. */
static const uint8_t *map_ring(int fd, uint64_t *produced)
{
	size_t page = sysconf(_SC_PAGESIZE);
	uint8_t *p = mmap(NULL, page + RING_BYTES, PROT_READ, MAP_SHARED, fd, page);

	if (p == MAP_FAILED)
		return NULL;
	*produced = *(const uint64_t *)p;
	return p + page;
}

static int write_record(struct writer *w, const uint8_t *at, uint32_t length, uint64_t *last)
{
	const struct nr_event ev = {
		.rec = (const void *)at,
		.data = at + sizeof(struct nr_record),
		.size = length - sizeof(struct nr_record),
		.ts = ((const struct nr_record *)at)->ts,
	};
	int err = 0;

	if (ev.ts < *last) {
		fprintf(stderr, "CPU %u went back by %llu ns within its ring\n", ev.rec->cpu,
			(unsigned long long)(*last - ev.ts));
		return -EBADMSG;
	}
	if (!writer_room(w) && ev.ts != *last)
		err = writer_commit(w, ev.ts, 0);
	*last = ev.ts;
	return err ? err : writer_append(w, &ev, 1);
}

/* The kernel's header of 8 bytes: the length, with BUSY and DISCARD in its two highest bits. */
static int write_cpu(struct writer *w, const uint8_t *data, uint64_t produced, unsigned cpu,
		     uint64_t *n)
{
	uint64_t last = 0;
	int err = 0;

	for (uint64_t pos = 0; !err && pos < produced;) {
		uint32_t head = *(const uint32_t *)(data + pos), length = head & 0x3fffffff;
		const uint8_t *at = data + pos + 8;

		if (head & 0xc0000000)
			return -EBADMSG; /* the sources discard nothing, and all programs ended */
		if (((const struct nr_record *)at)->cpu == cpu) {
			err = write_record(w, at, length, &last);
			(*n)++;
		}
		pos += 8 + (length + 7) / 8 * 8;
	}
	return err ? err : writer_commit(w, last + 1, 0);
}

struct split {
	const char *dir;
	uint64_t n;
};

/* The granule of the arena at a position of a lane. */
static uint64_t granule_at(const struct nr_maps *maps, const struct nr_lane *lane, uint64_t pos)
{
	uint64_t block = lane->slots[(pos >> maps->block_shift) % NR_LANE_SLOTS];

	return block << maps->block_shift | (pos & ((1u << maps->block_shift) - 1));
}

/* Where there is no submitted record of this CPU, the rest of the block was skipped. */
static bool is_record(const struct nr_lane_header *h, unsigned cpu)
{
	return h->length && h->where == NR_LANE_DONE &&
	       ((const struct nr_record *)(h + 1))->cpu == cpu;
}

static int write_lane(struct writer *w, const struct nr_maps *maps, const uint8_t *data,
		      unsigned cpu, uint64_t *n)
{
	const struct nr_lane *lane = &maps->cpus[cpu].lane;
	uint64_t end = lane->head >> 24, block = 1u << maps->block_shift, last = 0;
	int err = 0;

	for (uint64_t pos = 0; !err && pos < end;) {
		const struct nr_lane_header *h =
			(const void *)(data + granule_at(maps, lane, pos) * NR_LANE_GRANULE);

		if (!is_record(h, cpu)) {
			pos = (pos / block + 1) * block;
			continue;
		}
		err = write_record(w, (const void *)(h + 1), h->length, &last);
		(*n)++;
		pos += (sizeof(*h) + h->length + NR_LANE_GRANULE - 1) / NR_LANE_GRANULE;
	}
	return err ? err : writer_commit(w, last + 1, 0);
}

static int write_stream(struct split *s, const struct nr_collector *c, const uint8_t *data,
			uint64_t produced, unsigned shard, unsigned cpu)
{
	const struct writer_opts opts = { .clock_offset = c->clock_offset,
					  .start = c->started,
					  .log = on_log };
	struct writer *w = NULL;
	char dir[4096];
	int err;

	snprintf(dir, sizeof(dir), "%s/%u-%u", s->dir, shard, cpu);
	err = writer_open(&w, dir, c->types, &opts);
	if (!err)
		err = c->maps.block_shift ? write_lane(w, &c->maps, data, cpu, &s->n)
					  : write_cpu(w, data, produced, cpu, &s->n);
	return writer_close(w) ?: err;
}

static int write_shard(struct split *s, const struct nr_collector *c, unsigned shard)
{
	const struct nr_plan_shard *plan = &c->plan->shards[shard];
	uint64_t produced = 0;
	const uint8_t *data = c->maps.block_shift ? c->shards[shard].lanes->arena.data
						  : map_ring(c->maps.ring_fd[shard], &produced);
	int err = 0;

	if (!data)
		return -errno;
	if (produced > RING_BYTES) {
		fprintf(stderr, "ring %u has wrapped, nothing can be compared\n", shard);
		return -EOVERFLOW;
	}
	for (unsigned i = 0; !err && i < plan->n_cpus; i++)
		err = write_stream(s, c, data, produced, shard, plan->cpus[i]);
	return err;
}

static int write_streams(const struct nr_collector *c, const char *dir)
{
	struct split s = { .dir = dir };
	int err = mkdir(dir, 0755) ? -errno : 0;

	for (unsigned i = 0; !err && i < c->plan->n_shards; i++)
		err = write_shard(&s, c, i);
	printf("%llu in the shards\n", (unsigned long long)s.n);
	return err;
}

/* Holds everything in the rings. */
static int hold(void *held, const struct nr_batch *batch)
{
	(void)batch;
	while (*(_Atomic(bool) *)held)
		usleep(1000);
	return 0;
}

static int run(struct nr_collector *c, const char *streams, char **command)
{
	int err = run_command(command);

	for (unsigned i = 0; i < c->n_objects; i++)
		nr_object_detach(&c->objects[i]);
	nr_maps_wait_grace(&c->maps);
	return err ?: write_streams(c, streams);
}

static int record(struct nr_collector *c, const char *dir, const char *streams, char **command)
{
	_Atomic(bool) held = true;
	struct nr_stats *st;
	int err = nr_collector_add_source(c, "syscalls"), end;

	if (!err)
		err = nr_collector_add_trace(c, dir, &replace);
	if (!err && nr_collector_add_batch(c, hold, &held, NULL) < 0)
		err = -ENOMEM;
	if (!err)
		err = nr_collector_start(c);
	if (err)
		return err;
	err = run(c, streams, command);
	held = false;
	end = nr_collector_stop(c);
	st = nr_collector_stats(c);
	printf("%llu written, %llu lost, %llu late, %llu unaccounted\n",
	       (unsigned long long)st->events_written, (unsigned long long)st->lost_total,
	       (unsigned long long)st->late, (unsigned long long)st->unaccounted);
	if (st->lost_total || st->late || st->unaccounted)
		err = -EIO;
	nr_stats_free(st);
	return err ? err : end;
}

int main(int argc, char **argv)
{
	struct nr_collector_opts opts = { .sz = sizeof(opts),
					  .ring_bytes = RING_BYTES,
					  .log = on_log };
	struct nr_collector *c = NULL;
	int err;

	if (argc < 6) {
		fprintf(stderr, "usage: oracle ring|lane POLICY TRACE STREAMS COMMAND...\n");
		return 2;
	}
	opts.transport = strcmp(argv[1], "lane") ? NR_TRANSPORT_RING : NR_TRANSPORT_LANE;
	opts.policy = argv[2];
	err = nr_collector_open(&c, &opts);
	if (!err)
		err = record(c, argv[3], argv[4], argv + 5);
	if (err)
		fprintf(stderr, "oracle: %s\n", strerror(-err));
	nr_collector_close(c);
	return !!err;
}
