/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One value of each event, as an array of numbers or as a list of values. */
#ifndef NR_BULK_COLUMN_H
#define NR_BULK_COLUMN_H

#include <numaring/bulk.h>
#include "pickle.h"
#include "types/types.h"

struct nr_source {
	const struct nr_types *types;
	const struct nr_layout *layout; /* of the events' type; NULL: they may have any */
	int64_t clock_offset;
};

struct nr_bulk_column {
	struct nr_column about; /* kind NR_FIELD_ARRAY: in the pickle, else in data */
	/* Puts the column's value of an event. */
	void (*put)(struct nr_bulk_column *c, const struct nr_source *from,
		    const struct nr_event *ev);
	const struct nr_field *field; /* NULL: of the event itself */
	uint32_t base;		      /* bytes from the payload to the struct around the field */
	struct nr_pickle pickle;
	uint8_t *data;
	size_t size, cap;
	bool failed; /* no memory */
};

/* Finds the column of this name. 0; -ENOENT, after a message; -ENOMEM. Takes a zeroed struct. */
int nr_bulk_column_init(struct nr_bulk_column *c, const struct nr_source *from, const char *name,
			const struct nr_logger *log);
void nr_bulk_column_free(struct nr_bulk_column *c);
void nr_bulk_column_begin(struct nr_bulk_column *c);
/* 0 or -ENOMEM. */
int nr_bulk_column_end(struct nr_bulk_column *c);

#endif
