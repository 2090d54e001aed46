/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names for enums whose values are known only at run time: numbers of system calls and of errors,
 * and what the running kernel has (bpf/names.h). An object's fields of these types get their names
 * before its events are registered, so everything that prints or reads the fields knows them.
 */
#ifndef NR_ENUMS_H
#define NR_ENUMS_H

#include <bpf/btf.h>

/* Copies btf, and gives the enums in the copy their values. *out: the copy; NULL: btf has none of
 * these enums. Returns 0, or -ENOMEM or another negative errno. */
int nr_enums_name(struct btf **out, const struct btf *btf);

#endif
