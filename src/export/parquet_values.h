/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The values of one column in a row group, with their levels: what is null, and where lists begin. */
#ifndef NR_PARQUET_VALUES_H
#define NR_PARQUET_VALUES_H

#include "parquet_columns.h"
#include "rows.h"

struct parquet_values {
	/* [n] uint64_t, those that are not null: integers, the bits of floats, numbers of enums; of
	 * texts and bytes, where each ends in `text`. */
	struct bytes numbers;
	size_t n;
	struct bytes text;
	/* [n_levels] uint32_t */
	struct bytes def, rep;
	size_t n_levels;
};

/* Replaces what the struct holds. Returns 0 or -ENOMEM. clock_offset: for PARQUET_TIME. */
int parquet_values_read(struct parquet_values *v, const struct parquet_column *col,
			const struct rows *rows, int64_t clock_offset);
void parquet_values_free(struct parquet_values *v);

static inline const uint64_t *parquet_numbers(const struct parquet_values *v)
{
	return (const uint64_t *)v->numbers.at;
}

/* Value i of texts or bytes. */
static inline const uint8_t *parquet_text(const struct parquet_values *v, size_t i, size_t *len)
{
	const uint64_t *ends = parquet_numbers(v);
	uint64_t begin = i ? ends[i - 1] : 0;

	*len = ends[i] - begin;
	return v->text.at + begin;
}

/* Adds text as UTF-8. Bytes that are not are escaped, as "\xff". */
void parquet_add_utf8(struct bytes *out, const char *text, size_t len);

#endif
