/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where CTF places the fields of a payload, and what makes it place them at their offsets in BTF.
 */
#ifndef NR_ALIGN_H
#define NR_ALIGN_H

#include "field.h"

/* Sets pad, align and last_pad of every field, and layout->end. */
void nr_layout_align(struct nr_layout *layout);

/* Bits up to the end of the last field, without the padding after it. */
uint64_t nr_layout_end(const struct nr_layout *layout, const void *payload);

#endif
