/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How full the rings of a recording are. */
#ifndef NR_FILL_H
#define NR_FILL_H

#include <numaring/numaring.h>

/* The fill of the fullest shard in percent. */
double fill_of_fullest(const struct nr_stats *stats);

#endif
