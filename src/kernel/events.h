/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is read from the BTF of an object: the events it declares, and where its constants are. The
 * object may be damaged or hostile: nothing in its BTF is trusted but that libbpf took it.
 */
#ifndef NR_EVENTS_H
#define NR_EVENTS_H

#include "base/log.h"
#include "types/types.h"

/* Ids an object has for its own: NR_EVENT's numbers are below. */
#define NR_OBJECT_IDS 256

/* Enters the events into types: all of them, or none. object: its name, for messages; btf NULL: it
 * has none. */
int nr_events_enter(const char *object, const struct btf *btf, uint16_t id_base,
		    struct nr_types *types, const struct nr_logger *log);

/* Place of a constant in the object's read-only data; NULL: it has none of this name. */
const struct btf_var_secinfo *nr_constant_find(const struct btf *btf, const char *name);

#endif
