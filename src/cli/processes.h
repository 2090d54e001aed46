/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The processes of -p: which they are, and whether one of them is left. */
#ifndef NR_PROCESSES_H
#define NR_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>
#include <numaring/record.h>

struct processes {
	pid_t pids[NR_PIDS_MAX];
	unsigned n;
	unsigned left; /* of these, not known to have ended */
	int fd;	       /* readable when one ends; valid if n > 0 */
};

/* Adds those of "PID,PID,...". Ends the program if one of them is no process. */
void processes_add(struct processes *p, char *list);
/* True if there were some and all have ended. */
bool processes_ended(struct processes *p);

#endif
