/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where CTF puts the fields of a payload, and how it is made to put them where BTF says they are.
 */
#ifndef NR_ALIGN_H
#define NR_ALIGN_H

#include "field.h"

/* Decides pad and align of every field, and layout->end. */
void nr_layout_align(struct nr_layout *layout);

/* Bits up to the end of the last field, the padding behind it not included. */
uint64_t nr_layout_end(const struct nr_layout *layout, const void *payload);

#endif
