/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Resource limits. A shard needs three open files, so the usual soft limit of 1,024 allows some 330
 * shards. We raise it to the hard limit. The command that we start gets the old limit back, because
 * select(2) cannot handle more than 1,024.
 *
 * A file that reaches the limit of its size causes a write error instead of SIGXFSZ.
 */
#include <signal.h>
#include <sys/resource.h>
#include "cli.h"

static struct rlimit old_limit;
static sighandler_t old_size_handler;

void cli_raise_limits(void)
{
	struct rlimit most;

	getrlimit(RLIMIT_NOFILE, &most);
	old_limit = most;
	most.rlim_cur = most.rlim_max;
	/* If this fails, opening one file too many reports the limit. */
	setrlimit(RLIMIT_NOFILE, &most);
	old_size_handler = signal(SIGXFSZ, SIG_IGN);
}

void cli_restore_limits(void)
{
	setrlimit(RLIMIT_NOFILE, &old_limit);
}

void cli_add_size_signal(sigset_t *set)
{
	if (old_size_handler == SIG_DFL)
		sigaddset(set, SIGXFSZ);
}
