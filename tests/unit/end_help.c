// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "end_help.h"

#include <errno.h>
#include <libdeflate.h>
#include <bpf/btf.h>
#include "packet/end.h"

static struct nr_types *types;

int make_number(void **state)
{
	struct btf *btf = btf__new_empty();
	int u32 = btf__add_int(btf, "unsigned int", 4, 0), id;

	if (!access("/dev/shm", W_OK)) /* repair waits for the disk, here some hundred times */
		setenv("TMPDIR", "/dev/shm", 0);
	if (make_scratch(state))
		return -1;
	id = btf__add_struct(btf, "number", 4);
	btf__add_field(btf, "x", u32, 0, 0);
	if (nr_types_new(&types, hear, NULL) || nr_types_add(types, 1, "number", btf, id))
		return -1;
	btf__free(btf);
	return 0;
}

int free_number(void **state)
{
	nr_types_free(types);
	return remove_scratch(state);
}

struct writer *open_writer(void)
{
	const struct writer_opts opts = { .start = 1000, .log = hear };
	struct writer *w = NULL;

	said[0] = 0;
	assert_int_equal(writer_open(&w, in_scratch("t"), types, &opts), 0);
	return w;
}

void append_number(struct writer *w, uint32_t x)
{
	const struct nr_record rec = { .ts = 2000 + x, .id = 1 };
	const struct nr_event ev = { &rec, &x, sizeof(x), 0, rec.ts };

	assert_int_equal(writer_append(w, &ev, 1), 0);
}

struct writer *write_packets(void)
{
	struct writer *w = open_writer();
	uint32_t x = 0;

	for (unsigned i = 1; i <= PACKETS; i++) {
		for (unsigned n = 0; n < i; n++)
			append_number(w, x++);
		assert_int_equal(writer_commit(w, 2000 + x, i), 0);
	}
	return w;
}

static const uint64_t some_lost[] = { 3, 0, 1, 0 };

struct nr_account some_account(void)
{
	return (struct nr_account){
		.end = 9000,
		.reserved = 10,
		.written = 10,
		.lost_total = PACKETS,
		.n_lost = 4,
		.lost = some_lost,
	};
}

void write_trace(void)
{
	struct writer *w = write_packets();
	const struct nr_account account = some_account();

	assert_int_equal(writer_finish(w, &account), 0);
	assert_int_equal(writer_close(w), 0);
}

void drop_traces(void)
{
	remove_tree(in_scratch("t"));
	remove_tree(in_scratch("new"));
}

struct reading read_numbers(const char *name)
{
	const struct nr_trace_opts opts = { .sz = sizeof(opts), .log = hear };
	struct reading r = { .account.sz = sizeof(r.account) };
	struct nr_event ev;

	said[0] = 0;
	assert_int_equal(nr_trace_open(&r.trace, in_scratch("%s", name), &opts), 0);
	assert_int_equal(nr_trace_end(r.trace, &r.account), -EAGAIN);
	while ((r.read = nr_trace_next(r.trace, &ev)) > 0) {
		uint32_t x;

		memcpy(&x, ev.data, sizeof(x));
		assert_int_equal(x, r.events++);
	}
	r.end = nr_trace_end(r.trace, &r.account);
	return r;
}

void expect_reading(const char *name, unsigned events, int read, int end)
{
	struct reading r = read_numbers(name);

	assert_int_equal(r.events, events);
	assert_int_equal(r.read, read);
	assert_int_equal(r.end, end);
	nr_trace_close(r.trace);
}

void expect_babeltrace(const char *name, unsigned events)
{
	struct babble b;
	unsigned lines = 0;

	if (!have_babeltrace())
		return;
	b = babeltrace(in_scratch("%s", name), "--clock-cycles");
	for (const char *p = b.out; *p; p++)
		lines += *p == '\n';
	assert_int_equal(b.status, 0);
	assert_int_equal(lines, events);
	assert_null(strstr(b.err, "ERROR"));
	babble_free(&b);
}

void make_1_0(void)
{
	size_t size, body;
	char *text = load_file(in_scratch("t/metadata"), &size);
	char *minor = strstr(text, "tracer_minor = 5"), *line = strstr(text, "/* crc32 0x");

	assert_non_null(minor);
	assert_non_null(line);
	minor[strlen("tracer_minor = ")] = '0';
	body = line - text;
	snprintf(line + strlen("/* crc32 0x"), 9, "%08x",
		 (uint32_t)libdeflate_crc32(0, text, body));
	line[strlen("/* crc32 0x") + 8] = ' ';
	save_file(in_scratch("t/metadata"), text, size);
	free(text);
}

struct stream load_stream(void)
{
	struct stream s;
	struct nr_packet_head h;

	s.data = (uint8_t *)load_file(in_scratch("t/stream"), &s.size);
	for (s.mark = 0;; s.mark += h.packet_bits / 8) {
		memcpy(&h, s.data + s.mark, HEAD);
		if (nr_is_end_mark(&h))
			return s;
	}
}
