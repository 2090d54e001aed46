/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs of tc. From Linux 6.6 on, a link attaches them, which ends with its descriptor. Before, a
 * filter in a qdisc does, which both have to be removed.
 */
#ifndef NR_TC_H
#define NR_TC_H

#include "object.h"

/* 0 or a negative errno, not logged. */
int nr_tc_attach(struct nr_object *o, const struct bpf_program *prog, int ifindex,
		 enum bpf_tc_attach_point point);
/* Detaches the object's programs of tc. */
void nr_tc_detach(struct nr_object *o);

#endif
