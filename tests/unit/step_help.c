// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "step_help.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

struct steps steps;

static void step(void)
{
	void (*after)(void) = steps.after;

	steps.n++;
	if (steps.kill_after && steps.n >= steps.kill_after)
		raise(SIGKILL);
	if (!after)
		return;
	steps.after = NULL;
	after();
	steps.after = after;
}

#define STEP(type, name, params, args, error)                                                      \
	type __real_##name params;                                                                 \
	type __wrap_##name params;                                                                 \
	type __wrap_##name params                                                                  \
	{                                                                                          \
		type ret;                                                                          \
                                                                                                   \
		errno = error;                                                                     \
		if (errno)                                                                         \
			return -1;                                                                 \
		ret = __real_##name args;                                                          \
		step();                                                                            \
		return ret;                                                                        \
	}

STEP(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t off), (fd, data, size, off),
     steps.full_in && !--steps.full_in ? ENOSPC : 0)
STEP(int, mkdirat, (int dir, const char *name, mode_t mode), (dir, name, mode), 0)
STEP(int, unlinkat, (int dir, const char *name, int flags), (dir, name, flags),
     steps.stuck && !strcmp(name, steps.stuck) ? EPERM : 0)
STEP(int, linkat, (int from, const char *a, int to, const char *b, int flags),
     (from, a, to, b, flags), steps.no_links ? EPERM : 0)
STEP(int, renameat, (int from, const char *a, int to, const char *b), (from, a, to, b), 0)
