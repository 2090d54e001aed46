// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * oracle POLICY TRACE STREAMS COMMAND...: records the system calls made while COMMAND runs into
 * TRACE. Then it writes the records in the rings once more: each CPU's records of each ring as a
 * trace of its own, STREAMS/RING-CPU. Another program can merge these traces and must get the
 * content of TRACE.
 *
 * STREAMS does not use the code that walks, sorts or merges for TRACE. The rings are larger than
 * all records together, so they still hold every record after the recording, released or not. This
 * program maps and walks them itself. It does not sort: the records of one CPU in one ring are
 * already in time order, even in a shared ring (I1).
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

static int record(struct nr_collector *c, const char *dir, char **command)
{
	struct nr_stats *st;
	int err = nr_collector_add_source(c, "syscalls"), end;

	if (!err)
		err = nr_collector_add_trace(c, dir, &replace);
	if (!err)
		err = nr_collector_start(c);
	if (err)
		return err;
	err = run_command(command);
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
	const struct nr_types *types;
	const char *dir;
	int64_t clock_offset;
	uint64_t start;
	uint64_t n;
};

static int write_stream(struct split *s, const uint8_t *data, uint64_t produced, unsigned ring,
			unsigned cpu)
{
	const struct writer_opts opts = { .clock_offset = s->clock_offset,
					  .start = s->start,
					  .log = on_log };
	struct writer *w = NULL;
	char dir[4096];
	int err;

	snprintf(dir, sizeof(dir), "%s/%u-%u", s->dir, ring, cpu);
	err = writer_open(&w, dir, s->types, &opts);
	if (!err)
		err = write_cpu(w, data, produced, cpu, &s->n);
	return writer_close(w) ?: err;
}

static int write_ring(struct split *s, const struct nr_collector *c, unsigned ring)
{
	const struct nr_plan_shard *plan = &c->plan->shards[ring];
	uint64_t produced = 0;
	const uint8_t *data = map_ring(c->maps.ring_fd[ring], &produced);
	int err = 0;

	if (!data)
		return -errno;
	if (produced > RING_BYTES) {
		fprintf(stderr, "ring %u has wrapped, nothing can be compared\n", ring);
		return -EOVERFLOW;
	}
	for (unsigned i = 0; !err && i < plan->n_cpus; i++)
		err = write_stream(s, data, produced, ring, plan->cpus[i]);
	return err;
}

static int write_streams(const struct nr_collector *c, const char *trace, const char *dir)
{
	struct split s = { .types = c->types, .dir = dir, .start = c->started };
	struct nr_trace *t = NULL;
	int err = nr_trace_open(&t, trace, NULL);

	if (err)
		return err;
	s.clock_offset = nr_trace_clock_offset(t);
	nr_trace_close(t);
	if (mkdir(dir, 0755))
		return -errno;
	for (unsigned i = 0; !err && i < c->plan->n_shards; i++)
		err = write_ring(&s, c, i);
	printf("%llu in the rings\n", (unsigned long long)s.n);
	return err;
}

int main(int argc, char **argv)
{
	struct nr_collector_opts opts = { .sz = sizeof(opts),
					  .ring_bytes = RING_BYTES,
					  .log = on_log };
	struct nr_collector *c = NULL;
	int err;

	if (argc < 5) {
		fprintf(stderr, "usage: oracle POLICY TRACE STREAMS COMMAND...\n");
		return 2;
	}
	opts.policy = argv[1];
	err = nr_collector_open(&c, &opts);
	if (!err)
		err = record(c, argv[2], argv + 4);
	if (!err)
		err = write_streams(c, argv[2], argv[3]);
	if (err)
		fprintf(stderr, "oracle: %s\n", strerror(-err));
	nr_collector_close(c);
	return !!err;
}
