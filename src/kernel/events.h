/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads the BTF of an object: the events it declares, and where its constants are. The object may
 * be damaged or hostile. libbpf has parsed its BTF; nothing else about it is trusted.
 */
#ifndef NR_EVENTS_H
#define NR_EVENTS_H

#include "base/log.h"
#include "types/types.h"

/* Each object has this many event ids of its own. NR_EVENT takes numbers below it. */
#define NR_OBJECT_IDS 256

/* Adds the object's events to types: all of them, or none on failure. object is the name for
 * messages; btf is NULL if the object has none. */
int nr_events_register(const char *object, const struct btf *btf, uint16_t id_base,
		       struct nr_types *types, const struct nr_logger *log);

/* Finds a constant in the object's read-only data. NULL: there is none of this name. */
const struct btf_var_secinfo *nr_constant_find(const struct btf *btf, const char *name);

#endif
