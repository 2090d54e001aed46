/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The event types of a trace: one BTF that holds them all, and a table from id to type.
 *
 * Each event type is marked in the BTF by a declaration tag "numaring:ID:NAME" on it, so the raw
 * BTF, which lies in the trace as the file .btf, is all a reader needs.
 */
#ifndef NR_TRACE_TYPES_H
#define NR_TRACE_TYPES_H

#include <bpf/btf.h>
#include <linux/types.h>
#include <numaring/event.h>
#include "layout.h"

/* The upper half of the ids says: a late record of type id & ~NR_LATE_ID (docs/format.md). */
#define NR_LATE_ID 0x8000u

/* Id of the container for a record that does not fit its type: an unknown id, or a payload too
 * short. It keeps the record as it came. */
#define NR_RAW_ID   0x7fffu
#define NR_RAW_NAME "numaring:raw"

/* Head of the container's payload; the payload of the record it keeps follows. */
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
	struct nr_type *by_id; /* [n_ids], name NULL: no such type */
	uint32_t n_ids;
	struct nr_logger log;
};

static inline const struct nr_layout *nr_types_layout(const struct nr_types *types, uint16_t id)
{
	return id < types->n_ids ? types->by_id[id].layout : NULL;
}

int nr_types_new(struct nr_types **out, nr_log_fn log, void *log_ctx);
void nr_types_free(struct nr_types *types);

/*
 * Copies what btf says of the type (a struct, union or typedef of one) into types, compiles its
 * layout and enters it as id under name. -EEXIST: the id is taken, or the name is there with
 * another layout (the same name and layout under a second id is fine); -ENOTSUP: a kind of type
 * that cannot be in an event, said through log; -EINVAL: not a struct, no fields...
 */
int nr_types_add(struct nr_types *types, uint16_t id, const char *name, const struct btf *btf,
		 uint32_t type_id);

/* What nr_types_add would say, -ENOMEM apart; enters nothing. Also warns, so that it is done once
 * for a type, of what the compiler has lost. */
int nr_types_check(const struct nr_types *types, uint16_t id, const char *name,
		   const struct btf *btf, uint32_t type_id);

/* Raw BTF for the file .btf; points into types. */
const void *nr_types_raw(const struct nr_types *types, uint32_t *size);
int nr_types_from_raw(struct nr_types **out, const void *data, uint32_t size, nr_log_fn log,
		      void *log_ctx);

#endif
