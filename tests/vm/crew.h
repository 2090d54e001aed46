/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One process for each possible CPU, made before the collector is, that makes system calls on its
 * CPU when it is told to. What they did is known exactly: that is what a trace is checked against.
 */
#ifndef CREW_H
#define CREW_H

#include <sys/syscall.h>
#include <sys/types.h>
#include "sys.h"

/* The calls: nothing else in the guest makes them. */
#define CREW_LOAD  SYS_getpgid
#define CREW_TOKEN SYS_getsid

/* Since crew_forget: what each has done. */
struct crew_member {
	pid_t pid;
	int fd;		     /* it waits here for what to do */
	unsigned long calls; /* CREW_LOAD that it was told to make */
	bool moved;	     /* its CPU went away meanwhile: it may have called from others */
};

struct crew {
	unsigned n; /* CPU c has member c */
	struct crew_member members[SYS_MAX];
	int done_fd;
	unsigned busy;	  /* how many have work */
	unsigned *visits; /* CPUs in the order in which they had the token */
	unsigned n_visits;
};

void crew_start(struct crew *crew, unsigned n_cpus);
void crew_forget(struct crew *crew);

/* Each member of cpus makes calls + cpu calls, so that no two CPUs are alike. Returns at once. */
void crew_begin(struct crew *crew, const struct sys_set *cpus, unsigned long calls);
void crew_wait(struct crew *crew);

/*
 * A token goes round the CPUs, in strides that lead from node to node; each calls CREW_TOKEN once
 * when it has it. One call is over before the next begins: their order is known, whatever the
 * clocks say.
 */
void crew_pass_token(struct crew *crew, const struct sys_set *cpus, unsigned rounds);

#endif
