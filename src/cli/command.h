/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command a recording runs beside. It stays in our process group, as a command of perf or
 * strace does: so the terminal's signals reach both, and a shell's job control takes both as one
 * job.
 */
#ifndef NR_COMMAND_H
#define NR_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct command {
	char **argv; /* NULL: there is none */
	pid_t pid;   /* 0: not started */
	bool ended;
	int status; /* of waitpid, if it ended */
};

/* How it is started. */
struct command_opts {
	sigset_t mask;	/* signals it has blocked */
	sigset_t reset; /* signals we ignore and it shall not */
	bool no_stdout; /* what it prints goes to stderr */
};

/* 0 if it looks as if it could be run; otherwise a negative errno, and it was said why not. */
int command_check(const struct command *c);
/* 0 or a negative errno, and it was said why. */
int command_start(struct command *c, const struct command_opts *how);
/* Sees whether it ended. */
void command_reap(struct command *c);
/* Ends it and all it started, but for what is in a session of its own, as daemons are. */
void command_terminate(struct command *c);

#endif
