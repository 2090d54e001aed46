// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include "field.h"

uint64_t nr_extend(uint64_t v, unsigned bits, bool is_signed)
{
	unsigned shift = 64 - bits;

	return is_signed ? (uint64_t)((int64_t)(v << shift) >> shift) : v << shift >> shift;
}

/* Loads a bit-field from the bytes that it touches, nine at most. */
static uint64_t load_bits(const uint8_t *p, unsigned shift, unsigned bits)
{
	unsigned n = (shift + bits + 7) / 8;
	unsigned __int128 v = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	for (unsigned i = n; i--;)
		v = v << 8 | p[i];
	return v >> shift;
#else
	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v >> (n * 8 - shift - bits);
#endif
}

uint64_t nr_field_load(const struct nr_field *f, const uint8_t *base)
{
	const uint8_t *p = base + f->off / 8;
	uint64_t v;

	if (f->off % 8 == 0 && f->bits == 64) {
		memcpy(&v, p, 8);
		return v;
	}
	if (f->off % 8 == 0 && f->bits == 8)
		return f->is_signed ? (uint64_t)(int8_t)*p : *p;
	if (f->off % 8 == 0 && f->bits == 32) {
		uint32_t v32;

		memcpy(&v32, p, 4);
		return f->is_signed ? (uint64_t)(int32_t)v32 : v32;
	}
	if (f->off % 8 == 0 && f->bits == 16) {
		uint16_t v16;

		memcpy(&v16, p, 2);
		return f->is_signed ? (uint64_t)(int16_t)v16 : v16;
	}
	v = load_bits(p, f->off % 8, f->bits);
	return nr_extend(v, f->bits, f->is_signed);
}

void nr_field_store(const struct nr_field *f, uint8_t *base, uint64_t v)
{
	for (unsigned i = 0; i < f->bits; i++) {
		unsigned bit = f->off + i;
		uint8_t mask = 1u << bit % 8;

		base[bit / 8] = (base[bit / 8] & ~mask) | (v >> i & 1 ? mask : 0);
	}
}

const struct nr_enum_value *nr_field_value(const struct nr_field *f, uint64_t v)
{
	unsigned lo = 0, hi = f->n_values;

	while (lo < hi) { /* the first value that is not less than v */
		unsigned mid = (lo + hi) / 2;
		uint64_t m = f->values[mid].value;

		if (f->is_signed ? (int64_t)m < (int64_t)v : m < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < f->n_values && f->values[lo].value == v ? &f->values[lo] : NULL;
}

uint32_t nr_field_count(const struct nr_layout *layout, const struct nr_field *f, struct nr_part s)
{
	const uint8_t *p = s.base + f->off / 8;
	uint64_t present = p < s.end ? (uint64_t)(s.end - p) / (f->stride / 8) : 0;
	uint64_t count = f->tail ? nr_layout_tail_count(layout, s.base) : f->count;

	return count < present ? count : present;
}

bool nr_field_is_present(const struct nr_layout *layout, const struct nr_field *f, struct nr_part s)
{
	const struct nr_field *len = layout->len;

	if (f->tail)
		return s.base + (len->off + len->bits + 7) / 8 <= s.end;
	if (f->kind == NR_ARRAY)
		return nr_field_count(layout, f, s);
	if (f->kind == NR_STRUCT)
		return nr_field_is_present(layout, f->kids,
					   (struct nr_part){ s.base + f->off / 8, s.end });
	return s.base + (f->off + f->bits + 7) / 8 <= s.end;
}
