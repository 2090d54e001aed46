/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How far a long command has come: a line on stderr, if that is a terminal, and an end by Ctrl-C that
 * leaves nothing unfinished behind. */
#ifndef NR_PROGRESS_H
#define NR_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shown;	     /* on this terminal */
	uint64_t begin, end; /* times of the trace, ns */
	uint64_t started_ms, told_ms;
	uint64_t events;
};

/* shows: may write to stderr. */
void progress_start(struct progress *p, bool shows, uint64_t begin, uint64_t end);
/* From now on INT, TERM and HUP only set what progress_stopped tells, once: for a command that has files
 * to remove. */
void progress_catch_signals(void);
/* After each event, with its time. */
void progress_event(struct progress *p, uint64_t ts);
/* The signal that asked for the end; 0: none did. */
int progress_stopped(void);
/* Removes the line. */
void progress_end(struct progress *p);

#endif
