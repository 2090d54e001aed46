/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The signals that end a recording: INT, TERM, and HUP unless it is ignored. None of them waits for
 * a file system: while the main thread hangs in one, other threads listen.
 */
#ifndef NR_SIGNALS_H
#define NR_SIGNALS_H

#include <signal.h>

struct signals {
	int fd; /* signalfd for them and SIGCHLD */
	sigset_t old_mask;
};

/* From here on they come through fd. One that nobody reads from there for a while ends the program.
 * 0, or a negative errno, and it was said why. */
int signals_block(struct signals *s);
/* The end has begun: another signal ends the program at once. */
void signals_restore(const struct signals *s);

/* Between the two the program may hang in a file system: for so long, then it ends with the
 * sentence. One at a time. */
void watchdog_start(unsigned ms, const char *sentence);
void watchdog_stop(void);

#endif
