// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "disk_help.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/uio.h>

ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t off);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t off);

ssize_t __real_pwritev(int fd, const struct iovec *pieces, int n, off_t off);
ssize_t __wrap_pwritev(int fd, const struct iovec *pieces, int n, off_t off);

struct disk disk;

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t off)
{
	if (disk.interrupts) {
		disk.interrupts--;
		errno = EINTR;
		return -1;
	}
	if (disk.most && size > disk.most)
		size = disk.most;
	if ((disk.limit && off >= disk.limit) || (disk.refused && size == disk.refused)) {
		errno = disk.err ?: ENOSPC;
		return -1;
	}
	if (disk.limit && off + (off_t)size > disk.limit)
		size = disk.limit - off;
	return __real_pwrite(fd, data, size, off);
}

/* A call may write less than all. */
ssize_t __wrap_pwritev(int fd, const struct iovec *pieces, int n, off_t off)
{
	static const struct disk good;

	if (!memcmp(&disk, &good, sizeof(disk)))
		return __real_pwritev(fd, pieces, n, off);
	return __wrap_pwrite(fd, pieces->iov_base, pieces->iov_len, off);
}
