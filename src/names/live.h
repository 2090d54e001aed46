/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names while a recording has no trace yet. */
#ifndef NR_NAMES_LIVE_H
#define NR_NAMES_LIVE_H

#include <numaring/symbols.h>
#include "names.h"

/* Symbols of what *names has when they are needed; NULL: nothing. -ENOMEM. */
int nr_symbols_live(struct nr_symbols **out, struct nr_names *const *names,
		    const struct nr_logger *log);

#endif
