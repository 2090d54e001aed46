// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Property: babeltrace2 opens a trace with any field names, and the name that it shows leads back
 * to the C name.
 *
 * The test draws structs with names that have clashed or could: leading underscores, keywords,
 * lengths of tails, our own names. docs/format.md says how a C name appears in CTF. The test
 * reverses that and compares babeltrace2's output and our JSON with the drawn names. NR_SEED=N
 * repeats a run, NR_ROUNDS=N sets the number of traces.
 */
#include "trace_help.h"

#include <inttypes.h>
#include <bpf/btf.h>
#include "seed.h"

#define TYPES	 200 /* events in a trace */
#define MAX_KIDS 8
#define PAYLOAD	 8192

static const char *const traps[] = {
	"flags",
	"_flags",
	"__flags",
	"___flags",
	"numaring",
	"_numaring",
	"numaring_",
	"numaring_len",
	"numaring_c",
	"numaring_c_flags",
	"numaring_cflags",
	"numaring_c__flags",
	"numaring_cnumaring_c",
	"numaring_pad0",
	"_numaring_pad0",
	"__numaring_pad0",
	"numaring_pad1",
	"numaring_cnumaring_pad0",
	"late_ts",
	"_late_ts",
	"__late_ts",
	"data",
	"_data",
	"__data",
	"data_len",
	"_data_len",
	"__data_len",
	"data_len_len",
	"union_0",
	"union_1",
	"union_4",
	"union_4_",
	"union_8",
	"_union_8",
	"union_8_",
	"union_8__",
	"event",
	"_event",
	"struct",
	"variant",
	"_variant",
	"enum",
	"string",
	"integer",
	"align",
	"size",
	"int",
	"_int",
	"unsigned",
	"typealias",
	"floating_point",
	"fields",
	"_fields",
	"stream",
	"trace",
	"env",
	"clock",
	"callsite",
	"id",
	"_id",
	"timestamp",
	"cpu",
	"lost",
	"u8",
	"_u8",
	"x8",
	"u64",
	"_u64",
	"clock_ns",
	"record_ns",
	"_",
	"__",
	"___",
	"x",
	"_x",
};
#define NR_TRAPS (sizeof(traps) / sizeof(traps[0]))

enum kind { INT, BITS, UNION, STRUCT, LIST, ANON, KINDS, TAIL };

struct node {
	enum kind kind;
	const char *name; /* "": no name */
	unsigned off;	  /* bits from the start of the enclosing C struct */
	unsigned bits;
	unsigned n_kids;
	struct node *kids[MAX_KIDS];
	int type;
};

/* The names of one struct, including those of its anonymous structs. */
struct scope {
	bool taken[NR_TRAPS];
};

struct event {
	struct node *st, *len, *tail;
	char *babble, *json;
};

static struct seed chance;
static uint64_t seed;

static unsigned below(unsigned n)
{
	return seed_below(&chance, n);
}

/* ---- drawing ---- */

static const char *draw_name(struct scope *s)
{
	unsigned i;

	do
		i = below(NR_TRAPS);
	while (s->taken[i]);
	s->taken[i] = true;
	return traps[i];
}

static struct node *new_node(enum kind kind, const char *name, unsigned bits)
{
	struct node *n = calloc(1, sizeof(*n));

	n->kind = kind;
	n->name = name;
	n->bits = bits;
	return n;
}

static void draw_members(struct node *st, struct scope *s, unsigned depth);

static struct node *draw_node(struct scope *s, unsigned depth)
{
	enum kind kind = below(depth < 3 ? KINDS : STRUCT);
	bool nameless = kind == ANON || (kind == UNION && below(2));
	struct node *n = new_node(kind, nameless ? "" : draw_name(s), 0);
	struct scope inner = { 0 };

	if (kind == INT)
		n->bits = 8u << below(3);
	else if (kind == BITS)
		n->bits = 1 + below(31);
	else if (kind == UNION)
		n->bits = 8 * (1 + below(5));
	else
		draw_members(n, kind == ANON ? s : &inner, depth + 1);
	return n;
}

/* Places members like a compiler, or packed, sometimes with a gap before a member. */
static unsigned place(struct node *n, unsigned pos, bool packed)
{
	unsigned step = n->kind == BITS ? 1 : n->kind == INT && !packed ? n->bits : 8;

	pos += below(4) ? 0 : 8 * below(12);
	n->off = (pos + step - 1) / step * step;
	return n->off + n->bits * (n->kind == LIST ? 2 : 1);
}

static void place_members(struct node *st)
{
	bool packed = below(2);
	unsigned pos = 0;

	for (unsigned i = 0; i < st->n_kids; i++)
		pos = place(st->kids[i], pos, packed);
	st->bits = (pos + 7) / 8 * 8 + (below(3) ? 0 : 8 * below(9));
}

static void draw_members(struct node *st, struct scope *s, unsigned depth)
{
	unsigned n = 1 + below(MAX_KIDS - 2);

	while (st->n_kids < n)
		st->kids[st->n_kids++] = draw_node(s, depth);
	place_members(st);
}

/* Adds "X_len" for a name X that is also in the list, and X[] as the last member. */
static void draw_tail(struct event *e, struct scope *s)
{
	static const char *const tails[][2] = {
		{ "data", "data_len" },		{ "_data", "_data_len" },
		{ "__data", "__data_len" },	{ "data_len", "data_len_len" },
		{ "numaring", "numaring_len" },
	};
	const char *const *t = tails[below(sizeof(tails) / sizeof(tails[0]))];

	for (unsigned i = 0; i < NR_TRAPS; i++)
		s->taken[i] |= !strcmp(traps[i], t[0]) || !strcmp(traps[i], t[1]);
	e->len = new_node(INT, t[1], 16);
	e->tail = new_node(TAIL, t[0], 0);
}

static void draw_event(struct event *e)
{
	struct scope s = { 0 };
	unsigned at;

	e->st = new_node(STRUCT, "", 0);
	if (!below(2))
		draw_tail(e, &s);
	draw_members(e->st, &s, 0);
	if (!e->tail)
		return;
	at = below(e->st->n_kids + 1);
	memmove(&e->st->kids[at + 1], &e->st->kids[at],
		(e->st->n_kids - at) * sizeof(e->st->kids[0]));
	e->st->kids[at] = e->len;
	e->st->kids[++e->st->n_kids] = e->tail;
	place_members(e->st);
	e->st->n_kids++;
	e->tail->off = e->st->bits;
}

static void free_node(struct node *n)
{
	for (unsigned i = 0; i < n->n_kids; i++)
		free_node(n->kids[i]);
	free(n);
}

/* ---- as BTF ---- */

static struct {
	struct btf *btf;
	int number[5]; /* by byte offset */
	int index;
} b;

static void add_basics(void)
{
	static const char *const names[] = { [1] = "u8", [2] = "u16", [4] = "u32" };

	b.btf = btf__new_empty();
	for (unsigned i = 1; i <= 4; i *= 2)
		b.number[i] = btf__add_int(b.btf, names[i], i, 0);
	b.index = b.number[4];
}

static int add_struct(struct node *st);

static int add_type(struct node *n)
{
	int inner;

	switch (n->kind) {
	case INT:
		return b.number[n->bits / 8];
	case BITS:
		return b.number[4];
	case TAIL:
		return btf__add_array(b.btf, b.index, b.number[1], 0);
	case UNION:
		inner = btf__add_array(b.btf, b.index, b.number[1], n->bits / 8);
		n->type = btf__add_union(b.btf, NULL, n->bits / 8);
		assert_int_equal(btf__add_field(b.btf, "inside", inner, 0, 0), 0);
		return n->type;
	case LIST:
		inner = add_struct(n);
		return btf__add_array(b.btf, b.index, inner, 2);
	default:
		return add_struct(n);
	}
}

static int add_struct(struct node *st)
{
	for (unsigned i = 0; i < st->n_kids; i++)
		st->kids[i]->type = add_type(st->kids[i]);
	st->type = btf__add_struct(b.btf, NULL, st->bits / 8);
	for (unsigned i = 0; i < st->n_kids; i++) {
		const struct node *n = st->kids[i];

		assert_int_equal(btf__add_field(b.btf, n->name, n->type, n->off,
						n->kind == BITS ? n->bits : 0),
				 0);
	}
	return st->type;
}

/* ---- the expected output ---- */

struct sinks {
	FILE *babble, *json;
	const uint8_t *payload;
	unsigned tail;
};

static uint32_t load(const uint8_t *p, unsigned off, unsigned bits)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bits; i++)
		v |= (uint64_t)(p[(off + i) / 8] >> (off + i) % 8 & 1) << i;
	return v;
}

static void both(struct sinks *s, const char *babble, const char *json)
{
	fputs(babble, s->babble);
	fputs(json, s->json);
}

static bool has_name(const struct node *st, const char *name)
{
	for (unsigned i = 0; i < st->n_kids; i++)
		if (!strcmp(st->kids[i]->name, name) ||
		    (st->kids[i]->kind == ANON && has_name(st->kids[i], name)))
			return true;
	return false;
}

static void put_name(struct sinks *s, const struct node *scope, const struct node *n, unsigned off,
		     bool *more)
{
	char name[64];

	strcpy(name, n->name);
	if (!*name)
		for (sprintf(name, "union_%u", off / 8); has_name(scope, name);)
			strcat(name, "_");
	both(s, *more ? ", " : "", *more ? "," : "");
	*more = true;
	fprintf(s->babble, "%s = ", name);
	fprintf(s->json, "\"%s\":", name);
}

static void put_bytes(struct sinks *s, unsigned off, unsigned n)
{
	both(s, "[ ", "\"");
	for (unsigned i = 0; i < n; i++) {
		fprintf(s->babble, "%s[%u] = 0x%X", i ? ", " : "", i, s->payload[off / 8 + i]);
		fprintf(s->json, "%02x", s->payload[off / 8 + i]);
	}
	both(s, " ]", "\"");
}

static void put_tail(struct sinks *s, unsigned off)
{
	both(s, "[ ", "[");
	for (unsigned i = 0; i < s->tail; i++) {
		fprintf(s->babble, "%s[%u] = %u", i ? ", " : "", i, s->payload[off / 8 + i]);
		fprintf(s->json, "%s%u", i ? "," : "", s->payload[off / 8 + i]);
	}
	both(s, s->tail ? " ]" : "]", "]");
}

/* Prints the members of st, at bit base, as part of scope, which begins at bit start. */
static void put_members(struct sinks *s, const struct node *scope, unsigned start,
			const struct node *st, unsigned base, bool *more);

static void put_struct(struct sinks *s, const struct node *st, unsigned base)
{
	bool more = false;

	both(s, "{ ", "{");
	put_members(s, st, base, st, base, &more);
	both(s, " }", "}");
}

static void put_value(struct sinks *s, const struct node *n, unsigned off)
{
	char text[16];

	switch (n->kind) {
	case UNION:
		put_bytes(s, off, n->bits / 8);
		break;
	case TAIL:
		put_tail(s, off);
		break;
	case STRUCT:
		put_struct(s, n, off);
		break;
	case LIST:
		both(s, "[ [0] = ", "[");
		put_struct(s, n, off);
		both(s, ", [1] = ", ",");
		put_struct(s, n, off + n->bits);
		both(s, " ]", "]");
		break;
	default:
		sprintf(text, "%" PRIu32, load(s->payload, off, n->bits));
		both(s, text, text);
	}
}

static void put_members(struct sinks *s, const struct node *scope, unsigned start,
			const struct node *st, unsigned base, bool *more)
{
	for (unsigned i = 0; i < st->n_kids; i++) {
		const struct node *n = st->kids[i];

		if (n->kind == ANON) {
			put_members(s, scope, start, n, base + n->off, more);
			continue;
		}
		put_name(s, scope, n, base + n->off - start, more);
		put_value(s, n, base + n->off);
	}
}

/* ---- the run ---- */

static void write_event(struct writer *w, struct event *e, unsigned i, uint8_t *payload)
{
	struct nr_record rec = { .ts = 1000 + i - (i % 7 == 6 ? 5 : 0), .id = i, .lost = 7 };
	struct nr_event ev = { &rec, payload, e->st->bits / 8, i % 7 == 6, 1000 + i };
	struct sinks s = { .payload = payload };
	size_t size;

	for (unsigned k = 0; k < PAYLOAD; k++)
		payload[k] = seed_next(&chance) >> 20;
	if (e->tail) {
		s.tail = below(4);
		payload[e->len->off / 8] = s.tail;
		payload[e->len->off / 8 + 1] = 0;
		ev.size += s.tail;
	}
	s.babble = open_memstream(&e->babble, &size);
	s.json = open_memstream(&e->json, &size);
	put_struct(&s, e->st, 0);
	fclose(s.babble);
	fclose(s.json);
	assert_int_equal(writer_append(w, &ev, 1), 0);
}

static void write_trace(struct event *events)
{
	struct writer_opts opts = { .start = 0, .log = hear };
	uint8_t *payload = aligned_alloc(64, PAYLOAD);
	struct writer *w = NULL;
	struct nr_types *types;
	char name[16];

	add_basics();
	assert_int_equal(nr_types_new(&types, hear, NULL), 0);
	for (unsigned i = 0; i < TYPES; i++) {
		sprintf(name, "e%u", i);
		add_struct(events[i].st);
		if (nr_types_add(types, i, name, b.btf, events[i].st->type))
			fail_msg("seed %" PRIu64 ", e%u: %s", seed, i, said);
	}
	assert_int_equal(writer_open(&w, in_scratch("trace"), types, &opts), 0);
	for (unsigned i = 0; i < TYPES; i++)
		write_event(w, &events[i], i, payload);
	assert_int_equal(writer_commit(w, 1u << 20, 0), 0);
	assert_int_equal(writer_close(w), 0);
	nr_types_free(types);
	btf__free(b.btf);
	free(payload);
}

static void expect(const char *what, unsigned i, const char *got, const char *want)
{
	if (strcmp(got, want))
		fail_msg("seed %" PRIu64 ", e%u, %s:\n got %s\nwant %s", seed, i, what, got, want);
}

static void check_json(const struct event *events)
{
	struct nr_trace_opts opts = { .sz = sizeof(opts), .log = hear };
	char *buf = malloc(1 << 20);
	struct nr_trace *trace;
	struct nr_event ev;

	assert_int_equal(nr_trace_open(&trace, in_scratch("trace"), &opts), 0);
	for (unsigned i = 0; i < TYPES; i++) {
		assert_int_equal(nr_trace_next(trace, &ev), 1);
		nr_types_format(nr_trace_types(trace), &ev, NR_FORMAT_JSON, buf, 1 << 20);
		expect("json", i, buf, events[i].json);
	}
	nr_trace_close(trace);
	free(buf);
}

/* Converts names back to C names, as docs/format.md says. */
static void unescape(char *line)
{
	char *to = line;

	for (char *from = line; *from;) {
		if (from[0] == ' ' && !strncmp(from + 1, "numaring_c", 10)) {
			*to++ = ' ';
			from += 11;
		} else {
			*to++ = *from++;
		}
	}
	*to = 0;
}

static void check_babble(const struct event *events)
{
	struct babble bt = babeltrace(in_scratch("trace"), "--clock-cycles");
	char *line = strtok(bt.out, "\n");

	if (bt.status)
		fail_msg("seed %" PRIu64 ": babeltrace2 refuses the trace: %.2000s", seed, bt.err);
	assert_string_equal(bt.err, "");
	for (unsigned i = 0; i < TYPES; i++, line = strtok(NULL, "\n")) {
		char *got = line ? strstr(line, "lost = 7 }, ") : NULL, late[32];

		if (!got)
			fail_msg("seed %" PRIu64 ": babeltrace2 shows %u events", seed, i);
		got += strlen("lost = 7 }, ");
		sprintf(late, "{ late_ts = %u }, ", 995 + i);
		if (i % 7 == 6) {
			assert_int_equal(strncmp(got, late, strlen(late)), 0);
			got += strlen(late);
		}
		strip_padding(got);
		unescape(got);
		expect("babeltrace2", i, got, events[i].babble);
	}
	babble_free(&bt);
}

static void test_names_come_back(void **state)
{
	static struct event events[TYPES];

	(void)state;
	for (uint64_t round = seed_env("NR_ROUNDS", 8); round; round--) {
		memset(events, 0, sizeof(events));
		for (unsigned i = 0; i < TYPES; i++)
			draw_event(&events[i]);
		write_trace(events);
		check_json(events);
		if (have_babeltrace())
			check_babble(events);
		for (unsigned i = 0; i < TYPES; i++) {
			free_node(events[i].st);
			free(events[i].babble);
			free(events[i].json);
		}
		remove_tree(in_scratch("trace"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_names_come_back) };

	seed = chance.state = seed_first("names");
	return !!cmocka_run_group_tests_name("names", tests, make_scratch, remove_scratch);
}
