/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whole events as dicts that have the members of JSON lines. */
#ifndef NR_BULK_EVENT_H
#define NR_BULK_EVENT_H

#include "pickle.h"
#include "types/types.h"

struct nr_events {
	const struct nr_types *types;
	int64_t clock_offset;
	uint32_t *words; /* [types->n_ids]: of a type, its name; those of its layout follow */
	struct nr_pickle pickle;
};

/* 0 or -ENOMEM; takes a zeroed struct. */
int nr_events_init(struct nr_events *e, const struct nr_types *types, int64_t clock_offset);
void nr_events_free(struct nr_events *e);
void nr_events_add(struct nr_events *e, const struct nr_event *ev);

#endif
