/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where JSON lines and statistics go: a file of our own, or something that is there: a descriptor
 * of the caller's, which is written from its position on; a FIFO, a device. */
#ifndef NR_OUTLET_H
#define NR_OUTLET_H

#include <stdbool.h>
#include "output.h"

struct outlet {
	const char *path;
	int descriptor; /* that path names: "-" and /dev/stdout are 1; -1: none */
	int fifo;	/* that path leads to, not yet opened for writing; -1: none */
	struct output output;
};

/* Before anything is opened: a descriptor that is named is the caller's. */
struct outlet outlet_named(const char *path);
/* Is it a FIFO that has to be opened by its name? */
bool outlet_is_fifo(const struct outlet *o);
/* Can it be waited for with poll: a pipe, a socket, a terminal? Before it is opened. */
bool outlet_has_reader(const struct outlet *o);
/* Would what is written to one of them get into the other? Two names for a terminal or for
 * /dev/null do no harm. */
bool outlet_is_same(const struct outlet *a, const struct outlet *b);
/* Opens it as output_open does. A FIFO that nobody reads is waited for until end_fd is readable
 * (-1: never) or wait_ms are over (0: never). 0; -ENXIO: nobody came, which the caller explains; or
 * another negative errno: it was said why. */
int outlet_open(struct outlet *o, const struct output_opts *opts, int end_fd, unsigned wait_ms);

#endif
