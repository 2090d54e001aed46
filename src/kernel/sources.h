/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The built-in sources: BPF objects inside the library. */
#ifndef NR_SOURCES_H
#define NR_SOURCES_H

#include <stddef.h>

struct nr_source {
	const char *name;
	const char *about;
	const void *(*elf)(size_t *size);
};

/* NULL: there is no source of this name. */
const struct nr_source *nr_source_find(const char *name);
/* Index of the source. */
unsigned nr_source_bit(const struct nr_source *source);
/* Writes the names of all sources to buf, "sched, syscalls", and returns it. */
const char *nr_source_list(char *buf, size_t size);

#endif
