// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "misfits.h"

int nr_misfits_init(struct nr_misfits *m, const struct nr_types *types)
{
	m->types = types;
	m->by_id = calloc(types->n_ids + 1, sizeof(*m->by_id));
	return m->by_id ? 0 : -ENOMEM;
}

void nr_misfits_destroy(struct nr_misfits *m)
{
	free(m->by_id);
	m->by_id = NULL;
}

void nr_misfits_note(struct nr_misfits *m, const struct nr_event *ev)
{
	uint32_t id = ev->rec->id;
	const struct nr_layout *layout;
	struct nr_misfit *counts;

	if (!m)
		return;
	layout = nr_types_layout(m->types, id);
	counts = &m->by_id[layout ? id : m->types->n_ids];
	if (!layout || nr_layout_size(layout, ev->data, ev->size) > ev->size)
		atomic_fetch_add_explicit(&counts->shorter, 1, memory_order_relaxed);
	else if (ev->size > layout->root.bits / 8) /* a tail may begin in the struct's padding */
		atomic_fetch_add_explicit(&counts->longer, 1, memory_order_relaxed);
}
