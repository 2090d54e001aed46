// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include "base/nearest.h"
#include "calls.h"

#define MAX_NAME 64

char *nr_call_name(int nr)
{
	return seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
}

static void report_unknown(const char *name, const struct nr_logger *log)
{
	struct nr_nearest nearest = nr_nearest_begin(name);
	char *names[NR_CALLS];

	for (int nr = 0; nr < NR_CALLS; nr++) {
		names[nr] = nr_call_name(nr);
		if (names[nr])
			nr_nearest_try(&nearest, names[nr]);
	}
	if (nearest.best)
		nr_log(log, NR_LOG_ERROR, "unknown system call \"%s\": did you mean %s?", name,
		       nearest.best);
	else
		nr_log(log, NR_LOG_ERROR,
		       "unknown system call \"%s\": use names or numbers from 0 to %d, such as "
		       "syscalls:read,write",
		       name, NR_CALLS - 1);
	for (int nr = 0; nr < NR_CALLS; nr++)
		free(names[nr]);
}

/* The number of a call; negative: there is no such call. */
static int call_number(const char *name)
{
	unsigned long nr;
	char *end;

	if (!isdigit((unsigned char)*name))
		return seccomp_syscall_resolve_name_arch(SCMP_ARCH_NATIVE, name);
	nr = strtoul(name, &end, 10);
	return *end || nr >= NR_CALLS ? -1 : (int)nr;
}

static int choose(uint64_t *chosen, const char *arg, size_t len, const struct nr_logger *log)
{
	char name[MAX_NAME];
	int nr;

	if (len >= sizeof(name))
		len = sizeof(name) - 1; /* no call has such a name */
	memcpy(name, arg, len);
	name[len] = 0;
	nr = call_number(name);
	if (nr < 0 || nr >= NR_CALLS) {
		report_unknown(name, log);
		return -EINVAL;
	}
	chosen[nr / 64] |= 1ull << nr % 64;
	return 0;
}

int nr_calls_prepare(struct nr_object *o, const char *args, const struct nr_logger *log)
{
	uint64_t chosen[NR_CALLS / 64] = {};
	const bool limited = true;
	int err = 0;

	while (!err && args) {
		size_t len = strcspn(args, ",");

		err = choose(chosen, args, len, log);
		if (!args[len])
			break;
		args += len + 1;
	}
	if (err || !args)
		return err;
	return nr_object_set(o, "limited", &limited, sizeof(limited))
		       ?: nr_object_set(o, "chosen", chosen, sizeof(chosen));
}

/* The first fields of sys_exit are what only the exit knows: ret, duration_ns. After nr, pid and tid
 * comes error; comm changes only in calls that may_rename knows. */
#define SYS_EXIT    1
#define FIRST_KNOWN 16
#define ERROR	    28

bool nr_calls_entry_decides(const struct nr_test *tests)
{
	const struct nr_test *t = tests + SYS_EXIT * NR_FILTER_TESTS;
	bool decides = t->what;

	for (unsigned i = 0; i < NR_FILTER_TESTS && t[i].what; i++)
		decides &= t[i].what == NR_TEST_FIELD && t[i].offset >= FIRST_KNOWN &&
			   t[i].offset != ERROR;
	return decides;
}
