// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writes a trace with every kind of field for python.sh: `kinds DIR`. First the sample of types_help.h,
 * then random payloads, whose enums have unknown values, whose texts are not UTF-8 and whose floats may be
 * no numbers, tails of random lengths, late records, and records that are too short for their type.
 */
#include "seed.h"
#include "types_help.h"

#define N 2000

static struct nr_record rec = { .ts = 5000 };
static struct seed seed;
static uint64_t late;

static uint64_t below(uint64_t n)
{
	return seed_below(&seed, n);
}

static void append(struct writer *w, uint16_t id, const void *data, uint32_t size)
{
	struct nr_event ev = { .rec = &rec, .data = data, .size = size };

	ev.ts = rec.ts += below(1000);
	rec.id = id;
	rec.cpu = below(4);
	if (below(16) == 0) {
		ev.flags = NR_EVENT_LATE;
		rec.ts -= 500;
		late++;
	}
	assert_int_equal(writer_append(w, &ev, 1), 0);
	rec.ts = ev.ts;
}

static void fill(void *to, size_t size)
{
	uint8_t *bytes = to;

	for (size_t i = 0; i < size; i++)
		bytes[i] = seed_next(&seed);
}

static void append_kinds(struct writer *w)
{
	struct kinds k;

	fill(&k, sizeof(k));
	memcpy(&k.flag, &(uint8_t){ below(2) }, 1);
	if (below(2))
		k.color = below(8);
	if (below(2))
		k.big = below(3);
	if (below(2))
		k.f = below(1000) / 10.f;
	if (below(4) == 0)
		strcpy(k.text, "\xc3\xa4\xf0\x9f\x98\x80\xe2\x80\xae");
	append(w, ID_KINDS, &k, below(16) ? sizeof(k) : below(sizeof(k)));
}

static void append_tail(struct writer *w)
{
	struct {
		struct tail head;
		uint16_t data[300];
	} t;
	uint16_t n = below(8) ? below(4) : below(300);

	fill(&t, sizeof(t));
	t.head.data_len = n;
	append(w, ID_TAIL, &t, sizeof(t.head) + n * sizeof(uint16_t));
}

static void write_events(struct writer *w)
{
	const struct point p = { UINT32_MAX, -1 };

	append(w, ID_KINDS, &sample, sizeof(sample));
	append(w, ID_POINT, &p, sizeof(p));
	append(w, 99, &p, sizeof(p));
	for (unsigned i = 0; i < N; i++) {
		if (writer_room(w) < 8192)
			assert_int_equal(writer_commit(w, rec.ts, rec.lost), 0);
		if (below(2))
			append_kinds(w);
		else
			append_tail(w);
	}
	assert_int_equal(writer_commit(w, rec.ts + 1000, rec.lost), 0);
}

int main(int argc, char **argv)
{
	const struct writer_opts opts = { .packet_bytes = 65536,
					  .start = 1000,
					  .clock_offset = 1795910370123456789 };
	struct nr_account account = { .written = N + 3, .reserved = N + 3 };
	struct writer *w = NULL;
	struct nr_types *types;

	if (argc != 2)
		return 2;
	seed.state = seed_first("kinds");
	assert_int_equal(make_btf(NULL), 0);
	types = make_types();
	assert_int_equal(writer_open(&w, argv[1], types, &opts), 0);
	write_events(w);
	account.end = rec.ts + 2000;
	account.late = late;
	assert_int_equal(writer_finish(w, &account), 0);
	assert_int_equal(writer_close(w), 0);
	nr_types_free(types);
	return free_btf(NULL);
}
