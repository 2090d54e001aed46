/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many records do not fit their type: a payload that is longer is cut to it, one that is
 * shorter is kept as raw bytes, as is one whose id no type has (docs/format.md).
 *
 * Any thread counts and reads; a record that fits costs no atomic operation.
 */
#ifndef NR_TRACE_MISFITS_H
#define NR_TRACE_MISFITS_H

#include "base/counter.h"
#include "types.h"

struct nr_misfit {
	_Atomic(uint64_t) longer;
	_Atomic(uint64_t) shorter; /* than the type, or there is no such type */
};

struct nr_misfits {
	const struct nr_types *types;
	struct nr_misfit *by_id; /* [types->n_ids + 1], the last for ids that no type has */
};

/* types gets no more types. -ENOMEM. */
int nr_misfits_init(struct nr_misfits *m, const struct nr_types *types);
void nr_misfits_destroy(struct nr_misfits *m);

/* A record whose payload has another size than nr_layout_size says. Takes NULL. */
void nr_misfits_note(struct nr_misfits *m, const struct nr_event *ev);

/* Bytes that the payload of ev has to have; UINT64_MAX if there is no telling. Counts a misfit. */
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
