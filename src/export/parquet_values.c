// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include "parquet_values.h"

static void add_number(struct parquet_values *v, uint64_t number)
{
	bytes_add(&v->numbers, &number, sizeof(number));
	v->n++;
}

static void add_level(struct parquet_values *v, uint32_t def, uint32_t rep)
{
	bytes_add(&v->def, &def, sizeof(def));
	bytes_add(&v->rep, &rep, sizeof(rep));
	v->n_levels++;
}

/* ---- text ---- */

/* The bytes of the UTF-8 character at p; 0 if it is none. */
static size_t utf8_length(const uint8_t *p, size_t n)
{
	/* The least second byte of characters that would have a shorter form, and the most of
	 * surrogates and of those above U+10FFFF. */
	uint8_t least = *p == 0xe0 ? 0xa0 : *p == 0xf0 ? 0x90 : 0x80;
	uint8_t most = *p == 0xed ? 0x9f : *p == 0xf4 ? 0x8f : 0xbf;
	size_t len = *p < 0x80	 ? 1
		     : *p < 0xc2 ? 0
		     : *p < 0xe0 ? 2
		     : *p < 0xf0 ? 3
		     : *p < 0xf5 ? 4
				 : 0;

	if (len > n || (len > 1 && (p[1] < least || p[1] > most)))
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

static size_t valid_length(const uint8_t *p, size_t n)
{
	size_t done = 0;

	for (size_t len; done < n; done += len) {
		len = utf8_length(p + done, n - done);
		if (!len)
			break;
	}
	return done;
}

void parquet_add_utf8(struct bytes *out, const char *text, size_t len)
{
	const uint8_t *p = (const uint8_t *)text;

	while (len) {
		size_t valid = valid_length(p, len);
		char escape[8];

		bytes_add(out, p, valid);
		p += valid;
		len -= valid;
		if (!len)
			break;
		bytes_add(out, escape, sprintf(escape, "\\x%02x", *p++));
		len--;
	}
}

static void end_text(struct parquet_values *v)
{
	add_number(v, v->text.len);
}

static void add_json(struct parquet_values *v, const struct nr_event *ev,
		     const struct nr_field_info *f)
{
	int len = nr_event_format(ev, f, NR_FORMAT_JSON, NULL, 0);
	char *to = len < 0 ? NULL : (char *)bytes_room(&v->text, (size_t)len + 1);

	if (!to) {
		v->text.failed = true;
		return;
	}
	nr_event_format(ev, f, NR_FORMAT_JSON, to, (size_t)len + 1);
	bytes_took(&v->text, len);
	end_text(v);
}

/* ---- fields ---- */

/* Is all of the field in the payload? */
static bool is_present(const struct nr_event *ev, const struct nr_field_info *f)
{
	uint64_t bits = f->kind == NR_FIELD_TEXT || f->kind == NR_FIELD_ARRAY
				? (uint64_t)f->bits * f->count
				: f->bits;

	return f->bit_offset + bits <= 8 * (uint64_t)ev->size;
}

static uint64_t read_real(const struct nr_event *ev, const struct nr_field_info *f)
{
	uint64_t v = 0;

	memcpy(&v, (const char *)ev->data + f->bit_offset / 8, f->bits / 8);
	return v;
}

static void add_field(struct parquet_values *v, const struct parquet_column *col,
		      const struct nr_event *ev)
{
	const struct nr_field_info *f = &col->field;
	const char *text;
	size_t len;

	switch (col->source) {
	case PARQUET_REAL:
		add_number(v, read_real(ev, f));
		break;
	case PARQUET_TEXT:
		text = nr_event_text(ev, f, &len);
		parquet_add_utf8(&v->text, text, len);
		end_text(v);
		break;
	case PARQUET_RAW:
		text = nr_event_array(ev, f, &len);
		bytes_add(&v->text, text, len);
		end_text(v);
		break;
	case PARQUET_JSON:
		add_json(v, ev, f);
		break;
	default:
		add_number(v, nr_event_int(ev, f));
	}
}

/* An array without any of its elements is null, as the record is too short for it. A tail may be
 * empty. */
static void add_list(struct parquet_values *v, const struct parquet_column *col,
		     const struct nr_event *ev)
{
	size_t stride = col->list.bits / 8, count;
	bool null = col->list.bit_offset / 8 > ev->size;

	nr_event_array(ev, &col->list, &count);
	if (!count) {
		add_level(v, null || (!col->list.is_tail && col->list.count) ? 0 : 1, 0);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct nr_event element = *ev;

		element.data = (const char *)ev->data + i * stride;
		element.size -= i * stride;
		add_level(v, 2, i > 0);
		add_field(v, col, &element);
	}
}

static void add_value(struct parquet_values *v, const struct parquet_column *col,
		      const struct nr_event *ev)
{
	if (col->in_list) {
		add_list(v, col, ev);
		return;
	}
	add_level(v, is_present(ev, &col->field), 0);
	if (is_present(ev, &col->field))
		add_field(v, col, ev);
}

static void add(struct parquet_values *v, const struct parquet_column *col,
		const struct nr_event *ev, int64_t clock_offset)
{
	bool late = ev->flags & NR_EVENT_LATE;

	switch (col->source) {
	case PARQUET_TIME:
		add_number(v, ev->ts + (uint64_t)clock_offset);
		break;
	case PARQUET_CPU:
		add_number(v, ev->rec->cpu);
		break;
	case PARQUET_LOST:
		add_number(v, ev->rec->lost);
		break;
	case PARQUET_LATE:
		add_level(v, late, 0);
		if (late)
			add_number(v, ev->rec->ts);
		break;
	case PARQUET_ID:
		add_number(v, ev->rec->id);
		break;
	case PARQUET_DATA:
		bytes_add(&v->text, ev->data, ev->size);
		end_text(v);
		break;
	default:
		add_value(v, col, ev);
	}
}

int parquet_values_read(struct parquet_values *v, const struct parquet_column *col,
			const struct rows *rows, int64_t clock_offset)
{
	const struct row *row = rows_first(rows);

	v->numbers.len = v->text.len = v->def.len = v->rep.len = v->n = v->n_levels = 0;
	for (size_t i = 0; i < rows->n; i++, row = row_next(row)) {
		const struct nr_event ev = row_event(row);

		add(v, col, &ev, clock_offset);
	}
	if (!col->max_def)
		v->n_levels = rows->n;
	return v->numbers.failed || v->text.failed || v->def.failed || v->rep.failed ? -ENOMEM : 0;
}

void parquet_values_free(struct parquet_values *v)
{
	bytes_free(&v->numbers);
	bytes_free(&v->text);
	bytes_free(&v->def);
	bytes_free(&v->rep);
}
