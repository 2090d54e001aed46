/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flags that programs give bpf_get_stackid. */
#ifndef NR_STACK_FLAGS_H
#define NR_STACK_FLAGS_H

#include <bpf/libbpf.h>

/* Each call in the program passes flags that are constant and let an id stand for one stack only. */
bool nr_stack_flags_are_safe(const struct bpf_insn *insns, size_t n);
/* The name of a program of the loaded object that has other calls; NULL: there is none. */
const char *nr_stack_flags_unsafe(const struct bpf_object *obj);

#endif
