/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tracepoints of this kernel, as tracefs lists them. */
#ifndef NR_TRACEFS_H
#define NR_TRACEFS_H

#include <stddef.h>
#include "base/log.h"
#include "enumerators.h"

/* Where the tracepoints are, and what their formats need. */
struct nr_tracefs {
	int events; /* the directory "events" of tracefs */
	struct nr_enumerators enumerators;
};

/* The names of tracepoints, "GROUP:EVENT", sorted. */
struct nr_tracepoint_list {
	char **names;
	size_t n;
};

/* If tracefs is mounted nowhere, makes a mount that nobody else sees and that ends with the
 * descriptor. 0 or a negative errno, which is logged; nr_tracefs_close also takes what was not
 * opened. */
int nr_tracefs_open(struct nr_tracefs *fs, const struct nr_logger *log);
void nr_tracefs_close(struct nr_tracefs *fs);

/* Lists what matches the pattern (fnmatch) "GROUP:EVENT". -ENOMEM; otherwise 0, also if nothing
 * matches. Tracepoints that only the kernel's own tracer can use (ftrace:*) are left out. */
int nr_tracefs_list(struct nr_tracepoint_list *list, const struct nr_tracefs *fs,
		    const char *pattern);
void nr_tracepoint_list_free(struct nr_tracepoint_list *list);
/* The name in the list that resembles this one most; NULL: none does. */
const char *nr_tracepoint_nearest(const struct nr_tracepoint_list *list, const char *name);

/* Reads the format file of "GROUP:EVENT" into a new string. NULL: errno says why. */
char *nr_tracefs_format(const struct nr_tracefs *fs, const char *name);

#endif
