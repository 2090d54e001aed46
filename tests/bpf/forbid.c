// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* forbid errno|kill SYSCALL COMMAND...: runs COMMAND under a seccomp filter that refuses a system call, as
 * the profiles of containers do. */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int call = argc > 3 ? seccomp_syscall_resolve_name(argv[2]) : __NR_SCMP_ERROR;

	if (!filter || call == __NR_SCMP_ERROR)
		return 2;
	if (seccomp_rule_add(
		    filter, strcmp(argv[1], "kill") ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS,
		    call, 0) ||
	    seccomp_load(filter))
		return 77;
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 1;
}
