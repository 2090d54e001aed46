/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The content of an object's own maps as text, by their BTF. */
#ifndef NR_SHOW_MAP_H
#define NR_SHOW_MAP_H

#include <stdio.h>
#include "object.h"

/* Prints a map of the object, or the variables of a section such as ".bss". out NULL: only looks
 * whether there is such a map. shared: maps that are not the object's own. -ENOENT: there is no such
 * map; -EOPNOTSUPP: it cannot be shown; -EINVAL: it is not loaded; logged. */
int nr_show_map(const struct nr_object *o, const struct nr_maps *shared, const char *name,
		FILE *out, const struct nr_logger *log);

#endif
