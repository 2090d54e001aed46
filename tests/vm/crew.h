/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One process for each possible CPU, started before the collector. It makes system calls on its CPU
 * on demand. The exact calls are known, so a trace can be compared with them.
 */
#ifndef CREW_H
#define CREW_H

#include <sys/syscall.h>
#include <sys/types.h>
#include "sys.h"

/* Nothing else in the guest makes these calls. */
#define CREW_LOAD  SYS_getpgid
#define CREW_TOKEN SYS_getsid

/* A member's calls since crew_forget. */
struct crew_member {
	pid_t pid;
	int fd;		     /* the member waits here for its next order */
	unsigned long calls; /* number of CREW_LOAD calls that it was told to make */
	bool moved; /* its CPU went offline meanwhile, so it may have called from other CPUs */
};

struct crew {
	unsigned n; /* CPU c has member c */
	struct crew_member members[SYS_MAX];
	int done_fd;
	unsigned busy;	  /* number of members with work */
	unsigned *visits; /* CPUs in the order in which they had the token */
	unsigned n_visits;
};

void crew_start(struct crew *crew, unsigned n_cpus);
void crew_forget(struct crew *crew);

/* Each member of cpus makes calls + cpu calls, so each CPU has a different number. Returns at
 * once. */
void crew_begin(struct crew *crew, const struct sys_set *cpus, unsigned long calls);
void crew_wait(struct crew *crew);

/*
 * A token visits the CPUs in strides that lead from node to node. Each CPU calls CREW_TOKEN once
 * when it has the token. A call ends before the next one begins, so their order is known without
 * clocks.
 */
void crew_pass_token(struct crew *crew, const struct sys_set *cpus, unsigned rounds);

#endif
