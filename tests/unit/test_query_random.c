// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Property: an expression matches the events that a slow evaluator says, and the tests for BPF programs
 * let exactly these pass (NR_TESTS_ALL), or at least these (NR_TESTS_SOME).
 *
 * The test draws an expression as a tree, writes it as text for the library, and evaluates the tree itself
 * with the public functions that read fields. NR_SEED=N repeats a run, NR_ROUNDS=N sets the number of
 * expressions.
 */
#include "query_help.h"

#include "query/tests.h"
#include "seed.h"

#define EVENTS 60
#define NODES  40
#define ITEMS  4

__extension__ typedef __int128 wide;

static struct seed seed;
static struct nr_types *all;

static const uint32_t node_of_cpu[] = { 0, 0, 1, 1, 0, 0, UINT32_MAX, 1 }; /* as query_new */

/* ---- names ---- */

/* What an expression can name. An element of an array: at byte in element index of path. */
static const struct name {
	const char *text, *path;
	bool is_element, is_signed;
	unsigned index, byte, bits;
} names[] = {
	{ .text = "pid" },
	{ .text = "tid" },
	{ .text = "comm" },
	{ .text = "cpu" },
	{ .text = "node" },
	{ .text = "type" },
	{ .text = "prev_pid" },
	{ .text = "sched_switch.prev_pid" },
	{ .text = "prev_comm" },
	{ .text = "sched_switch.next_comm" },
	{ .text = "kprobe:do_exit.pid" },
	{ .text = "kprobe:do_exit.comm" },
	{ .text = "\"kprobe:do_exit\".current_comm" },
	{ .text = "prev_state" },
	{ .text = "preempt" },
	{ .text = "off_ns" },
	{ .text = "ret" },
	{ .text = "nr" },
	{ .text = "duration_ns" },
	{ .text = "sys_exit.comm" },
	{ .text = "target_cpu" },
	{ .text = "x" },
	{ .text = "point.y" },
	{ .text = "\"odd-name\".y" },
	{ .text = "u8" },
	{ .text = "i8" },
	{ .text = "u16" },
	{ .text = "i16" },
	{ .text = "u32" },
	{ .text = "i32" },
	{ .text = "u64" },
	{ .text = "kinds.i64" },
	{ .text = "flag" },
	{ .text = "text" },
	{ .text = "color" },
	{ .text = "big" },
	{ .text = "f" },
	{ .text = "d" },
	{ .text = "ptr" },
	{ .text = "b3" },
	{ .text = "b5" },
	{ .text = "b24" },
	{ .text = "p.x" },
	{ .text = "kinds.p.y" },
	{ .text = "when" },
	{ .text = "a.tail.data_len" },
	{ .text = "value" },
	{ "args[2]", "args", true, false, 2, 0, 64 },
	{ "sys_exit.args[5]", "sys_exit.args", true, false, 5, 0, 64 },
	{ "ps[1].x", "ps", true, false, 1, 0, 32 },
	{ "ps[0].y", "ps", true, true, 0, 4, 16 },
	{ "m[1][2]", "m", true, true, 1, 4, 16 },
	{ "u[3]", "u", true, false, 3, 0, 8 },
	{ "data[0]", "data", true, false, 0, 0, 16 },
	{ "data[1]", "a.tail.data", true, false, 1, 0, 16 },
};

#define N_NAMES (sizeof(names) / sizeof(*names))

/* Finds a path, maybe with the name of a type in front, in a type. */
static bool find(uint16_t id, const char *path, struct nr_field_info *info)
{
	const char *name = nr_types_name(all, id);
	size_t len = name ? strlen(name) : 0;

	info->sz = sizeof(*info);
	if (!name)
		return false;
	if (*path == '"')
		return !strncmp(path + 1, name, len) && path[len + 1] == '"' &&
		       !nr_types_field(all, id, path + len + 3, info);
	if (!strncmp(path, name, len) && path[len] == '.')
		return !nr_types_field(all, id, path + len + 1, info);
	return !nr_types_field(all, id, path, info);
}

static int find_any(uint16_t id, const char *const *paths, struct nr_field_info *infos)
{
	int n = 0;

	for (; *paths; paths++)
		n += find(id, *paths, &infos[n]);
	return n;
}

#define FIND(...) find_any(id, (const char *const[]){ __VA_ARGS__, NULL }, infos)

/* The fields that a name means, at most 3. */
static int find_fields(uint16_t id, const struct name *name, struct nr_field_info *infos)
{
	if (!strcmp(name->text, "pid"))
		return FIND("current_pid") ?: FIND("tgid", "prev_tgid", "next_tgid") ?: FIND("pid")
				     ?: FIND("prev_pid", "next_pid");
	if (!strcmp(name->text, "tid"))
		return FIND("current_tid") ?: FIND("tid")
				     ?: FIND("tgid", "prev_tgid", "next_tgid")
					       ? FIND("pid", "prev_pid", "next_pid")
					       : 0;
	if (!strcmp(name->text, "comm"))
		return FIND("current_comm") ?: FIND("comm") ?: FIND("prev_comm", "next_comm");
	return find(id, name->path ?: name->text, infos);
}

/* ---- drawing an expression ---- */

struct item {
	wide low, high;
	double real;
	char text[40]; /* a constant in quotes, with glob and escapes */
	char written[100];
};

struct tree {
	enum { AND, OR, NOT, TERM } kind;
	struct tree *kids[3];
	unsigned n_kids;
	const struct name *name;
	enum { SET, EQ, NE, LT, LE, GT, GE, IN, NOT_IN } op;
	bool is_text, is_real;
	unsigned n_items;
	struct item items[ITEMS];
};

static struct tree trees[NODES];
static unsigned n_trees;

/* A value from those that events have. */
static wide draw_value(void)
{
	static const int64_t values[] = { 0,	     1,		 2,	    3,	      5,
					  7,	     -1,	 -2,	    -128,     127,
					  128,	     255,	 1000,	    4096,     257,
					  -32768,    65535,	 1048576,   20000000, INT32_MIN,
					  INT32_MAX, UINT32_MAX, INT64_MIN, INT64_MAX };
	unsigned i = seed_below(&seed, sizeof(values) / sizeof(*values) + 2);

	if (i == sizeof(values) / sizeof(*values))
		return UINT64_MAX;
	if (i > sizeof(values) / sizeof(*values))
		return (int64_t)seed_next(&seed) >> seed_below(&seed, 60);
	return values[i];
}

static const char *const texts[] = { "sh",	    "bash", "postgres", "sixteen_letters!",
				     "post-it",	    "a*b",  "[x]",	"",
				     "postgres: w", "p",    "\"q\"",	"\\" };

#define N_TEXTS (sizeof(texts) / sizeof(*texts))

static void quote(char *out, const char *text, unsigned mode)
{
	size_t n = strlen(text), at = n ? seed_below(&seed, n) : 0;
	char *p = out;

	for (size_t i = 0; i < n; i++) {
		if (mode == 1 && i == at)
			break; /* a prefix */
		if (mode == 2 && i == at) {
			*p++ = "?*"[seed_below(&seed, 2)];
			continue;
		}
		if (mode == 3 && i == at && text[i] != ']' && text[i] != '\\' && text[i] != '"') {
			p += sprintf(p, seed_once_in(&seed, 2) ? "[%c-z]" : "[!%c]", text[i]);
			continue;
		}
		if (strchr("*?[\\\"", text[i]))
			*p++ = '\\';
		*p++ = text[i];
	}
	if (mode == 1 || (mode == 2 && seed_once_in(&seed, 2)))
		*p++ = '*';
	*p = 0;
}

static void write_number(char *out, size_t size, wide v)
{
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;

	if (u && u % (1 << 20) == 0 && seed_once_in(&seed, 2))
		snprintf(out, size, "%s%lluM", v < 0 ? "-" : "", (unsigned long long)u >> 20);
	else if (u && u % 1000000 == 0 && seed_once_in(&seed, 2))
		snprintf(out, size, "%s%llu.0ms", v < 0 ? "-" : "",
			 (unsigned long long)u / 1000000);
	else
		snprintf(out, size, seed_once_in(&seed, 4) ? "%s0x%llx" : "%s%llu",
			 v < 0 ? "-" : "", (unsigned long long)u);
}

static void draw_text(struct tree *t, struct item *item)
{
	const char *text = texts[seed_below(&seed, N_TEXTS)];
	char name[32];

	if (!strcmp(t->name->text, "type")) {
		static const uint16_t ids[] = { ID_SWITCH, ID_EXIT, ID_KINDS, ID_ODD, ID_TAIL };

		snprintf(name, sizeof(name), "%s", nr_types_name(all, ids[seed_below(&seed, 5)]));
		text = name;
	}
	quote(item->text, text, seed_below(&seed, 4));
	strcpy(stpcpy(stpcpy(item->written, "\""), item->text), "\"");
}

static void draw_enum(const struct nr_field_info *info, struct item *item)
{
	uint64_t v = info->bits == 64 ? (seed_once_in(&seed, 2) ? 1 : UINT64_MAX)
				      : (uint64_t)(int64_t)draw_value();
	const char *name = nr_field_enum_name(info, v);

	item->low = item->high = info->kind == NR_FIELD_INT ? (wide)(int64_t)v : (wide)v;
	if (name)
		snprintf(item->written, sizeof(item->written), "%s", name);
	else
		write_number(item->written, sizeof(item->written), item->low);
}

static void draw_integer(struct tree *t, struct item *item)
{
	char low[48], high[48];

	item->low = draw_value();
	item->high = t->op >= IN && seed_once_in(&seed, 3) ? draw_value() : item->low;
	if (item->low > item->high) {
		wide swap = item->low;

		item->low = item->high;
		item->high = swap;
	}
	write_number(low, sizeof(low), item->low);
	write_number(high, sizeof(high), item->high);
	if (item->low != item->high || (t->op >= IN && seed_once_in(&seed, 5)))
		snprintf(item->written, sizeof(item->written), "%s-%s", low, high);
	else
		snprintf(item->written, sizeof(item->written), "%s", low);
}

static void draw_item(struct tree *t, const struct nr_field_info *info, struct item *item)
{
	if (t->is_text) {
		draw_text(t, item);
	} else if (t->is_real) {
		item->real = ((int)seed_below(&seed, 9) - 4) * 0.5;
		snprintf(item->written, sizeof(item->written), "%.1f", item->real);
	} else if (info && info->is_bool) {
		item->low = item->high = seed_below(&seed, 2);
		snprintf(item->written, sizeof(item->written), "%s",
			 item->low		  ? "true"
			 : seed_once_in(&seed, 2) ? "0"
						  : "false");
	} else if (info && info->is_enum && seed_once_in(&seed, 2)) {
		draw_enum(info, item);
	} else {
		draw_integer(t, item);
	}
}

/* A field that the name means in some type; false: none, as for `cpu`. */
static bool typical(const struct name *name, struct nr_field_info *info)
{
	struct nr_field_info infos[3];

	for (uint16_t id = 1; id <= ID_ODD; id++)
		if (find_fields(id, name, infos)) {
			*info = infos[0];
			return true;
		}
	return !name->path && (find(ID_TAIL, name->text, info) || find(ID_BYTE, name->text, info));
}

static void draw_term(struct tree *t)
{
	struct nr_field_info info;
	bool found;

	t->kind = TERM;
	t->name = &names[seed_below(&seed, N_NAMES)];
	found = typical(t->name, &info) && !t->name->is_element;
	t->is_text = (found && info.kind == NR_FIELD_TEXT) || !strcmp(t->name->text, "type");
	t->is_real = found && info.kind == NR_FIELD_FLOAT;
	t->op = seed_below(&seed, NOT_IN + 1);
	if (t->is_text)
		t->op = (int[]){ EQ, NE, IN, NOT_IN }[seed_below(&seed, 4)];
	else if (found && info.is_bool)
		t->op = (int[]){ SET, EQ, NE, IN }[seed_below(&seed, 4)];
	t->n_items = t->op == SET ? 0 : t->op < IN ? 1 : 1 + seed_below(&seed, ITEMS);
	for (unsigned i = 0; i < t->n_items; i++)
		draw_item(t, found ? &info : NULL, &t->items[i]);
}

static struct tree *draw(unsigned depth)
{
	struct tree *t = &trees[n_trees++];

	*t = (struct tree){ 0 };
	if (!depth || n_trees > NODES - 5 || seed_once_in(&seed, 3)) {
		draw_term(t);
		return t;
	}
	t->kind = seed_below(&seed, 3);
	t->n_kids = t->kind == NOT ? 1 : 2 + seed_below(&seed, 2);
	for (unsigned i = 0; i < t->n_kids; i++)
		t->kids[i] = draw(depth - 1);
	return t;
}

static void write_term(FILE *out, const struct tree *t)
{
	static const char *const ops[] = { "", "==", "!=", "<", "<=", ">", ">=", "in", "!in" };
	const char *space = t->op < IN && seed_once_in(&seed, 4) ? "" : " ";
	bool brackets = t->n_items > 1 || (t->op >= IN && seed_once_in(&seed, 2));

	fprintf(out, "%s%s%s%s%s", t->name->text, space, ops[t->op], space, brackets ? "[" : "");
	for (unsigned i = 0; i < t->n_items; i++)
		fprintf(out, "%s%s", i ? ", " : "", t->items[i].written);
	fprintf(out, "%s", brackets ? "]" : "");
}

static void write_tree(FILE *out, const struct tree *t)
{
	if (t->kind == TERM) {
		write_term(out, t);
		return;
	}
	fprintf(out, t->kind == NOT ? "!(" : "(");
	for (unsigned i = 0; i < t->n_kids; i++) {
		fprintf(out, "%s", !i ? "" : t->kind == AND ? " && " : "||");
		write_tree(out, t->kids[i]);
	}
	fprintf(out, ")");
}

static char *text_of(const struct tree *t)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	write_tree(out, t);
	fclose(out);
	return text;
}

/* ---- the slow evaluator ---- */

static bool glob(const char *p, const char *s, size_t n)
{
	bool inverted, found = false;

	if (!*p)
		return !n;
	if (*p == '*')
		return glob(p + 1, s, n) || (n && glob(p, s + 1, n - 1));
	if (!n)
		return false;
	if (*p == '?')
		return glob(p + 1, s + 1, n - 1);
	if (*p == '[') { /* [a-z] or [!a], as quote writes them */
		inverted = p[1] == '!';
		p += 1 + inverted;
		for (; *p != ']'; p++) {
			unsigned char low = *p, high = p[1] == '-' ? p[2] : *p;

			found |= low <= (unsigned char)*s && (unsigned char)*s <= high;
			p += p[1] == '-' ? 2 : 0;
		}
		return found != inverted && glob(p + 1, s + 1, n - 1);
	}
	p += *p == '\\';
	return *p == *s && glob(p + 1, s + 1, n - 1);
}

static bool has_text(const struct tree *t, const char *s, size_t n)
{
	for (unsigned i = 0; i < t->n_items; i++)
		if (glob(t->items[i].text, s, n))
			return true;
	return false;
}

/* Does the comparison hold, apart from a negation? */
static bool has_integer(const struct tree *t, wide v)
{
	const struct item *item = t->items;

	switch (t->op) {
	case SET:
		return v != 0;
	case LT:
		return v < item->low;
	case LE:
		return v <= item->low;
	case GT:
		return v > item->low;
	case GE:
		return v >= item->low;
	default:
		for (unsigned i = 0; i < t->n_items; i++)
			if (t->items[i].low <= v && v <= t->items[i].high)
				return true;
		return false;
	}
}

static bool has_real(const struct tree *t, double v)
{
	double c = t->items[0].real;

	switch (t->op) {
	case SET:
		return v < 0 || v > 0;
	case LT:
		return v < c;
	case LE:
		return v <= c;
	case GT:
		return v > c;
	case GE:
		return v >= c;
	default:
		for (unsigned i = 0; i < t->n_items; i++)
			if (v == t->items[i].real)
				return true;
		return false;
	}
}

static bool has_element(const struct tree *t, const struct nr_event *ev,
			const struct nr_field_info *info)
{
	const struct name *name = t->name;
	size_t count;
	const uint8_t *p = nr_event_array(ev, info, &count);
	uint64_t v = 0;

	if (name->index >= count)
		return false;
	memcpy(&v, p + name->index * (info->bits / 8) + name->byte, name->bits / 8);
	if (name->is_signed)
		return has_integer(t, (int64_t)(v << (64 - name->bits)) >> (64 - name->bits));
	return has_integer(t, v);
}

static bool has_field(const struct tree *t, const struct nr_event *ev,
		      const struct nr_field_info *info)
{
	const char *data = (const char *)ev->data + info->bit_offset / 8;
	size_t len;
	float f;
	double d;

	if (t->name->is_element)
		return has_element(t, ev, info);
	if (t->is_text) {
		data = nr_event_text(ev, info, &len);
		return has_text(t, data, len);
	}
	if (t->is_real) {
		memcpy(&f, data, 4);
		memcpy(&d, data, 8);
		return has_real(t, info->bits == 32 ? f : d);
	}
	if (info->is_bool)
		return has_integer(t, nr_event_int(ev, info) != 0);
	if (info->kind == NR_FIELD_INT)
		return has_integer(t, (int64_t)nr_event_int(ev, info));
	return has_integer(t, nr_event_int(ev, info));
}

/* ev->size is that of its type, or less. */
static bool term_holds(const struct tree *t, const struct nr_event *ev, bool is_short)
{
	const char *type = nr_types_name(all, ev->rec->id);
	struct nr_field_info infos[3];
	bool negative = t->op == NE || t->op == NOT_IN, any = false;
	int n;

	if (is_short)
		type = NULL;
	if (!strcmp(t->name->text, "cpu"))
		return has_integer(t, ev->rec->cpu) != negative;
	if (!strcmp(t->name->text, "node"))
		return (ev->rec->cpu < 8 && node_of_cpu[ev->rec->cpu] != UINT32_MAX &&
			has_integer(t, node_of_cpu[ev->rec->cpu])) != negative;
	if (!strcmp(t->name->text, "type")) {
		type = type ?: "numaring:raw";
		return has_text(t, type, strlen(type)) != negative;
	}
	n = type ? find_fields(ev->rec->id, t->name, infos) : 0;
	for (int i = 0; i < n; i++)
		any |= has_field(t, ev, &infos[i]);
	return n && any != negative;
}

static bool holds(const struct tree *t, const struct nr_event *ev, bool is_short)
{
	unsigned n = 0;

	if (t->kind == TERM)
		return term_holds(t, ev, is_short);
	for (unsigned i = 0; i < t->n_kids; i++)
		n += holds(t->kids[i], ev, is_short);
	return t->kind == NOT ? !n : t->kind == AND ? n == t->n_kids : n > 0;
}

/* ---- events ---- */

static struct drawn {
	struct nr_record rec;
	struct nr_event ev;
	bool is_short;
	uint64_t data[40];
} events[EVENTS];

static const struct {
	uint16_t id;
	uint32_t size;
} kinds[] = {
	{ ID_SWITCH, sizeof(struct on_switch) },
	{ ID_WAKEUP, sizeof(struct on_wakeup) },
	{ ID_EXIT, sizeof(struct on_exit) },
	{ ID_PROBE, sizeof(struct on_probe) },
	{ ID_KINDS, sizeof(struct kinds) },
	{ ID_POINT, sizeof(struct point) },
	{ ID_ODD, sizeof(struct point) },
	{ ID_TAIL, offsetof(struct tail, data) },
	{ ID_BYTE, 1 },
	{ 999, 16 },
};

#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

static void fill_field(uint8_t *data, const struct nr_field_info *f)
{
	uint8_t *p = data + f->bit_offset / 8;
	const char *text = texts[seed_below(&seed, N_TEXTS)];
	wide v = draw_value();
	double d = ((int)seed_below(&seed, 9) - 4) * 0.5;
	float narrow = d;

	if (f->kind == NR_FIELD_TEXT && strlen(text) < f->count)
		memcpy(p, text, strlen(text) + 1);
	else if (f->kind == NR_FIELD_TEXT)
		memcpy(p, text, f->count);
	else if (f->kind == NR_FIELD_FLOAT)
		memcpy(p, f->bits == 32 ? (void *)&narrow : (void *)&d, f->bits / 8);
	else if (f->is_bool)
		*p = seed_below(&seed, 2);
	else if (f->bits % 8 == 0 && f->bit_offset % 8 == 0 && f->bits <= 64 &&
		 (f->kind == NR_FIELD_INT || f->kind == NR_FIELD_UINT))
		memcpy(p, &v, f->bits / 8);
}

static void draw_event(struct drawn *e)
{
	unsigned kind = seed_below(&seed, N_KINDS);
	struct nr_field_info f = { .sz = sizeof(f) };
	uint8_t *data = (uint8_t *)e->data;
	uint32_t size = kinds[kind].size;

	for (unsigned i = 0; i < 40; i++)
		e->data[i] = seed_once_in(&seed, 2) ? (uint64_t)draw_value() : seed_next(&seed);
	e->rec = (struct nr_record){ .id = kinds[kind].id, .cpu = seed_below(&seed, 10) };
	for (unsigned i = 0; !nr_types_field_at(all, e->rec.id, NULL, i, &f); i++)
		fill_field(data, &f);
	e->is_short = seed_once_in(&seed, 15) && e->rec.id != 999;
	if (e->is_short)
		size = seed_below(&seed, size);
	else if (e->rec.id == ID_TAIL) {
		data[offsetof(struct tail, data_len)] = seed_below(&seed, 4);
		data[offsetof(struct tail, data_len) + 1] = 0;
		size += seed_below(&seed, 8);
	}
	e->ev = (struct nr_event){ &e->rec, e->data, size, 0, 1 };
}

/* ---- the tests for BPF programs ---- */

static uint64_t value_of(const struct nr_test *t, const uint8_t *data, unsigned cpu)
{
	uint64_t v = 0;

	if (t->what == NR_TEST_CPU)
		return cpu;
	memcpy(&v, data + t->offset, t->size);
	return t->bias ? (uint64_t)((int64_t)(v << (64 - 8 * t->size)) >> (64 - 8 * t->size)) : v;
}

/* As nr_passes in bpf/numaring.bpf.h. */
static bool passes(const struct nr_test *tests, const struct drawn *e)
{
	unsigned at = 0;

	if (!tests[0].what)
		return true;
	while (at < NR_FILTER_TESTS) {
		const struct nr_test *t = &tests[at];
		uint64_t v = value_of(t, (const uint8_t *)e->data, e->rec.cpu) & t->mask;

		v += t->bias ? 1ull << 63 : 0;
		at = v >= t->low && v <= t->high ? t->yes : t->no;
	}
	return at == NR_TEST_ACCEPT;
}

/* What BPF programs and their verifier rely on. */
static void check_tests(const struct nr_test *tests, uint32_t size)
{
	unsigned n = 0;

	while (n < NR_FILTER_TESTS && tests[n].what)
		n++;
	for (unsigned i = 0; i < NR_FILTER_TESTS; i++) {
		const struct nr_test *t = &tests[i];

		if (i >= n) {
			assert_int_equal(t->what, NR_TEST_NONE);
			continue;
		}
		assert_true(t->yes >= NR_TEST_REJECT || (t->yes > i && t->yes < n));
		assert_true(t->no >= NR_TEST_REJECT || (t->no > i && t->no < n));
		if (t->what != NR_TEST_FIELD)
			continue;
		assert_true(t->size == 1 || t->size == 2 || t->size == 4 || t->size == 8);
		assert_int_equal(t->offset % t->size, 0);
		assert_true(t->offset + t->size <= size);
	}
}

static unsigned n_parts[3];

static void check_kind(const struct nr_query *query, unsigned kind, const char *text)
{
	struct nr_test tests[NR_FILTER_TESTS];
	uint16_t id = kinds[kind].id;
	enum nr_tests_part part = nr_query_tests(query, id, tests);
	bool is_false = nr_query_is_false(query, id);

	n_parts[part]++;
	check_tests(tests, kinds[kind].size);
	assert_true(part != NR_TESTS_NONE || !tests[0].what);
	for (unsigned i = 0; i < EVENTS; i++) {
		const struct drawn *e = &events[i];
		bool matches, passed;

		if (e->rec.id != id || e->is_short)
			continue;
		matches = nr_query_matches(query, &e->ev);
		passed = passes(tests, e);
		if ((matches && !passed) || (part == NR_TESTS_ALL && passed && !matches) ||
		    (is_false && matches))
			fail_msg("%s: event %u of %s %s, but its tests (%d) %s", text, i,
				 nr_types_name(all, id), matches ? "matches" : "does not match",
				 part, passed ? "let it pass" : "reject it");
	}
}

static void check_expression(const struct tree *t, const char *text, const struct nr_query *query)
{
	for (unsigned i = 0; i < EVENTS; i++) {
		const struct drawn *e = &events[i];
		bool want = holds(t, &e->ev, e->is_short);

		if (nr_query_matches(query, &e->ev) != want)
			fail_msg("%s: event %u of %s, %u bytes: is %s", text, i,
				 nr_types_name(all, e->rec.id) ?: "no type", e->ev.size,
				 want ? "no match" : "a match");
	}
	for (unsigned kind = 0; kind < N_KINDS - 1; kind++)
		check_kind(query, kind, text);
}

static void test_random(void **state)
{
	unsigned rounds = seed_env("NR_ROUNDS", 3000), refused = 0;

	(void)state;
	seed.state = seed_first("query");
	all = make_query_types();
	for (unsigned i = 0; i < rounds; i++) {
		struct nr_query *query;
		struct tree *t;
		char *text;

		if (i % 100 == 0)
			for (unsigned j = 0; j < EVENTS; j++)
				draw_event(&events[j]);
		n_trees = 0;
		t = draw(3);
		text = text_of(t);
		query = query_new(all, text);
		if (query)
			check_expression(t, text, query);
		else if (!strstr(query_said, "never true") && !strstr(query_said, "no event") &&
			 !strstr(query_said, "such a node"))
			fail_msg("%s: %s", text, query_said);
		refused += !query;
		nr_query_free(query);
		free(text);
	}
	print_message("%u of %u expressions match nothing; tests: %u all, %u some, %u none\n",
		      refused, rounds, n_parts[NR_TESTS_ALL], n_parts[NR_TESTS_SOME],
		      n_parts[NR_TESTS_NONE]);
	assert_true(refused < rounds / 2);
	for (unsigned i = 0; i < 3; i++)
		assert_true(n_parts[i] > rounds / 50);
	nr_types_free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, make_query_btf, free_btf);
}
