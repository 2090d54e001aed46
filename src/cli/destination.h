/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where JSON lines and statistics go: a file, a FIFO, a device or a descriptor of the caller, which
 * is written from its position on. */
#ifndef NR_DESTINATION_H
#define NR_DESTINATION_H

#include <stdbool.h>
#include "outfile.h"

struct destination {
	const char *path;
	int descriptor; /* that path stands for: 1 for "-" and /dev/stdout; -1: none */
	int fifo;	/* the FIFO at path, not yet open for writing; -1: none */
	struct outfile output;
};

/* Call it before anything is opened: a descriptor in a path is the caller's. */
struct destination destination_of(const char *path);
/* A descriptor in a path has to be open for writing, so this comes before we open any. Returns 0, or a
 * negative errno after a message. */
int destination_check(const struct destination *o);
/* Is it a FIFO that has to be opened by its name? */
bool destination_is_fifo(const struct destination *o);
/* Can poll wait for its reader? True for a pipe, a socket and a terminal, open or not. */
bool destination_has_reader(const struct destination *o);
/* Would data written to one end up in the other? Two paths to one terminal or to /dev/null do no
 * harm. */
bool destination_is_same(const struct destination *a, const struct destination *b);
/* Opens it as outfile_open does. Waits for a FIFO's reader until end_fd is readable (-1: never) or
 * wait_ms have passed (0: no limit). Returns 0; -ENXIO without a message: no reader came; or
 * another negative errno after a message. */
int destination_open(struct destination *o, const struct outfile_opts *opts, int end_fd,
		     unsigned wait_ms);

#endif
