/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A slow, hanging or failing disk, for LD_PRELOAD. HANG_IN names a call that takes HANG_MS, or lasts
 * until the file HANG_UNTIL exists: pwrite, direct (pwrite with O_DIRECT), mkdir, or close of a file
 * "stream". It hangs every time or from its HANG_FROMth time on. The file "hangs" appears when such a
 * call has begun.
 *
 * FAIL_IN names a call on a file "stream" that fails with the errno FAIL_WITH: pwrite or fdatasync.
 * It fails from its FAIL_FROMth time on, until the file FAIL_UNTIL exists. The file "fails" appears
 * when one has failed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void hang_in(const char *call)
{
	static int calls;
	const char *which = getenv("HANG_IN"), *ms = getenv("HANG_MS"), *from = getenv("HANG_FROM");
	const char *until = getenv("HANG_UNTIL");
	struct timespec left = { .tv_sec = ms ? atoi(ms) / 1000 : 0,
				 .tv_nsec = ms ? atoi(ms) % 1000 * 1000000l : 0 };

	if (!which || strcmp(which, call) || ++calls < (from ? atoi(from) : 1))
		return;
	close(creat("hangs", 0600));
	while (until && access(until, F_OK))
		usleep(10000);
	while (nanosleep(&left, &left)) /* a disk ignores signals, too */
		;
}

static int is_stream(int fd)
{
	char link[32], path[4096];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path));
	return len > 7 && !memcmp(path + len - 7, "/stream", 7);
}

static int fails_in(const char *call, int fd)
{
	static int calls;
	const char *which = getenv("FAIL_IN"), *from = getenv("FAIL_FROM");
	const char *until = getenv("FAIL_UNTIL");

	if (!which || strcmp(which, call) || !is_stream(fd) || ++calls < (from ? atoi(from) : 1) ||
	    (until && !access(until, F_OK)))
		return 0;
	close(creat("fails", 0600));
	errno = atoi(getenv("FAIL_WITH"));
	return 1;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	ssize_t (*next)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");

	hang_in("pwrite");
	if (fcntl(fd, F_GETFL) & O_DIRECT)
		hang_in("direct");
	return fails_in("pwrite", fd) ? -1 : next(fd, data, size, offset);
}

int fdatasync(int fd)
{
	int (*next)(int) = dlsym(RTLD_NEXT, "fdatasync");

	return fails_in("fdatasync", fd) ? -1 : next(fd);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
	return pwrite(fd, data, size, offset);
}

int mkdir(const char *path, mode_t mode)
{
	int (*next)(const char *, mode_t) = dlsym(RTLD_NEXT, "mkdir");

	hang_in("mkdir");
	return next(path, mode);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
	int (*next)(int, const char *, mode_t) = dlsym(RTLD_NEXT, "mkdirat");

	hang_in("mkdir");
	return next(dir, path, mode);
}

int close(int fd)
{
	int (*next)(int) = dlsym(RTLD_NEXT, "close");

	if (is_stream(fd))
		hang_in("close");
	return next(fd);
}
