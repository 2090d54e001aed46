/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Values of payloads as those of JSON lines (nr_types_json_line), but integers of any size are integers. */
#ifndef NR_BULK_VALUE_H
#define NR_BULK_VALUE_H

#include "pickle.h"
#include "types/types.h"

/* words: number in the pickle of the layout's word 0. */
void nr_value_fields(struct nr_pickle *p, uint32_t words, const struct nr_layout *layout,
		     const struct nr_field *st, struct nr_part s);
void nr_value(struct nr_pickle *p, uint32_t words, const struct nr_layout *layout,
	      const struct nr_field *f, struct nr_part s);
void nr_value_hex_bytes(struct nr_pickle *p, const uint8_t *data, size_t n);

#endif
