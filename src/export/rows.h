/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copies of events, one after another, until there are enough for a row group. */
#ifndef NR_EXPORT_ROWS_H
#define NR_EXPORT_ROWS_H

#include <numaring/event.h>
#include "bytes.h"

struct row {
	struct nr_record rec;
	uint64_t ts;
	uint32_t size, flags;
	uint64_t data[];
};

struct rows {
	struct bytes bytes;
	size_t n;
};

static inline size_t row_size(uint32_t payload)
{
	return sizeof(struct row) + ((payload + 7) & ~(size_t)7);
}

/* Returns 0 or -ENOMEM. */
int rows_add(struct rows *rows, const struct nr_event *ev);
/* Gives a large buffer back, so that tables that had many rows once keep no memory. */
void rows_clear(struct rows *rows);

/* The event of a row. */
static inline struct nr_event row_event(const struct row *row)
{
	return (struct nr_event){ .rec = &row->rec,
				  .data = row->data,
				  .size = row->size,
				  .flags = row->flags,
				  .ts = row->ts };
}

static inline const struct row *rows_first(const struct rows *rows)
{
	return (const struct row *)rows->bytes.at;
}

static inline const struct row *row_next(const struct row *row)
{
	return (const struct row *)((const char *)row + row_size(row->size));
}

#endif
