/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The enumerators of the kernel, from its BTF, which is read when the first one is looked up. */
#ifndef NR_ENUMERATORS_H
#define NR_ENUMERATORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct btf;

/* Zeroed: nothing is read yet. */
struct nr_enumerators {
	bool is_read;
	const struct btf *btf;
	struct nr_enumerator *list; /* [n], by name */
	size_t n;
};

/* False: the kernel has no enumerator of this name, or several with different values. */
bool nr_enumerators_find(struct nr_enumerators *e, const char *name, size_t len, uint64_t *value);
void nr_enumerators_clear(struct nr_enumerators *e);

#endif
