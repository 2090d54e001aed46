// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "call_names.h"

#include <string.h>

static bool is_in(const char *name, const char *const *names)
{
	while (*names && strcmp(name, *names))
		names++;
	return *names;
}

bool call_reads(const char *name)
{
	return !strncmp(name, "read", 4) || !strncmp(name, "recv", 4);
}

bool call_takes_fd(const char *name)
{
	static const char *const names[] = {
		"accept",     "accept4",	"close",      "connect",
		"epoll_ctl",  "epoll_pwait",	"epoll_wait", "fallocate",
		"fchmod",     "fchown",		"fcntl",      "fdatasync",
		"flock",      "fstat",		"fsync",      "ftruncate",
		"getdents64", "io_uring_enter", "ioctl",      "lseek",
		"newfstatat", "pread64",	"preadv",     "pwrite64",
		"pwritev",    "read",		"readv",      "recvfrom",
		"recvmmsg",   "recvmsg",	"sendfile",   "sendmmsg",
		"sendmsg",    "sendto",		"shutdown",   "sync_file_range",
		"syncfs",     "write",		"writev",     NULL,
	};

	return is_in(name, names);
}
