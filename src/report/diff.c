// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "diff.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "feed.h"
#include "memory.h"
#include "rows.h"

#define NR_IDS	   65536
#define TEXT_CHARS 24
#define MIN_SLICE  1000000 /* ns */

/* Something to compare. Numbers say which of the type's fields it is; 0: none. */
static const struct measure {
	const char *kind, *prefix;
	bool only_rate;
	unsigned plus;	     /* is added to field 0, the duration */
	unsigned text, name; /* what tells the rows apart: a text, and an enum */
	struct feed_type type;
} measures[] = {
	{ "offcpu", "", .text = 1, .type = { "sched_switch", "sched", { "off_ns", "next_comm" } } },
	{ "runq", "", .text = 1, .type = { "sched_switch", "sched", { "wait_ns", "next_comm" } } },
	{ "syscalls", "", .name = 1, .type = { "sys_exit", "syscalls", { "duration_ns", "nr" } } },
	{ "irq", "hardirq ", .text = 1, .type = { "hardirq", "irq", { "duration_ns", "name" } } },
	{ "irq", "softirq ", .name = 1, .type = { "softirq", "irq", { "duration_ns", "vector" } } },
	{ "io", "", .plus = 1, .text = 2, .name = 3,
	  .type = { "block_complete", "block", { "latency_ns", "queue_ns", "device", "op" } } },
	{ "net", "receive ", true, .text = 1,
	  .type = { "net_receive", "net", { "len", "interface" } } },
	{ "net", "transmit ", true, .text = 1,
	  .type = { "net_transmit", "net", { "len", "interface" } } },
	{ "net", "drop ", true, .text = 1, .name = 2,
	  .type = { "net_drop", "net", { "len", "interface", "reason" } } },
	{ "faults", "fault ", true, .text = 1,
	  .type = { "page_fault", "memory", { "tid", "comm" } } },
	{ "faults", "reclaim ", .text = 1,
	  .type = { "memory_reclaim", "memory", { "duration_ns", "comm" } } },
	{ "faults", "compaction ", .text = 1,
	  .type = { "memory_compact", "memory", { "duration_ns", "comm" } } },
};

#define NR_MEASURES (sizeof(measures) / sizeof(measures[0]))

/* A measure of an event type. */
struct bound {
	struct bound *next; /* of the same id */
	const struct measure *measure;
	struct feed_field fields[FEED_FIELDS_MAX];
};

/* A row of one trace. Values of enums differ between kernels, so traces are joined by name. */
struct side_row {
	struct side_key {
		uint64_t measure;
		int64_t value;
		char text[TEXT_CHARS];
	} key;
	const char *name;
	struct diff_part part;
	uint64_t slice, in_slice; /* the latest with events, and their number so far */
};

struct diff_side {
	const struct nr_types *types;
	uint64_t begin, length, slices;
	struct bound **by_id; /* [NR_IDS] */
	bool has[NR_MEASURES];
	struct rows rows;
	uint64_t lost;
	uint32_t lost_by_cpu[NR_IDS];
	bool seen[NR_IDS];
};

/* ---- kinds ---- */

bool diff_knows(const char *kind)
{
	for (unsigned m = 0; m < NR_MEASURES; m++)
		if (!strcmp(measures[m].kind, kind))
			return true;
	return false;
}

/* Adds a kind to a list with commas, unless it is the last one there. */
static void list_kind(char *list, size_t size, const char *kind)
{
	size_t len = strlen(list), part = strlen(kind);

	if (len < part || strcmp(list + len - part, kind))
		snprintf(list + len, size - len, "%s%s", len ? ", " : "", kind);
}

const char *diff_kinds(void)
{
	static char list[128];

	*list = 0;
	for (unsigned m = 0; m < NR_MEASURES; m++)
		list_kind(list, sizeof(list), measures[m].kind);
	return list;
}

/* ---- the two traces ---- */

struct binding {
	struct diff_side *side;
	unsigned measure;
};

static int bind_type(void *ctx, uint16_t id, const char *name)
{
	const struct binding *to = ctx;
	const struct measure *m = &measures[to->measure];
	const char *missing;
	struct bound *b;

	if (strcmp(name, m->type.name))
		return 0;
	b = memory_new(1, sizeof(*b));
	if (feed_bind(b->fields, &m->type, to->side->types, id, &missing)) {
		free(b);
		return 0;
	}
	b->measure = m;
	b->next = to->side->by_id[id];
	to->side->by_id[id] = b;
	to->side->has[to->measure] = true;
	return 0;
}

static struct diff_side *open_side(const struct diff_trace *t, const char *kind)
{
	struct diff_side *side = memory_new(1, sizeof(*side));

	side->types = t->types;
	side->begin = t->begin;
	side->length = t->end > t->begin ? t->end - t->begin : 1;
	side->by_id = memory_new(NR_IDS, sizeof(*side->by_id));
	side->rows = (struct rows){ .size = sizeof(struct side_row),
				    .key_size = sizeof(struct side_key) };
	for (unsigned m = 0; m < NR_MEASURES; m++) {
		struct binding to = { side, m };

		if (!kind || !strcmp(kind, measures[m].kind))
			nr_types_each(t->types, bind_type, &to);
	}
	return side;
}

static void clear_row(void *p)
{
	struct side_row *row = p;

	hist_clear(&row->part.took);
	hist_clear(&row->part.counts);
}

static void close_side(struct diff_side *side)
{
	for (unsigned id = 0; id < NR_IDS; id++) {
		while (side->by_id[id]) {
			struct bound *b = side->by_id[id];

			side->by_id[id] = b->next;
			free(b);
		}
	}
	free(side->by_id);
	rows_close(&side->rows, clear_row);
	free(side);
}

int diff_open(struct diff *d, const struct diff_trace traces[2], const char *kind)
{
	uint64_t shorter;
	bool any = false;

	*d = (struct diff){};
	for (unsigned i = 0; i < 2; i++)
		d->sides[i] = open_side(&traces[i], kind);
	shorter = d->sides[0]->length < d->sides[1]->length ? d->sides[0]->length
							    : d->sides[1]->length;
	d->slice = shorter / DIFF_SLICES > MIN_SLICE ? shorter / DIFF_SLICES : MIN_SLICE;
	for (unsigned i = 0; i < 2; i++)
		d->sides[i]->slices = d->sides[i]->length / d->slice;
	for (unsigned m = 0; m < NR_MEASURES; m++) {
		any |= d->sides[0]->has[m] && d->sides[1]->has[m];
		if (d->sides[0]->has[m] != d->sides[1]->has[m])
			list_kind(d->skipped, sizeof(d->skipped), measures[m].kind);
	}
	if (any)
		return 0;
	diff_close(d);
	return -ENOENT;
}

void diff_close(struct diff *d)
{
	for (unsigned i = 0; i < 2; i++) {
		close_side(d->sides[i]);
		hist_clear(&d->none[i].counts);
	}
	rows_close(&d->rows, NULL);
}

/* ---- events ---- */

static void count_losses(struct diff_side *side, const struct nr_event *ev)
{
	uint16_t cpu = ev->rec->cpu;
	int32_t more = ev->rec->lost - side->lost_by_cpu[cpu];

	if (more > 0 || !side->seen[cpu])
		side->lost_by_cpu[cpu] = ev->rec->lost;
	if (more > 0 && side->seen[cpu]) /* a count that steps back is no loss */
		side->lost += more;
	side->seen[cpu] = true;
}

static void count_in_slice(struct diff_side *side, struct side_row *row, uint64_t slice)
{
	if (slice >= side->slices)
		return;
	if (row->in_slice && slice != row->slice) {
		hist_add(&row->part.counts, row->in_slice);
		row->in_slice = 0;
	}
	row->slice = slice;
	row->in_slice++;
}

static void add(struct diff_side *side, uint64_t slice, const struct bound *b,
		const struct nr_event *ev)
{
	const struct measure *m = b->measure;
	const struct feed_event e = { .ev = ev, .fields = b->fields };
	struct side_key key = { .measure = m - measures };
	uint64_t ns = feed_int(&e, 0) + (m->plus ? feed_int(&e, m->plus) : 0);
	struct side_row *row;

	if (!feed_int(&e, 0) && !m->only_rate) /* the begin was not seen */
		return;
	if (m->text)
		feed_text(&e, m->text, key.text, sizeof(key.text));
	key.value = m->name ? feed_int(&e, m->name) : 0;
	row = rows_get(&side->rows, &key);
	if (!row->part.n++ && m->name)
		row->name = feed_name(&e, m->name);
	if (!m->only_rate)
		hist_add(&row->part.took, ns);
	count_in_slice(side, row, slice);
}

void diff_event(struct diff *d, unsigned i, const struct nr_event *ev, bool passes)
{
	struct diff_side *side = d->sides[i];
	uint64_t slice = ev->ts > side->begin ? (ev->ts - side->begin) / d->slice : 0;

	count_losses(side, ev);
	if (!passes)
		return;
	for (const struct bound *b = side->by_id[ev->rec->id]; b; b = b->next)
		if (d->sides[!i]->has[b->measure - measures])
			add(side, slice, b, ev);
}

/* ---- rows of both traces ---- */

/* The slices without an event have 0. */
static void end_counts(const struct diff_side *side, struct diff_part *part, uint64_t in_slice)
{
	if (in_slice)
		hist_add(&part->counts, in_slice);
	while (part->counts.n < side->slices)
		hist_add(&part->counts, 0);
	part->per_second = part->n * 1e9 / side->length;
}

static void name_row(struct diff_key *key, const struct side_row *row)
{
	const struct measure *m = &measures[row->key.measure];
	char number[24] = "";

	if (m->name && !row->name)
		snprintf(number, sizeof(number), "%" PRId64, row->key.value);
	snprintf(key->name, sizeof(key->name), "%s%s%s%s%s", m->prefix, row->key.text,
		 m->name && *row->key.text ? " " : "", row->name ?: "", number);
}

/* Too many names share a row; they are not compared. */
static void join(struct diff *d, unsigned i)
{
	struct diff_side *side = d->sides[i];

	for (unsigned r = 0; r < side->rows.n; r++) {
		struct side_row *row = side->rows.list[r];
		struct diff_key key = { .measure = row->key.measure };
		struct diff_row *to;

		if (row == side->rows.shared)
			continue;
		end_counts(side, &row->part, row->in_slice);
		name_row(&key, row);
		to = rows_get(&d->rows, &key);
		if (!to->kind) {
			to->kind = measures[key.measure].kind;
			to->has_took = !measures[key.measure].only_rate;
			to->a = &d->none[0];
			to->b = &d->none[1];
		}
		*(i ? &to->b : &to->a) = &row->part;
	}
}

static bool is_apart(double ratio, double least)
{
	return ratio >= least || ratio <= 1 / least;
}

/* Divides as the ratio of rates; of nothing and something, it is infinite. */
static double ratio(double a, double b)
{
	return a > 0 ? b / a : b > 0 ? INFINITY : 1;
}

/* Compares all rows, and adjusts all p-values together. */
static void compare_rows(struct diff *d)
{
	double **p = memory_new(3 * d->rows.n, sizeof(*p));

	for (unsigned i = 0; i < d->rows.n; i++) {
		struct diff_row *r = d->rows.list[i];

		r->took = compare(&r->a->took, &r->b->took);
		r->rate = compare(&r->a->counts, &r->b->counts);
		if (r->a->took.n >= COMPARE_MIN && r->b->took.n >= COMPARE_MIN) {
			p[d->tests++] = &r->took.p;
			p[d->tests++] = &r->took.tail_p;
		}
		if (r->a->counts.n >= COMPARE_MIN && r->b->counts.n >= COMPARE_MIN)
			p[d->tests++] = &r->rate.p;
	}
	compare_adjust(p, d->tests);
	free(p);
}

static void judge(struct diff *d, struct diff_row *r)
{
	bool few = r->a->took.n < COMPARE_MIN || r->b->took.n < COMPARE_MIN;

	r->took_changed = r->took.p < DIFF_P && is_apart(r->took.ratio, DIFF_RATIO);
	r->tail_changed = r->took.tail_p < DIFF_P &&
			  is_apart(ratio(r->took.tail_a, r->took.tail_b), DIFF_TAIL);
	r->rate_changed = r->rate.p < DIFF_P &&
			  is_apart(ratio(r->a->per_second, r->b->per_second), DIFF_RATE);
	d->n_took += r->has_took;
	d->few += r->has_took && few;
	d->took += r->took_changed;
	d->tails += r->tail_changed;
	d->rates += r->rate_changed;
}

static uint64_t change_rank(const void *row)
{
	const struct diff_row *r = row;

	return 1e9 * (r->took_changed ? 2 + fabs(r->took.delta) : fabs(r->rate.delta));
}

void diff_compare(struct diff *d)
{
	d->rows = (struct rows){ .size = sizeof(struct diff_row),
				 .key_size = sizeof(struct diff_key) };
	for (unsigned i = 0; i < 2; i++) {
		end_counts(d->sides[i], &d->none[i], 0);
		join(d, i);
		d->lost[i] = d->sides[i]->lost;
	}
	compare_rows(d);
	for (unsigned i = 0; i < d->rows.n; i++)
		judge(d, d->rows.list[i]);
	rows_sort(&d->rows, change_rank);
}
