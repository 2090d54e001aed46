/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The processes of option -p. */
#ifndef NR_PROCESSES_H
#define NR_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>
#include <numaring/record.h>

struct processes {
	pid_t pids[NR_PIDS_MAX];
	unsigned n;
	unsigned left; /* how many have not exited */
	int fd;	       /* readable when one exits; valid if n > 0 */
};

/* Adds the processes of a list "PID,PID,...". Exits if one of them is not a process. */
void processes_add(struct processes *p, char *list);
/* True if there is at least one process and all have exited. */
bool processes_ended(struct processes *p);

#endif
