/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The built-in sources: BPF objects inside the library. */
#ifndef NR_SOURCES_H
#define NR_SOURCES_H

#include <stddef.h>
#include "object.h"

struct nr_source {
	const char *name;
	const char *about;
	const void *(*elf)(size_t *size);
	/* Prepares the object, which is open and not loaded. args: what follows the name and a
	 * colon; NULL: nothing does. Errors are logged. NULL: the source takes no arguments and
	 * needs no preparation of its own. */
	int (*prepare)(struct nr_object *o, const char *args, const struct nr_logger *log);
};

/* Finds the source of a specification, NAME or NAME:ARGS, and sets *args. NULL: there is none. */
const struct nr_source *nr_source_find(const char *spec, const char **args);
/* Some arguments add another object, before that of the source. NULL: this specification does not. */
const struct nr_source *nr_source_extra(const char *spec);
/* Opens the object of a source and prepares it. Errors are logged. */
int nr_source_open(struct nr_object *o, const struct nr_source *source, const char *args,
		   const struct nr_logger *log);
/* Index of the source. */
unsigned nr_source_bit(const struct nr_source *source);
/* Writes the names of all sources to buf, "sched, syscalls", and returns it. */
const char *nr_source_list(char *buf, size_t size);

#endif
