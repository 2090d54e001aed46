/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The types of a map's keys and values, and operations on values. */
#ifndef NR_MAP_TYPES_H
#define NR_MAP_TYPES_H

#include <bpf/libbpf.h>
#include <stdio.h>
#include "types/types.h"

enum nr_map_part { NR_MAP_KEY, NR_MAP_VALUE };

/* A key or a value is the only member of its struct; the variables of a section are several. */
struct nr_types *nr_map_types_new(const struct btf *btf, const struct bpf_map *map);
/* The key or the value, or the first variable. */
const struct nr_field *nr_map_field(const struct nr_types *types, enum nr_map_part part);

bool nr_map_is_number(const struct nr_field *f);
/* Can values be added? */
bool nr_map_can_sum(const struct nr_field *f);
/* Adds each number of from to that of to. */
void nr_map_sum(const struct nr_field *f, uint32_t off, uint8_t *to, const uint8_t *from);
/* Prints member i of a key's or value's struct, without its name. */
void nr_map_print(FILE *out, const struct nr_types *types, enum nr_map_part part, unsigned i,
		  const void *data, size_t size);

/* The log2 histogram in a value: an array of numbers that is called slots, or slots_UNIT. NULL:
 * there is none. off: bits before it. */
const struct nr_field *nr_map_slots(const struct nr_field *value, uint32_t *off);
/* The unit in the name of slots; NULL: the name is not one of slots; "": it has no unit. */
const char *nr_map_slots_unit(const char *name);

#endif
