// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "writer_help.h"

struct nr_types *types;
struct writer *writer;
const char *dir;

void open_trace(const char *name, struct writer_opts opts)
{
	types = make_types();
	dir = strdup(in_scratch("%s", name));
	opts.log = hear;
	said[0] = 0;
	assert_int_equal(writer_open(&writer, dir, types, &opts), 0);
}

void close_trace(void)
{
	assert_int_equal(writer_close(writer), 0);
	writer = NULL;
}

void drop_trace(void)
{
	remove_tree(dir);
	free((char *)dir);
	nr_types_free(types);
}

int append_late(uint64_t ts, uint64_t was, uint16_t id, const void *data, uint32_t size)
{
	struct nr_record rec = { .ts = was, .id = id, .cpu = 3, .lost = 7 };
	struct nr_event ev = { &rec, data, size, ts == was ? 0 : NR_EVENT_LATE, ts };

	return writer_append(writer, &ev, 1);
}

void append(uint64_t ts, uint16_t id, const void *data, uint32_t size)
{
	assert_int_equal(append_late(ts, ts, id, data, size), 0);
}

void append_point(uint64_t ts, uint32_t x)
{
	struct point p = { x, -1 };

	append(ts, ID_POINT, &p, sizeof(p));
}

void commit(uint64_t watermark, uint64_t lost)
{
	assert_int_equal(writer_commit(writer, watermark, lost), 0);
}

struct nr_trace *read_trace(void)
{
	struct nr_trace_opts opts = { .sz = sizeof(opts), .log = hear };
	struct nr_trace *trace = NULL;

	assert_int_equal(nr_trace_open(&trace, dir, &opts), 0);
	return trace;
}

int try_open(void)
{
	struct nr_trace_opts opts = { .sz = sizeof(opts), .log = hear };
	struct nr_trace *trace = NULL;
	int err = nr_trace_open(&trace, dir, &opts);

	said[0] = err ? said[0] : 0;
	nr_trace_close(trace);
	return err;
}

void expect_point(struct nr_trace *trace, uint64_t ts, uint32_t x)
{
	struct nr_event ev;
	struct point p;

	assert_int_equal(nr_trace_next(trace, &ev), 1);
	assert_int_equal(ev.ts, ts);
	assert_int_equal(ev.rec->ts, ts);
	assert_int_equal(ev.rec->id, ID_POINT);
	assert_int_equal(ev.rec->cpu, 3);
	assert_int_equal(ev.rec->lost, 7);
	assert_int_equal(ev.flags, 0);
	assert_int_equal(ev.size, sizeof(p));
	assert_int_equal((uintptr_t)ev.data % 8, 0);
	memcpy(&p, ev.data, sizeof(p));
	assert_int_equal(p.x, x);
}

void expect_end(struct nr_trace *trace)
{
	struct nr_event ev;

	assert_int_equal(nr_trace_next(trace, &ev), 0);
	assert_int_equal(nr_trace_next(trace, &ev), 0);
	nr_trace_close(trace);
}

void expect_silent_babeltrace(unsigned events)
{
	struct babble b;
	unsigned lines = 0;

	if (!have_babeltrace())
		return;
	b = babeltrace(dir, "--clock-cycles");
	for (const char *p = b.out; *p; p++)
		lines += *p == '\n';
	assert_string_equal(b.err, "");
	assert_int_equal(b.status, 0);
	assert_int_equal(lines, events);
	babble_free(&b);
}
