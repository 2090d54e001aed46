/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The option -e of numaring record. */
#ifndef NR_EVENTS_ARGS_H
#define NR_EVENTS_ARGS_H

#include <numaring/numaring.h>
#include "cli.h"

/* The values of an option that may be repeated. */
struct strings {
	char **list;
	unsigned n;
};

/* Exits with CLI_FAILED if there is no memory. */
void strings_add(struct strings *strings, char *string);

/* Adds the specifications in words, which are separated by commas, and keeps pointers into words.
 * "list" prints the sources and exits. Exits with CLI_USAGE if a word is wrong. */
void events_add(struct strings *sources, char *words);
/* Adds the specification KIND:PROBE, for --kprobe and the like. */
void probes_add(struct strings *sources, const char *kind, const char *probe);

#endif
