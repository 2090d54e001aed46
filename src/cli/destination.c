/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli.h"
#include "destination.h"

/* The kernel has no event for a reader that opens a FIFO, so we try again and again. */
#define RETRY_MS 20

struct destination destination_of(const char *path)
{
	int descriptor = outfile_descriptor(path);

	return (struct destination){ .path = path,
				     .descriptor = descriptor,
				     .fifo = descriptor < 0 ? outfile_hold_fifo(path) : -1,
				     .output.dir = -1 };
}

static int status(const struct destination *o, struct stat *st)
{
	return o->descriptor >= 0 ? fstat(o->descriptor, st) : stat(o->path, st);
}

int destination_check(const struct destination *o)
{
	if (o->descriptor < 0 || fcntl(o->descriptor, F_GETFL) >= 0)
		return 0;
	cli_error("cannot write %s: %s", o->path, strerror(errno));
	return -EINVAL;
}

bool destination_is_fifo(const struct destination *o)
{
	return o->fifo >= 0;
}

bool destination_has_reader(const struct destination *o)
{
	struct stat st;

	return !status(o, &st) &&
	       (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISCHR(st.st_mode));
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Would two paths that do not exist yet name the same file? */
static bool same_name(const char *a, const char *b)
{
	char *one = strdup(a), *other = strdup(b);
	bool same = one && other && !strcmp(last_part(a), last_part(b)) &&
		    cli_same_file(dirname(one), dirname(other));

	free(one);
	free(other);
	return same;
}

bool destination_is_same(const struct destination *a, const struct destination *b)
{
	struct stat one, other;
	bool no_one = status(a, &one), no_other = status(b, &other);

	if (no_one && no_other)
		return same_name(a->path, b->path);
	return !no_one && !no_other && !S_ISCHR(one.st_mode) && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

/* Waits for a reader. Returns the descriptor or a negative errno; -ENXIO: no reader came. */
static int open_fifo(int fifo, int end_fd, unsigned wait_ms)
{
	struct pollfd end = { .fd = end_fd, .events = POLLIN };
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fifo);
	for (uint64_t waited = 0;; waited += RETRY_MS) {
		int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0 || errno != ENXIO)
			return fd < 0 ? -errno : fd;
		if ((wait_ms && waited >= wait_ms) || poll(&end, 1, RETRY_MS) > 0)
			return -ENXIO;
	}
}

int destination_open(struct destination *o, const struct outfile_opts *opts, int end_fd,
		     unsigned wait_ms)
{
	int fd;

	if (!destination_is_fifo(o))
		return outfile_open(&o->output, o->path, opts);
	fd = open_fifo(o->fifo, end_fd, wait_ms);
	return fd == -ENXIO ? fd : outfile_attach(&o->output, o->path, fd);
}
