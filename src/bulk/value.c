// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "value.h"

static void put_enum(struct nr_pickle *p, uint32_t words, const struct nr_field *f, uint64_t v)
{
	const struct nr_enum_value *known = nr_field_value(f, v);

	if (known)
		nr_pickle_word(p, words + f->word + 1 + (known - f->values), known->name);
	else
		nr_pickle_int(p, v, f->is_signed);
}

/* The shortest decimal number that is the same in 32 bits: 0.1, where all bits give 0.100000001490116. */
static double shortest(float v)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6g", v);
	if (strtof(text, NULL) != v)
		snprintf(text, sizeof(text), "%.9g", v);
	return strtod(text, NULL);
}

static void put_float(struct nr_pickle *p, const struct nr_field *f, const uint8_t *data)
{
	double v;
	float single;

	if (f->bits == 32) {
		memcpy(&single, data, sizeof(single));
		v = isfinite(single) ? shortest(single) : single;
	} else {
		memcpy(&v, data, sizeof(v));
	}
	if (isfinite(v))
		nr_pickle_float(p, v);
	else
		nr_pickle_none(p);
}

static void put_pointer(struct nr_pickle *p, uint64_t v)
{
	char text[20];

	nr_pickle_text(p, text, snprintf(text, sizeof(text), "0x%" PRIx64, v));
}

void nr_value_hex_bytes(struct nr_pickle *p, const uint8_t *data, size_t n)
{
	char *text = malloc(2 * n + 1);

	p->failed |= !text;
	for (size_t i = 0; text && i < n; i++) {
		text[2 * i] = "0123456789abcdef"[data[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[data[i] & 15];
	}
	if (text)
		nr_pickle_text(p, text, 2 * n);
	free(text);
}

static void put_array(struct nr_pickle *p, uint32_t words, const struct nr_layout *layout,
		      const struct nr_field *f, struct nr_part s)
{
	uint32_t n = nr_field_count(layout, f, s);

	s.base += f->off / 8;
	nr_pickle_open_list(p);
	for (uint32_t i = 0; i < n; i++, s.base += f->stride / 8)
		nr_value(p, words, layout, f->kids, s);
	nr_pickle_close_list(p);
}

void nr_value_fields(struct nr_pickle *p, uint32_t words, const struct nr_layout *layout,
		     const struct nr_field *st, struct nr_part s)
{
	nr_pickle_open_dict(p);
	for (unsigned i = 0; i < st->n_kids; i++) {
		const struct nr_field *f = &st->kids[i];

		if (!nr_field_is_present(layout, f, s))
			continue;
		nr_pickle_word(p, words + f->word, f->name);
		nr_value(p, words, layout, f, s);
	}
	nr_pickle_close_dict(p);
}

void nr_value(struct nr_pickle *p, uint32_t words, const struct nr_layout *layout,
	      const struct nr_field *f, struct nr_part s)
{
	const uint8_t *data = s.base + f->off / 8;
	size_t n;

	switch (f->kind) {
	case NR_UINT:
	case NR_INT:
		nr_pickle_int(p, nr_field_load(f, s.base), f->is_signed);
		break;
	case NR_BOOL:
		nr_pickle_bool(p, nr_field_load(f, s.base));
		break;
	case NR_ENUM:
		put_enum(p, words, f, nr_field_load(f, s.base));
		break;
	case NR_FLOAT:
		put_float(p, f, data);
		break;
	case NR_PTR:
		put_pointer(p, nr_field_load(f, s.base));
		break;
	case NR_TEXT:
		n = f->tail ? nr_field_count(layout, f, s) : f->count;
		nr_pickle_text(p, data, strnlen((const char *)data, n));
		break;
	case NR_BYTES:
		nr_value_hex_bytes(p, data, f->count);
		break;
	case NR_STRUCT:
		s.base = data;
		nr_value_fields(p, words, layout, f, s);
		break;
	case NR_ARRAY:
		put_array(p, words, layout, f, s);
		break;
	}
}
