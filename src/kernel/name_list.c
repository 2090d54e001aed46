// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "name_list.h"

#include <stdio.h>

void nr_name_list_begin(struct nr_name_list *l, const char *wanted)
{
	*l = (struct nr_name_list){ .nearest = nr_nearest_begin(wanted) };
}

void nr_name_list_add(struct nr_name_list *l, const char *name)
{
	size_t room = sizeof(l->text) - l->len;
	size_t n = snprintf(l->text + l->len, room, "%s%s", l->n++ ? ", " : "", name);

	nr_nearest_try(&l->nearest, name);
	if (n < room) {
		l->len += n;
		return;
	}
	l->text[l->len] = 0;
	l->left_out++;
}

const char *nr_name_list_advice(struct nr_name_list *l)
{
	const char *best = l->nearest.best, *verb = l->n == 1 ? "is" : "are";
	size_t n =
		snprintf(l->advice, sizeof(l->advice), "%s%s%s%s %s", best ? "did you mean " : "",
			 best ?: "", best ? "? There " : "there ", verb, l->text);

	if (l->left_out)
		snprintf(l->advice + n, sizeof(l->advice) - n, " and %u more", l->left_out);
	return l->advice;
}
