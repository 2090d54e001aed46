/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The symbols of the kernel's and its modules' code. They are kept with a trace as the kernel lists them
 * in /proc/kallsyms, compressed. */
#ifndef NR_NAMES_KALLSYMS_H
#define NR_NAMES_KALLSYMS_H

#include <stddef.h>
#include <stdint.h>
#include "base/log.h"

/* Reads those of the running kernel, as the file in a trace has them; the caller frees *data. 0 and
 * *data NULL: the kernel hides them, which the log says. Other errors are logged, too. */
int nr_kallsyms_read(void **data, size_t *size, const struct nr_logger *log);

struct nr_kallsyms;

/* 0; -EBADMSG: damaged; -ENOMEM. */
int nr_kallsyms_parse(struct nr_kallsyms **out, const void *data, size_t size);
/* The function at or below the address; NULL: there is none. *module: NULL for the kernel itself. */
const char *nr_kallsyms_find(const struct nr_kallsyms *k, uint64_t address, uint64_t *start,
			     const char **module);
void nr_kallsyms_free(struct nr_kallsyms *k);

#endif
