/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls as text. A line of an exit repeats the arguments, so it needs a memory of the
 * entries. */
#ifndef NR_SHOW_CALLS_H
#define NR_SHOW_CALLS_H

#include "views.h"

struct call_memory *call_memory_new(void); /* freed with free; NULL: no memory */

#endif
