// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Fuzzes expressions over events: the text is compiled, evaluated for events of every type, and
 * translated to tests for BPF programs.
 *
 * Input: the text, a 0 byte, and the payload of the events. These lie at the end of an allocation, so
 * that reading behind them is found.
 */
#include <bpf/btf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "query/tests.h"
#include "types/types.h"

enum { ID_CALL = 1, ID_ODD, ID_TAIL, ID_UNKNOWN };

static struct nr_types *types;
static const uint16_t sizes[] = { [ID_CALL] = 56, [ID_ODD] = 31, [ID_TAIL] = 8, [ID_UNKNOWN] = 4 };

static void say(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	if (!strncmp(text, "filter, column 0", 16) || !text[0])
		abort();
}

/* Tests end, look only at the payload, and agree with the expression as far as they say. */
static void check_tests(const struct nr_query *query, const struct nr_event *ev)
{
	struct nr_test tests[NR_FILTER_TESTS];
	enum nr_tests_part part = nr_query_tests(query, ev->rec->id, tests);
	bool matches = nr_query_matches(query, ev);
	unsigned at = tests[0].what ? 0 : NR_TEST_ACCEPT;

	while (at < NR_FILTER_TESTS) {
		const struct nr_test *t = &tests[at];
		uint64_t v = 0;

		if (t->what == NR_TEST_CPU)
			v = ev->rec->cpu;
		else
			memcpy(&v, (const uint8_t *)ev->data + t->offset, t->size);
		if (t->bias)
			v = (uint64_t)((int64_t)(v << (64 - 8 * t->size)) >> (64 - 8 * t->size)) +
			    (1ull << 63);
		v = t->bias ? v : v & t->mask;
		at = v >= t->low && v <= t->high ? t->yes : t->no;
	}
	if (at == NR_TEST_REJECT && matches)
		abort();
	if (at == NR_TEST_ACCEPT && part == NR_TESTS_ALL && !matches)
		abort();
}

static void evaluate(const struct nr_query *query, uint16_t id, const uint8_t *data, size_t size)
{
	const struct nr_record rec = { .id = id, .cpu = size % 9 };
	uint32_t whole = sizes[id], some = size < whole ? size : whole;
	uint8_t *payload = calloc(1, whole + 8); /* calloc(0) may be NULL */
	struct nr_event ev = { &rec, payload + 8, whole, 0, 1 };

	memcpy(payload + 8, data, some);
	check_tests(query, &ev);
	free(payload);
	payload = malloc(size + 8);
	memcpy(payload + 8, data, size);
	ev.data = payload + 8;
	ev.size = size;
	nr_query_matches(query, &ev);
	free(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t nodes[] = { 0, 1, UINT32_MAX, 0 };
	const struct nr_query_opts opts = {
		.sz = sizeof(opts),
		.log = say,
		.node_of_cpu = size % 2 ? nodes : NULL,
		.n_cpus = 4,
		.recording = size % 3,
	};
	char *text = malloc(size + 1);
	struct nr_query *query = NULL;
	size_t len;

	memcpy(text, data, size);
	text[size] = 0;
	len = strlen(text);
	len += len < size;
	if (!nr_query_new(&query, text, types, &opts))
		for (uint16_t id = ID_CALL; id <= ID_UNKNOWN; id++)
			evaluate(query, id, data + len, size - len);
	nr_query_free(query);
	free(text);
	return 0;
}

static int array(struct btf *btf, int index, int type, unsigned n)
{
	return btf__add_array(btf, index, type, n);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct btf *btf = btf__new_empty();
	int u8 = btf__add_int(btf, "unsigned char", 1, 0);
	int ch = btf__add_int(btf, "char", 1, BTF_INT_CHAR);
	int s16 = btf__add_int(btf, "short", 2, BTF_INT_SIGNED);
	int u32 = btf__add_int(btf, "unsigned int", 4, 0);
	int s64 = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
	int flag = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL),
	    f64 = btf__add_float(btf, "double", 8);
	int comm = array(btf, u32, ch, 16), pair = array(btf, u32, s16, 2), nr, point, call, odd,
	    tail;
	int points, rest = array(btf, u32, u8, 0);

	(void)argc;
	(void)argv;
	nr = btf__add_enum(btf, "nr", 4);
	btf__add_enum_value(btf, "READ", 0);
	btf__add_enum_value(btf, "OPEN", 257);
	btf__add_enum_value(btf, "NONE", -1);
	call = btf__add_struct(btf, "call", 56);
	btf__add_field(btf, "ret", s64, 0, 0);
	btf__add_field(btf, "comm", comm, 64, 0);
	btf__add_field(btf, "pid", u32, 192, 0);
	btf__add_field(btf, "nr", nr, 224, 0);
	btf__add_field(btf, "ratio", f64, 256, 0);
	btf__add_field(btf, "slow", flag, 320, 0);
	btf__add_field(btf, "pair", pair, 336, 0);
	point = btf__add_struct(btf, "point", 3);
	btf__add_field(btf, "x", s16, 0, 0);
	btf__add_field(btf, "y", u8, 16, 0);
	points = array(btf, u32, point, 2);
	odd = btf__add_struct(btf, "odd", 31);
	btf__add_field(btf, "p", point, 0, 0);
	btf__add_field(btf, "ps", points, 24, 0);
	btf__add_field(btf, "prev_comm", comm, 72, 0);
	btf__add_field(btf, "prev_pid", u32, 200, 0);
	tail = btf__add_struct(btf, "tail", 8);
	btf__add_field(btf, "data_len", u32, 0, 0);
	btf__add_field(btf, "low", u32, 32, 5);
	btf__add_field(btf, "data", rest, 64, 0);
	if (nr_types_new(&types, NULL, NULL) || nr_types_add(types, ID_CALL, "call", btf, call) ||
	    nr_types_add(types, ID_ODD, "a:odd-one", btf, odd) ||
	    nr_types_add(types, ID_TAIL, "the.tail", btf, tail))
		abort();
	btf__free(btf);
	return 0;
}
