/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a source remembers of each thread: an array with a slot for each thread number, which is
 * never locked and never grows. The collector sizes it from kernel.pid_max before the object is
 * loaded (src/kernel/slots.c). Above NR_SLOTS threads share slots: the last one to write owns it,
 * and of the others nothing is known.
 */
#ifndef NR_SLOTS_H
#define NR_SLOTS_H

#include "numaring.bpf.h"

#define NR_SLOTS (1u << 18)

/* Declares the array of a source: struct TYPE begins with __u32 tid, the owner. 64 bytes, aligned
 * by BPF_F_MMAPABLE, keep CPUs from writing to one cache line. */
#define NR_SLOTS_OF(TYPE)                                                                          \
	_Static_assert(sizeof(struct TYPE) == 64, "a cache line");                                 \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(map_flags, BPF_F_MMAPABLE);                                                 \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, struct TYPE);                                                        \
	} nr_slots SEC(".maps")

/* The slot for a thread; NULL: it has none. The caller compares the owner. */
#define nr_slot_for(tid)                                                                           \
	({                                                                                         \
		__u32 nr_key_ = (tid) & (NR_SLOTS - 1);                                            \
                                                                                                   \
		bpf_map_lookup_elem(&nr_slots, &nr_key_);                                          \
	})

#endif
