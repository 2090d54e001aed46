// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <time.h>
#include <unistd.h>
#include "file.h"
#include "log.h"

int nr_write_all(int fd, const void *data, size_t size, uint64_t off)
{
	const uint8_t *p = data;

	while (size) {
		ssize_t n = pwrite(fd, p, size, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		off += n;
		size -= n;
	}
	return 0;
}

ssize_t nr_read_at(int fd, void *data, size_t size, uint64_t off)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = pread(fd, (char *)data + got, size - got, off + got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		got += n;
	}
	return got;
}

int nr_sync(int fd)
{
	/* EINVAL: the file system does not do this, for example for directories. */
	return !fsync(fd) || errno == EINVAL ? 0 : -errno;
}

void nr_hold_file_limit(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &set, old);
}

void nr_release_file_limit(const sigset_t *old)
{
	const struct timespec none = {};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	if (!sigismember(old, SIGXFSZ))
		sigtimedwait(&set, NULL, &none);
	pthread_sigmask(SIG_SETMASK, old, NULL);
}

const char *nr_write_reason(int err)
{
	return err == -EFBIG ? "File too large: raise the file size limit (ulimit -f)"
			     : nr_reason(err);
}
