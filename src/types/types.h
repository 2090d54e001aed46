/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The event types of a trace: one BTF with all of them, and a table from id to type.
 *
 * In the BTF, each event type has a declaration tag "numaring:ID:NAME". So a reader needs only the
 * raw BTF, which is the file .btf in the trace.
 */
#ifndef NR_TRACE_TYPES_H
#define NR_TRACE_TYPES_H

#include <bpf/btf.h>
#include <linux/types.h>
#include <numaring/event.h>
#include "layout.h"

/* An id with this bit marks a late record of type id & ~NR_LATE_ID (docs/format.md). */
#define NR_LATE_ID 0x8000u

/* Id of the container for a record with an unknown id or too short a payload. The container keeps
 * the record unchanged. */
#define NR_RAW_ID   0x7fffu
#define NR_RAW_NAME "numaring:raw"

/* Head of the container's payload. The record's payload follows. */
struct nr_raw {
	__u16 id;
	__u16 reserved;
	__u32 data_len;
};

struct nr_type {
	char *name;
	struct nr_layout *layout;
};

struct nr_types {
	struct btf *btf;
	struct nr_type *by_id; /* [n_ids]; name NULL: no type has this id */
	uint32_t n_ids;
	struct nr_logger log;
};

static inline const struct nr_layout *nr_types_layout(const struct nr_types *types, uint16_t id)
{
	return id < types->n_ids ? types->by_id[id].layout : NULL;
}

int nr_types_new(struct nr_types **out, nr_log_fn log, void *log_ctx);

/*
 * Copies a type (a struct, union or typedef of one) from btf to types, compiles its layout and adds
 * it with the id and name. -EEXIST: the id is taken, or the name is already defined with a
 * different layout (the same layout may have two ids); -ENOTSUP: an event cannot hold such a type;
 * -EINVAL: not a struct, an invalid name or id... Errors are logged.
 */
int nr_types_add(struct nr_types *types, uint16_t id, const char *name, const struct btf *btf,
		 uint32_t type_id);

/* Returns what nr_types_add would, except -ENOMEM of the copy, and adds nothing. It also warns of
 * values that the compiler has cut; nr_types_add does not, so each type is warned of once. */
int nr_types_check(const struct nr_types *types, uint16_t id, const char *name,
		   const struct btf *btf, uint32_t type_id);

/* The raw BTF for the file .btf. It points into types. */
const void *nr_types_raw(const struct nr_types *types, uint32_t *size);
int nr_types_from_raw(struct nr_types **out, const void *data, uint32_t size, nr_log_fn log,
		      void *log_ctx);

#endif
