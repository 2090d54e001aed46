/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The arguments of a probe that its specification does not name. */
#ifndef NR_PROBE_PARAMS_H
#define NR_PROBE_PARAMS_H

#include "probe_spec.h"

/* Sets the parameters of a specification that has none: of a function of the kernel from the
 * kernel's BTF, of a USDT probe from its program, the result of a function that returns. Others
 * stay without. -ENOENT: the program has no such probe; logged. */
int nr_probe_find_params(struct nr_probe_spec *spec, const struct nr_logger *log);

/* usdt_note.c: reads the arguments of a USDT probe, as "8@%rdi -4@%eax", from its program into a new
 * string. -ENOENT: the program has no such probe. Errors are logged. */
int nr_usdt_args(char **out, const struct nr_probe_spec *spec, const struct nr_logger *log);

#endif
