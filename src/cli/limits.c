/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The limit of open files. A shard takes three, so the usual soft limit of 1,024 ends at some 330
 * shards; the hard one is there for programs that know what they do with so many. A program we
 * start may not (select), so it gets what we got.
 *
 * And the limit of their size.
 */
#include <signal.h>
#include <sys/resource.h>
#include "cli.h"

static struct rlimit at_first;
static sighandler_t size_at_first;

void cli_raise_limits(void)
{
	struct rlimit most;

	getrlimit(RLIMIT_NOFILE, &most);
	at_first = most;
	most.rlim_cur = most.rlim_max;
	/* Where it is refused the usual limit stays, and whoever meets it says so. */
	setrlimit(RLIMIT_NOFILE, &most);
	size_at_first = signal(SIGXFSZ, SIG_IGN);
}

void cli_restore_limits(void)
{
	setrlimit(RLIMIT_NOFILE, &at_first);
}

void cli_add_size_signal(sigset_t *reset)
{
	if (size_at_first == SIG_DFL)
		sigaddset(reset, SIGXFSZ);
}
