// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pf_state.h"

void pf_write(struct pf *pf, struct pf_event *e, uint64_t *written)
{
	uint64_t least = *written > pf->first ? *written : pf->first;

	if (e->begin < least)
		e->begin = least;
	if (e->end < e->begin)
		e->end = e->begin;
	pf_slice(&pf->out, e);
	*written = e->end;
}
