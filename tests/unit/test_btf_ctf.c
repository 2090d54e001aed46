// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Property: for any struct that an author writes, babeltrace2 and our own formatter show the values
 * that were written.
 *
 * The test makes up structs. It compiles them for BPF, whose BTF is all that the library sees, and
 * for this machine, with functions that fill them in by member name. So neither offsets nor values
 * come from the code under test. NR_SEED=N repeats a run, NR_STRUCTS=N sets the number of structs.
 */
#include "trace_help.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <bpf/btf.h>
#include "seed.h"

#define RECORDS	 3 /* records of each struct */
#define MAX_KIDS 7
#define PAYLOAD	 (64 * 1024)

enum kind { INT, BOOL, TEXT, ENUM, BITS, FLOAT, PTR, UNION, STRUCT, ANON, KINDS };

struct node {
	enum kind kind;
	unsigned uid;
	unsigned size; /* INT, BITS, FLOAT: bytes; TEXT, UNION: elements */
	unsigned bits;
	bool is_signed;
	unsigned n_dims, dims[2];
	unsigned packed, aligned;
	bool is_volatile, gap; /* gap: a zero-width bit-field precedes it */
	unsigned n_kids;
	struct node *kids[MAX_KIDS];
};

/* ---- random numbers ---- */

static struct seed chance;
static uint64_t seed;

static uint64_t rnd(void)
{
	return seed_next(&chance);
}

static unsigned below(unsigned n)
{
	return seed_below(&chance, n);
}

static bool one_in(unsigned n)
{
	return seed_once_in(&chance, n);
}

/* Chooses edge values more often than chance would. */
static uint64_t any_number(void)
{
	switch (below(5)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return 1ull << below(64);
	default:
		return rnd() ^ rnd() << 20;
	}
}

/* ---- making up structs ---- */

static unsigned uids;

static struct node *make_struct(enum kind kind, unsigned depth);

static struct node *make_node(unsigned depth, bool in_array)
{
	struct node *n;
	enum kind kind;

	do
		kind = below(KINDS);
	while ((depth >= 3 && kind >= STRUCT) || (in_array && (kind == ANON || kind == BITS)));
	if (kind >= STRUCT) {
		n = make_struct(kind, depth + 1);
	} else {
		n = calloc(1, sizeof(*n));
		n->kind = kind;
		n->uid = ++uids;
	}
	n->size = n->kind == TEXT || n->kind == UNION ? 1 + below(9) : 1u << below(4);
	if (n->kind == FLOAT)
		n->size = one_in(2) ? 4 : 8;
	n->is_signed = one_in(2);
	n->bits = 1 + below(n->size * 8);
	n->is_volatile = one_in(8);
	n->gap = n->kind == BITS && one_in(8);
	if (n->kind == ANON || n->kind == BITS)
		return n;
	if (one_in(4)) {
		n->n_dims = 1 + one_in(3);
		n->dims[0] = 1 + below(3);
		n->dims[1] = 1 + below(3);
	}
	if (one_in(12))
		n->aligned = 1u << below(6);
	return n;
}

static struct node *make_struct(enum kind kind, unsigned depth)
{
	struct node *n = calloc(1, sizeof(*n));

	n->kind = kind;
	n->uid = ++uids;
	n->packed = one_in(4);
	n->n_kids = 1 + below(MAX_KIDS);
	for (unsigned i = 0; i < n->n_kids; i++)
		n->kids[i] = make_node(depth, false);
	return n;
}

static void free_node(struct node *n)
{
	if (!n)
		return;
	for (unsigned i = 0; i < n->n_kids; i++)
		free_node(n->kids[i]);
	free(n);
}

/* An event: a struct, and sometimes data[] with its length member anywhere before it. */
struct event {
	struct node *st;
	struct node *tail;
	unsigned len_at; /* the length is before this member */
	const char *len_type;
	unsigned len_bits; /* 0: not a bit-field */
	char *babble[RECORDS];
	char *json[RECORDS];
};

static struct event make_event(void)
{
	static const char *const types[] = { "u8", "u16", "u32", "u64" };
	struct event e = { .st = make_struct(STRUCT, 0) };

	if (one_in(3)) {
		e.tail = make_node(1, true);
		e.tail->n_dims = e.tail->n_dims ? 1 : 0;
		e.tail->aligned = e.tail->is_volatile = 0;
		e.len_at = below(e.st->n_kids + 1);
		e.len_type = types[below(4)];
		e.len_bits = one_in(4) ? 3 + below(6) : 0;
	}
	return e;
}

/* ---- C source ---- */

static const char prelude[] =
	"typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32;\n"
	"typedef unsigned long u64; typedef signed char s8; typedef short s16; typedef int s32;\n"
	"typedef long s64; typedef s64 twice_s64; typedef char chars;\n"
	"enum low { LOW_A, LOW_B = 3, LOW_C = 3, LOW_D = 7, LOW_HUGE = 2000000000 };\n"
	"enum neg { NEG_A = -4, NEG_B, NEG_C = 0, NEG_D = 3, NEG_HUGE = -2000000000 };\n"
	"enum __attribute__((packed)) tiny { TINY_A, TINY_B = 200 };\n"
	"union u1 { u8 a[1]; }; union u2 { u16 a; u8 b[2]; }; union u3 { u8 a[3]; };\n"
	"union u4 { u32 a; struct { u16 x, y; } b; }; union u5 { u8 a[5]; u32 b; };\n"
	"union u6 { u16 a[3]; }; union u7 { u8 a[7]; }; union u8_ { u64 a; void *b; };\n"
	"union u9 { u8 a[9]; u64 b; };\n";

/* sizeof of the unions above, by the number in their names. */
static const unsigned union_size[] = { 0, 1, 2, 3, 4, 8, 6, 7, 8, 16 };

static const char *type_name(const struct node *n, char *buf)
{
	static const char *const ints[2][9] = {
		{ [1] = "u8", [2] = "u16", [4] = "u32", [8] = "u64" },
		{ [1] = "s8", [2] = "s16", [4] = "s32", [8] = "twice_s64" },
	};
	static const char *const enums[9] = {
		[1] = "enum low",
		[2] = "enum neg",
		[4] = "enum tiny",
		[8] = "enum neg",
	};

	switch (n->kind) {
	case INT:
	case BITS:
		return ints[n->is_signed][n->size];
	case BOOL:
		return "_Bool";
	case TEXT:
		return n->is_signed ? "char" : "chars";
	case ENUM:
		return enums[n->size];
	case FLOAT:
		return n->size == 4 ? "float" : "double";
	case PTR:
		return n->is_signed ? "void *" : "struct not_known *";
	default:
		sprintf(buf, "union u%u%s", n->size, n->size == 8 ? "_" : "");
		return buf;
	}
}

static void put_members(FILE *out, const struct node *st);

static void put_decl(FILE *out, const struct node *n, const char *name, const char *after)
{
	char buf[32];

	if (n->gap)
		fprintf(out, "%s :0; ", n->size == 8 ? "u64" : "u8");
	if (n->kind < STRUCT) {
		fprintf(out, "%s%s %s", n->is_volatile ? "volatile " : "", type_name(n, buf), name);
	} else {
		fprintf(out, n->kind == ANON ? "struct { " : "struct s%u { ", n->uid);
		put_members(out, n);
		fprintf(out, "} %s%s", n->packed ? "__attribute__((packed)) " : "", name);
	}
	fprintf(out, "%s", after);
	for (unsigned i = 0; i < n->n_dims; i++)
		fprintf(out, "[%u]", n->dims[i]);
	if (n->kind == TEXT && (!*after || n->n_dims)) /* char tail[] has no size */
		fprintf(out, "[%u]", n->size);
	if (n->kind == BITS)
		fprintf(out, " : %u", n->bits);
	if (n->aligned)
		fprintf(out, " __attribute__((aligned(%u)))", n->aligned);
	fprintf(out, ";\n");
}

/* Every second union is anonymous where possible. */
static bool is_anonymous_union(const struct node *n)
{
	return n->kind == UNION && n->uid % 2 && !n->n_dims && !n->is_volatile && !n->aligned;
}

static void put_member(FILE *out, const struct node *n)
{
	char name[32];

	snprintf(name, sizeof(name), n->kind == ANON ? "" : "f%u", n->uid);
	if (is_anonymous_union(n))
		fprintf(out, "union { u8 f%u[%u]; u8 g%u; };\n", n->uid, union_size[n->size],
			n->uid);
	else
		put_decl(out, n, name, "");
}

static void put_members(FILE *out, const struct node *st)
{
	for (unsigned i = 0; i < st->n_kids; i++)
		put_member(out, st->kids[i]);
}

static void put_len(FILE *out, const struct event *e, unsigned at)
{
	if (!e->tail || e->len_at != at)
		return;
	fprintf(out, "%s tail_len", e->len_type);
	if (e->len_bits)
		fprintf(out, " : %u", e->len_bits);
	fprintf(out, ";\n");
}

static void put_event(FILE *out, const struct event *e, unsigned i)
{
	fprintf(out, "struct e%u {\n", i);
	for (unsigned k = 0; k < e->st->n_kids; k++) {
		put_len(out, e, k);
		put_member(out, e->st->kids[k]);
	}
	put_len(out, e, e->st->n_kids);
	if (e->tail)
		put_decl(out, e->tail, "tail", "[]");
	fprintf(out, "}%s;\n", e->st->packed ? " __attribute__((packed))" : "");
}

/* Our names for anonymous unions contain the unions' offsets, which only the compiler knows. */
static void put_offsets(FILE *out, const struct node *st, const char *tag)
{
	char inner[32];

	for (unsigned i = 0; i < st->n_kids; i++) {
		const struct node *n = st->kids[i];

		snprintf(inner, sizeof(inner), "struct s%u", n->uid);
		if (is_anonymous_union(n))
			fprintf(out, "const unsigned off_%u = __builtin_offsetof(%s, f%u);\n",
				n->uid, tag, n->uid);
		put_offsets(out, n, n->kind == ANON ? tag : inner);
	}
}

static void put_tail_offsets(FILE *out, const struct node *tail)
{
	char tag[32];

	snprintf(tag, sizeof(tag), "struct s%u", tail->uid);
	put_offsets(out, tail, tag);
}

/* ---- values: as C statements, as in babeltrace2's output, as in our JSON ---- */

struct sinks {
	FILE *c, *babble, *json;
};

static void both(struct sinks *s, const char *babble, const char *json)
{
	fputs(babble, s->babble);
	fputs(json, s->json);
}

static void put_number(struct sinks *s, const char *lv, uint64_t v, unsigned bits, bool is_signed)
{
	int64_t sv = (int64_t)(v << (64 - bits)) >> (64 - bits);
	uint64_t uv = v << (64 - bits) >> (64 - bits);
	char text[32];

	fprintf(s->c, "%s = %#" PRIx64 "ull;\n", lv, is_signed ? (uint64_t)sv : uv);
	if (is_signed)
		snprintf(text, sizeof(text), "%" PRId64, sv);
	else
		snprintf(text, sizeof(text), "%" PRIu64, uv);
	fputs(text, s->babble);
	if ((is_signed && sv < 0 ? -(uint64_t)sv : uv) > 1ull << 53) /* no double can hold it */
		fprintf(s->json, "\"%s\"", text);
	else
		fputs(text, s->json);
}

static void put_enum(struct sinks *s, const char *lv, const struct node *n)
{
	static const struct {
		int value;
		const char *names, *name;
	} low[] = { { 0, "\"LOW_A\"", "\"LOW_A\"" },
		    { 3, "\"LOW_B\", \"LOW_C\"", "\"LOW_B\"" },
		    { 7, "\"LOW_D\"", "\"LOW_D\"" },
		    { 2000000000, "\"LOW_HUGE\"", "\"LOW_HUGE\"" },
		    { 6, "<unknown>", "6" } },
	  neg[] = { { -4, "\"NEG_A\"", "\"NEG_A\"" },
		    { -3, "\"NEG_B\"", "\"NEG_B\"" },
		    { 0, "\"NEG_C\"", "\"NEG_C\"" },
		    { -2000000000, "\"NEG_HUGE\"", "\"NEG_HUGE\"" },
		    { -2, "<unknown>", "-2" } },
	  tiny[] = { { 0, "\"TINY_A\"", "\"TINY_A\"" },
		     { 200, "\"TINY_B\"", "\"TINY_B\"" },
		     { 200, "\"TINY_B\"", "\"TINY_B\"" },
		     { 0, "\"TINY_A\"", "\"TINY_A\"" },
		     { 0, "\"TINY_A\"", "\"TINY_A\"" } },
	  *pick;

	pick = (n->size == 1 ? low : n->size == 4 ? tiny : neg) + below(5);
	fprintf(s->c, "%s = %d;\n", lv, pick->value);
	fprintf(s->babble, "( %s : container = %d )", pick->names, pick->value);
	fprintf(s->json, "%s", pick->name);
}

/* Never empty: babeltrace2 2.0.4 shows an earlier event's text instead of an empty text (a bug,
 * fixed upstream). test_text.c tests empty texts of our own formatter. */
static void put_text(struct sinks *s, const char *lv, unsigned room)
{
	unsigned len = 1 + below(room);
	char text[32];

	for (unsigned i = 0; i < len; i++)
		do
			text[i] = ' ' + below(95);
		while (strchr("\"\\'?", text[i])); /* each character has its own escape */
	text[len] = 0;
	for (unsigned i = 0; i < len; i++)
		fprintf(s->c, "%s[%u] = %d;\n", lv, i, text[i]);
	if (len < room) /* the bytes behind it stay as they were: garbage */
		fprintf(s->c, "%s[%u] = 0;\n", lv, len);
	fprintf(s->babble, "\"%s\"", text);
	fprintf(s->json, "\"%s\"", text);
}

static void put_union(struct sinks *s, const char *lv, unsigned size)
{
	fprintf(s->babble, "[ ");
	fprintf(s->json, "\"");
	for (unsigned i = 0; i < size; i++) {
		uint8_t v = rnd() >> 40;

		fprintf(s->c, "((volatile u8 *)&%s)[%u] = %u;\n", lv, i, v);
		fprintf(s->babble, "%s[%u] = 0x%X", i ? ", " : "", i, v);
		fprintf(s->json, "%02x", v);
	}
	fprintf(s->babble, " ]");
	fprintf(s->json, "\"");
}

static void put_members_of(struct sinks *s, const struct node *st, const char *lv, bool *more);

static void put_struct(struct sinks *s, const char *lv, const struct node *n)
{
	bool more = false;

	both(s, "{ ", "{");
	put_members_of(s, n, lv, &more);
	both(s, " }", "}");
}

static void put_scalar(struct sinks *s, const struct node *n, const char *lv)
{
	uint64_t v;

	switch (n->kind) {
	case INT:
		put_number(s, lv, any_number(), n->size * 8, n->is_signed);
		break;
	case BITS:
		put_number(s, lv, any_number(), n->bits, n->is_signed);
		break;
	case BOOL:
		v = one_in(2);
		fprintf(s->c, "%s = %d;\n", lv, (int)v);
		both(s, v ? "1" : "0", v ? "true" : "false");
		break;
	case TEXT:
		put_text(s, lv, n->size);
		break;
	case ENUM:
		put_enum(s, lv, n);
		break;
	case FLOAT:
		fprintf(s->c, "%s = %d / 4.0;\n", lv, (int)(v = below(800)) - 400);
		fprintf(s->babble, "%g", ((int)v - 400) / 4.0);
		fprintf(s->json, "%g", ((int)v - 400) / 4.0);
		break;
	case PTR:
		v = any_number();
		fprintf(s->c, "%s = (void *)%#" PRIx64 "ul;\n", lv, v);
		fprintf(s->babble, "0x%" PRIX64, v);
		fprintf(s->json, "\"0x%" PRIx64 "\"", v);
		break;
	case UNION:
		put_union(s, lv, union_size[n->size]);
		break;
	default:
		put_struct(s, lv, n);
	}
}

static void put_dim(struct sinks *s, const struct node *n, const char *lv, unsigned dim)
{
	char path[256];

	if (dim == n->n_dims) {
		put_scalar(s, n, lv);
		return;
	}
	both(s, "[ ", "[");
	for (unsigned i = 0; i < n->dims[dim]; i++) {
		snprintf(path, sizeof(path), "%s[%u]", lv, i);
		both(s, i ? ", " : "", i ? "," : "");
		fprintf(s->babble, "[%u] = ", i);
		put_dim(s, n, path, dim + 1);
	}
	both(s, " ]", "]");
}

static void put_name(struct sinks *s, const char *name, bool *more)
{
	both(s, *more ? ", " : "", *more ? "," : "");
	*more = true;
	fprintf(s->babble, "%s = ", name);
	fprintf(s->json, "\"%s\":", name);
}

static void put_member_of(struct sinks *s, const struct node *n, const char *lv, bool *more)
{
	char path[256], name[32];

	snprintf(path, sizeof(path), "%s.f%u", lv, n->uid);
	if (n->kind == ANON) {
		put_members_of(s, n, lv, more);
		return;
	}
	snprintf(name, sizeof(name), is_anonymous_union(n) ? "union_@%u@" : "f%u", n->uid);
	put_name(s, name, more);
	put_dim(s, n, path, 0);
}

static void put_members_of(struct sinks *s, const struct node *st, const char *lv, bool *more)
{
	for (unsigned i = 0; i < st->n_kids; i++)
		put_member_of(s, st->kids[i], lv, more);
}

static void put_tail(struct sinks *s, const struct event *e, unsigned count, bool *more)
{
	char path[64];

	put_name(s, "tail", more);
	if (e->tail->kind == TEXT && !e->tail->n_dims) { /* char tail[] */
		put_text(s, "(*p).tail", count);
		return;
	}
	both(s, "[ ", "[");
	for (unsigned i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "(*p).tail[%u]", i);
		both(s, i ? ", " : "", i ? "," : "");
		fprintf(s->babble, "[%u] = ", i);
		put_dim(s, e->tail, path, 0);
	}
	both(s, count ? " ]" : "]", "]");
}

static void put_record(FILE *c, struct event *e, unsigned i, unsigned r)
{
	bool text = e->tail && e->tail->kind == TEXT && !e->tail->n_dims;
	unsigned count = text ? 1 + below(6) : below(7);
	size_t size;
	struct sinks s = { .c = c };
	bool more = false;

	s.babble = open_memstream(&e->babble[r], &size);
	s.json = open_memstream(&e->json[r], &size);
	fprintf(c, "unsigned fill_%u_%u(struct e%u *p) {\n", i, r, i);
	both(&s, "{ ", "{");
	for (unsigned k = 0; k <= e->st->n_kids; k++) {
		if (e->tail && k == e->len_at) {
			put_name(&s, "tail_len", &more);
			put_number(&s, "(*p).tail_len", count, 32, false);
		}
		if (k < e->st->n_kids)
			put_member_of(&s, e->st->kids[k], "(*p)", &more);
	}
	if (e->tail)
		put_tail(&s, e, count, &more);
	both(&s, " }", "}");
	if (e->tail)
		fprintf(c, "return (char *)&p->tail[%u] - (char *)p;\n}\n", count);
	else
		fprintf(c, "return sizeof(*p);\n}\n");
	fclose(s.babble);
	fclose(s.json);
}

static void put_sources(struct event *events, unsigned n)
{
	FILE *bpf = fopen(in_scratch("bpf.c"), "we"), *host = fopen(in_scratch("host.c"), "we");
	char tag[32];

	fputs(prelude, bpf);
	fputs(prelude, host);
	for (unsigned i = 0; i < n; i++) {
		put_event(bpf, &events[i], i);
		put_event(host, &events[i], i);
		fprintf(bpf, "struct e%u *v%u;\n", i, i);
		snprintf(tag, sizeof(tag), "struct e%u", i);
		put_offsets(host, events[i].st, tag);
		if (events[i].tail)
			put_tail_offsets(host, events[i].tail);
		for (unsigned r = 0; r < RECORDS; r++)
			put_record(host, &events[i], i, r);
	}
	fclose(bpf);
	fclose(host);
}

/* ---- the run ---- */

static int run(const char *fmt, const char *options)
{
	char command[1024];

	snprintf(command, sizeof(command), fmt, scratch, scratch, options);
	return system(command);
}

/* Fills in the offsets of anonymous unions, which only the compiler knows. */
static char *resolve_offsets(void *lib, const char *text)
{
	char *out = malloc(2 * strlen(text) + 1), *p = out;

	for (; *text; text++) {
		char name[32];
		unsigned uid;
		int n;

		if (*text == '@' && sscanf(text, "@%u@%n", &uid, &n) == 1 && text[-1] == '_') {
			snprintf(name, sizeof(name), "off_%u", uid);
			p += sprintf(p, "%u", *(unsigned *)dlsym(lib, name));
			text += n - 1;
		} else {
			*p++ = *text;
		}
	}
	*p = 0;
	return out;
}

static void expect(const char *what, unsigned i, unsigned r, const char *got, const char *want)
{
	if (strcmp(got, want))
		fail_msg("seed %" PRIu64 ", struct e%u, record %u, %s:\n got %s\nwant %s", seed, i,
			 r, what, got, want);
}

static struct nr_types *add_types(unsigned n)
{
	struct btf *btf = btf__parse_elf(in_scratch("bpf.o"), NULL);
	struct nr_types *types = NULL;
	char name[32];

	assert_non_null(btf);
	assert_int_equal(nr_types_new(&types, hear, NULL), 0);
	for (unsigned i = 0; i < n; i++) {
		int id;

		snprintf(name, sizeof(name), "e%u", i);
		id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
		if (nr_types_add(types, i, name, btf, id))
			fail_msg("seed %" PRIu64 ", struct e%u (type %d): %s", seed, i, id, said);
	}
	btf__free(btf);
	return types;
}

static void write_all(struct writer *w, void *lib, unsigned n, uint8_t *payload)
{
	for (unsigned i = 0; i < n * RECORDS; i++) {
		struct nr_record rec = { .ts = 1000 + i, .id = i / RECORDS, .cpu = 1, .lost = 7 };
		struct nr_event ev = { &rec, payload, 0, 0, rec.ts };
		unsigned (*fill)(void *);
		char name[32];

		if (i % 7 == 6) {
			rec.ts -= 5;
			ev.flags = NR_EVENT_LATE;
		}
		for (unsigned k = 0; k < PAYLOAD / 8; k++)
			((uint64_t *)payload)[k] = rnd();
		snprintf(name, sizeof(name), "fill_%u_%u", i / RECORDS, i % RECORDS);
		*(void **)&fill = dlsym(lib, name);
		assert_non_null(fill);
		ev.size = fill(payload);
		assert_int_equal(writer_append(w, &ev, 1), 0);
		if (one_in(3))
			assert_int_equal(writer_commit(w, ev.ts + 1, 0), 0);
	}
	assert_int_equal(writer_commit(w, 1u << 20, 0), 0);
}

static void check_json(void *lib, const struct event *events, unsigned n)
{
	struct nr_trace_opts opts = { .sz = sizeof(opts), .log = hear };
	struct nr_trace *trace;
	struct nr_event ev;
	char *buf = malloc(PAYLOAD);

	assert_int_equal(nr_trace_open(&trace, in_scratch("trace"), &opts), 0);
	for (unsigned i = 0; i < n * RECORDS; i++) {
		char *want = resolve_offsets(lib, events[i / RECORDS].json[i % RECORDS]);

		assert_int_equal(nr_trace_next(trace, &ev), 1);
		assert_int_equal(ev.rec->id, i / RECORDS);
		assert_int_equal(ev.flags, i % 7 == 6 ? NR_EVENT_LATE : 0);
		nr_types_format(nr_trace_types(trace), &ev, NR_FORMAT_JSON, buf, PAYLOAD);
		expect("json", i / RECORDS, i % RECORDS, buf, want);
		free(want);
	}
	assert_int_equal(nr_trace_next(trace, &ev), 0);
	nr_trace_close(trace);
	free(buf);
}

static void check_babble(void *lib, const struct event *events, unsigned n)
{
	struct babble b = babeltrace(in_scratch("trace"), "--clock-cycles");
	char *line = strtok(b.out, "\n");

	assert_string_equal(b.err, "");
	for (unsigned i = 0; i < n * RECORDS; i++, line = strtok(NULL, "\n")) {
		char *want = resolve_offsets(lib, events[i / RECORDS].babble[i % RECORDS]);
		char *got = line ? strstr(line, "lost = 7 }, ") : NULL, late[32];

		if (!got)
			fail_msg("seed %" PRIu64 ": babeltrace2 shows %u events", seed, i);
		got += strlen("lost = 7 }, ");
		snprintf(late, sizeof(late), "{ late_ts = %u }, ", 1000 + i - 5);
		if (i % 7 == 6) {
			assert_int_equal(strncmp(got, late, strlen(late)), 0);
			got += strlen(late);
		}
		strip_padding(got);
		expect("babeltrace2", i / RECORDS, i % RECORDS, got, want);
		free(want);
	}
	assert_null(line);
	babble_free(&b);
}

static void test_values_come_back(void **state)
{
	unsigned n = seed_env("NR_STRUCTS", 60);
	struct event *events = calloc(n, sizeof(*events));
	struct writer_opts opts = { .start = 0, .log = hear };
	uint8_t *payload = aligned_alloc(64, PAYLOAD);
	struct writer *w = NULL;
	struct nr_types *types;
	void *lib;

	(void)state;
	for (unsigned i = 0; i < n; i++)
		events[i] = make_event();
	put_sources(events, n);
	assert_int_equal(run("clang -target bpf -g -O1 -w -c '%s/bpf.c' -o '%s/bpf.o' %s", ""), 0);
	assert_int_equal(run("clang -shared -fPIC -O0 -w '%s/host.c' -o '%s/host.so' %s", ""), 0);
	lib = dlopen(in_scratch("host.so"), RTLD_NOW);
	if (!lib)
		fail_msg("%s", dlerror());
	types = add_types(n);
	assert_int_equal(writer_open(&w, in_scratch("trace"), types, &opts), 0);
	write_all(w, lib, n, payload);
	assert_int_equal(writer_close(w), 0);
	check_json(lib, events, n);
	check_babble(lib, events, n);

	for (unsigned i = 0; i < n; i++) {
		for (unsigned r = 0; r < RECORDS; r++) {
			free(events[i].babble[r]);
			free(events[i].json[r]);
		}
		free_node(events[i].st);
		free_node(events[i].tail);
	}
	nr_types_free(types);
	dlclose(lib);
	free(events);
	free(payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_values_come_back) };

	if (!have_babeltrace()) {
		printf("babeltrace2 is not installed\n");
		return SKIP;
	}
	if (system("clang -target bpf --version >/dev/null 2>&1")) {
		printf("clang is not installed\n");
		return SKIP;
	}
	seed = chance.state = seed_first("btf_ctf");
	return !!cmocka_run_group_tests_name("btf_ctf", tests, make_scratch, remove_scratch);
}
