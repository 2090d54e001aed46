/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command that runs during a recording. As with perf and strace it stays in our process group:
 * the terminal's signals reach both, and the shell treats both as one job.
 */
#ifndef NR_COMMAND_H
#define NR_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct command {
	char **argv; /* NULL: no command */
	pid_t pid;   /* 0: not started */
	bool ended;
	int status; /* from waitpid, if ended */
};

struct command_opts {
	sigset_t mask;	       /* its blocked signals */
	sigset_t unignore;     /* signals that we ignore and it must not */
	bool stdout_to_stderr; /* its standard output goes to stderr */
};

/* Checks that the command can probably be run. Returns 0, or a negative errno after a message. */
int command_check(const struct command *c);
/* Returns 0, or a negative errno after a message. */
int command_start(struct command *c, const struct command_opts *opts);
/* Updates ended and status. */
void command_reap(struct command *c);
/* Terminates the command and its descendants, except those in a session of their own: daemons. */
void command_terminate(struct command *c);

#endif
