/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts records that do not fit their type. A payload longer than its type is cut to it. A shorter
 * payload, and one with an unknown id, is kept as raw bytes (docs/format.md).
 *
 * Any thread may count and read. A record that fits costs no atomic operation.
 */
#ifndef NR_TRACE_MISFITS_H
#define NR_TRACE_MISFITS_H

#include "base/counter.h"
#include "types.h"

struct nr_misfit {
	_Atomic(uint64_t) longer;
	_Atomic(uint64_t) shorter; /* or no type has the id */
};

struct nr_misfits {
	const struct nr_types *types;
	struct nr_misfit *by_id; /* [types->n_ids + 1], the last for unknown ids */
};

/* types must not grow afterwards. -ENOMEM. */
int nr_misfits_init(struct nr_misfits *m, const struct nr_types *types);
void nr_misfits_destroy(struct nr_misfits *m);

/* Counts a record whose size is not nr_layout_size(). Takes NULL. */
void nr_misfits_note(struct nr_misfits *m, const struct nr_event *ev);

/* The bytes that the payload of ev must have; UINT64_MAX if its id is unknown. Counts a misfit. */
static inline uint64_t nr_misfits_size(struct nr_misfits *m, const struct nr_types *types,
				       const struct nr_event *ev)
{
	const struct nr_layout *layout = nr_types_layout(types, ev->rec->id);
	uint64_t size = layout ? nr_layout_size(layout, ev->data, ev->size) : UINT64_MAX;

	if (__builtin_expect(size != ev->size, 0))
		nr_misfits_note(m, ev);
	return size;
}

#endif
