/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include "timed_write.h"

/* poll, but not interrupted by a signal. */
static int poll_all(struct pollfd *fds, unsigned count, int timeout_ms)
{
	int n;

	do
		n = poll(fds, count, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int wait_for_reader(int fd, int end_fd)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLOUT },
		{ .fd = end_fd, .events = POLLIN },
	};
	int n = end_fd < 0 ? 0 : poll_all(fds, 2, -1);

	if (n < 0 || fds[0].revents)
		return n < 0 ? n : 0;
	n = poll_all(fds, 1, READER_TIMEOUT_MS);
	if (n < 0)
		return n;
	return n ? 0 : -ETIMEDOUT;
}

/* Writes at most PIPE_BUF bytes: as much as a pipe takes without blocking once poll says that it is
 * writable. */
static ssize_t write_some(int fd, int end_fd, const char *data, size_t size)
{
	ssize_t n = wait_for_reader(fd, end_fd);

	if (n)
		return n;
	n = write(fd, data, size < PIPE_BUF ? size : PIPE_BUF);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	return n;
}

size_t timed_write(int fd, int end_fd, const char *data, size_t size, int *err)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = write_some(fd, end_fd, data + done, size - done);

		if (n < 0) {
			*err = n;
			break;
		}
		done += n;
	}
	return done;
}

const char *timed_write_error(int err)
{
	if (err == -ETIMEDOUT)
		return "the reader stopped reading";
	return err == -EFBIG ? "File too large: raise the file size limit (ulimit -f)"
			     : strerror(-err);
}

static ssize_t write_after_end(void *cookie, const char *data, size_t size)
{
	int err = 0;
	size_t done = timed_write((intptr_t)cookie, -1, data, size, &err);

	errno = -err;
	return done;
}

FILE *timed_stream(int fd)
{
	return fopencookie((void *)(intptr_t)fd, "w",
			   (cookie_io_functions_t){ .write = write_after_end });
}
