/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The signals of a recording. INT, TERM, and HUP unless it is ignored, end it. They work even while
 * the main thread hangs in a file system, because other threads watch for them. USR2 begins the next
 * chunk of each trace.
 */
#ifndef NR_SIGNALS_H
#define NR_SIGNALS_H

#include <signal.h>

struct signals {
	int fd;	    /* signalfd for these signals, and SIGCHLD */
	int end_fd; /* readable while a signal that ends the recording has not been read from fd */
	sigset_t old_mask;
};

/* At the start of the program. USR2 does not end it: before there is a chunk, it changes nothing. */
void signals_init(struct signals *s);

/* Blocks the signals and delivers them through fd. One that ends a recording and is not read from fd
 * for some seconds ends the program. Returns 0, or a negative errno after a message. */
int signals_block(struct signals *s);
/* The recording is ending: unblocks the signals, so that another one ends the program at once. USR2
 * is ignored. */
void signals_restore(const struct signals *s);

/* Ends the program with this message unless watchdog_stop is called within ms: the code between may
 * hang in a file system. Only one watchdog runs at a time. */
void watchdog_start(unsigned ms, const char *message);
void watchdog_stop(void);

#endif
