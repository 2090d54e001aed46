/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* --follow: the programs that keep the map of followed processes (bpf/follow.bpf.c). */
#ifndef NR_FOLLOW_H
#define NR_FOLLOW_H

#include "maps.h"

struct follow_bpf;

/* Follows the children of a process, by its PID on the host, and all that they start. *out: until
 * nr_follow_stop. 0, or a negative errno, logged. */
int nr_follow_start(struct follow_bpf **out, const struct nr_maps *maps, uint32_t collector,
		    const struct nr_logger *log);
/* Processes that were not followed, because there were too many at once. Any thread. */
uint64_t nr_follow_missed(const struct follow_bpf *follow);
/* Ends following; the count stays. Both take NULL. */
void nr_follow_detach(struct follow_bpf *follow);
void nr_follow_stop(struct follow_bpf *follow);

#endif
