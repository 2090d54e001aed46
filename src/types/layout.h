/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compiles the layout of a payload from BTF. */
#ifndef NR_LAYOUT_H
#define NR_LAYOUT_H

#include "base/log.h"
#include "field.h"

struct btf;

/*
 * Compiles type type_id of btf, which may be hostile. name is for messages only. -ENOTSUP, -EINVAL,
 * -ENOMEM.
 */
int nr_layout_new(struct nr_layout **out, const struct btf *btf, uint32_t type_id, const char *name,
		  const struct nr_logger *log);
void nr_layout_free(struct nr_layout *layout);
bool nr_layout_equal(const struct nr_layout *a, const struct nr_layout *b);

#endif
