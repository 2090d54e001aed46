/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Exports: the events of a trace in the formats of other tools. A format takes all events in their
 * order, and what is missing between them, and writes to one file, or to a file for each event type.
 *
 * A format's memory does not depend on the length of the trace. All its functions are called by one
 * thread. They return 0 or a negative errno, -EIO also for errors that ferror(3) tells.
 */
#ifndef NR_EXPORT_H
#define NR_EXPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <numaring/event.h>
#include <numaring/symbols.h>

struct export_file; /* of a directory */

struct export_env {
	const struct nr_types *types;
	int64_t clock_offset;	     /* CLOCK_MONOTONIC -> ns since the epoch, UTC */
	struct nr_symbols *symbols;  /* names of addresses in stacks; NULL: unknown */
	const uint32_t *node_of_cpu; /* [n_cpus]; NULL: unknown; UINT32_MAX: of this CPU */
	unsigned n_cpus;
	bool (*stopped)(void); /* asked during long work: if true, return -EINTR */
};

/* Where the bytes go. */
struct export_sink {
	FILE *file; /* of a format that writes one file */
	/* Of a format that writes a directory: makes a file of this name there, and adds to it. Errors
	 * are told on stderr. The sink's owner closes the files. */
	int (*create)(struct export_sink *sink, const char *name, struct export_file **file);
	int (*write)(struct export_sink *sink, struct export_file *file, const void *data,
		     size_t size);
};

/* Events that are missing between two times of the trace, ns. */
struct export_missing {
	uint64_t begin, end;
	uint64_t lost; /* records lost while they were recorded */
	uint64_t
		missed; /* events recorded that are not in this trace: an optional output fell behind, or
			    damage was left out */
};

struct export_format {
	const char *name;
	bool directory; /* writes a file for each event type */
	bool binary;	/* not for a terminal */

	int (*open)(void **state, const struct export_env *env, struct export_sink *sink);
	int (*event)(void *state, const struct nr_event *ev);
	/* Comes before the first event after begin, or before the end. May be NULL. */
	int (*missing)(void *state, const struct export_missing *missing);
	/* No more events: the rest is written. */
	int (*end)(void *state);
	void (*close)(void *state); /* also without an end; takes NULL */
};

#endif
