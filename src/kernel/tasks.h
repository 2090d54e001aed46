/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What built-in sources need to know of the host's tasks before they are loaded. */
#ifndef NR_KERNEL_TASKS_H
#define NR_KERNEL_TASKS_H

#include "object.h"

/* Sizes the array in which an object remembers threads (bpf/slots.h), if it has one. */
int nr_tasks_size_slots(struct nr_object *o);

/* Tells an object that asks for it (bpf/context.h) where a CPU has its preempt count. Where the
 * kernel's BTF does not tell, the object does without. */
int nr_tasks_find_context(struct nr_object *o);

#endif
