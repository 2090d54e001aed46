/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What to say of an unknown name: the nearest name, and a list of the names that there are. */
#ifndef NR_NAME_LIST_H
#define NR_NAME_LIST_H

#include "base/nearest.h"

struct nr_name_list {
	struct nr_nearest nearest;
	char text[512];
	size_t len;
	unsigned n;
	unsigned left_out; /* names that have no room in text */
	char advice[768];
};

/* wanted and the names that are added must outlive the list. */
void nr_name_list_begin(struct nr_name_list *l, const char *wanted);
void nr_name_list_add(struct nr_name_list *l, const char *name);
/* The end of a sentence, as "did you mean X? There are X, Y, Z". */
const char *nr_name_list_advice(struct nr_name_list *l);

#endif
