/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads the stacks of stack ids from the maps of objects. An id keeps its stack while a program records,
 * unless the flags of bpf_get_stackid allow something else. */
#ifndef NR_STACK_MAPS_H
#define NR_STACK_MAPS_H

#include "names/names.h"
#include "object.h"

struct nr_stack_maps;

/* Do events have stack ids of maps of these objects? Before they are loaded, too. */
bool nr_stack_maps_are_in(const struct nr_object *objects, unsigned n,
			  const struct nr_types *types);
/* objects: loaded ones, [n]. The names ask it for stacks from now on. 0 or a negative errno, which is
 * logged. */
int nr_stack_maps_new(struct nr_stack_maps **out, const struct nr_object *objects, unsigned n,
		      const struct nr_types *types, struct nr_names *names,
		      const struct nr_logger *log);
void nr_stack_maps_free(struct nr_stack_maps *m); /* takes NULL */

#endif
