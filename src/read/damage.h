/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Damage: what is said about it, and where the trace goes on. */
#ifndef NR_READ_DAMAGE_H
#define NR_READ_DAMAGE_H

#include "step.h"

/* The packet at t->next is damaged as *fault says. Reports it, and goes on with the next whole packet
 * if the options say so. 1: that is the current packet; 0: the rest of the stream is damaged, too;
 * -EBADMSG: it may not go on; an error of reading. */
int nr_damage_pass(struct nr_trace *t, const struct nr_fault *fault);
/* Damage that takes no bytes: packets are missing before the file's offset. 0; -EBADMSG: the trace may
 * not go on. */
int nr_damage_report(struct nr_trace *t, const char *file, const char *what, uint64_t packets);
/* The packet may be whole, but reading it failed. Returns err. */
int nr_damage_unreadable(struct nr_trace *t, int err);

#endif
