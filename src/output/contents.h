/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the directory of a trace holds, and how a new trace replaces an old one. Each is flat, or a
 * series of chunks.
 *
 * The old trace is moved aside, to names with NR_OLD, until the new one stays. One file says which of
 * them to keep: while it exists, the old one. That is the old metadata, or of a series the metadata
 * of its first chunk. So it is moved aside first, moved back last, and removed first when the new
 * trace stays. No other tool finds the old trace, because its metadata have other names.
 *
 * Functions work on the descriptor of the directory, and only within it.
 */
#ifndef NR_OUTPUT_CONTENTS_H
#define NR_OUTPUT_CONTENTS_H

#include <stddef.h>

enum nr_holds {
	NR_HOLDS_NOTHING,
	NR_HOLDS_TRACE, /* or what a killed recorder left of one */
	NR_HOLDS_OTHER, /* something that is not ours */
};

/* Lists the directory. other: of NR_HOLDS_OTHER, what it is. 0 or a negative errno. */
int nr_contents_look(int dir, enum nr_holds *holds, char *other, size_t size);
/* Moves the trace aside. 1; 0: there was none, only what a killed recorder left; or a negative errno:
 * the trace is restored, and which is the name that could not be moved. */
int nr_contents_put_aside(int dir, char *which, size_t size);
/* Removes the new trace, as far as it was made, and moves the old one back. */
void nr_contents_restore(int dir);
/* The new trace stays. Also removes what a killed recorder left. */
void nr_contents_remove_old(int dir);
/* Removes a trace that did not replace another. */
void nr_contents_remove_new(int dir);
/* Removes the files of a chunk, its metadata first, and its directory if nothing else is in it. 0,
 * or why its files could not be removed: -ENOENT: there is no such chunk. */
int nr_contents_remove_chunk(int dir, const char *name);

#endif
