/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where JSON lines go: a file of our own, or something that is there and holds nothing that could
 * be lost: a descriptor of the caller's, a FIFO, a device. */
#ifndef NR_OUTLET_H
#define NR_OUTLET_H

#include <stdbool.h>
#include "output.h"

struct outlet {
	const char *path;
	int descriptor; /* that path names: "-" and /dev/stdout are 1; -1: none */
	struct output output;
};

/* Before anything is opened: a descriptor that is named is the caller's. */
struct outlet outlet_named(const char *path);
/* Opens it, a file as output_open does. A FIFO that nobody reads is waited for until end_fd is
 * readable, and for duration_ms, if that is not 0. 0, or a negative errno: it was said why. */
int outlet_open(struct outlet *o, const struct output_opts *opts, int end_fd, unsigned duration_ms);

bool outlet_is_fifo(const char *path);
/* Opens a FIFO to write. Waits for somebody who reads from it, until end_fd is readable (-1: never)
 * or wait_ms are over (0: never). The descriptor, or a negative errno; -ENXIO: nobody came. */
int outlet_open_fifo(const char *path, int end_fd, unsigned wait_ms);

#endif
