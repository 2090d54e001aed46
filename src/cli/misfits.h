/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records that do not fit their type, in a recording or a trace, for people and for programs. */
#ifndef NR_MISFITS_H
#define NR_MISFITS_H

#include <jansson.h>
#include <stdio.h>
#include <numaring/event.h>

struct misfits {
	const struct nr_types *types;
	const struct nr_type_stats *first; /* [n], stride bytes apart */
	unsigned n;
	size_t stride;
};

/* A line for each type with misfits. */
void misfits_print(FILE *out, const struct misfits *m);
/* {"TYPE":{"longer":1,"shorter":0}} */
json_t *misfits_json(const struct misfits *m);

#endif
