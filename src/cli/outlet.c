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
#include "outlet.h"

/* The kernel does not tell when somebody opens a FIFO. */
#define TRY_AGAIN_MS 20

struct outlet outlet_named(const char *path)
{
	int descriptor = output_descriptor(path);

	return (struct outlet){ .path = path,
				.descriptor = descriptor,
				.fifo = descriptor < 0 ? output_hold_fifo(path) : -1,
				.output.dir = -1 };
}

static int status(const struct outlet *o, struct stat *st)
{
	return o->descriptor >= 0 ? fstat(o->descriptor, st) : stat(o->path, st);
}

bool outlet_is_fifo(const struct outlet *o)
{
	return o->fifo >= 0;
}

bool outlet_has_reader(const struct outlet *o)
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

/* Do two names that are not there yet stand in one directory? */
static bool same_name(const char *a, const char *b)
{
	char *one = strdup(a), *other = strdup(b);
	bool same = one && other && !strcmp(last_part(a), last_part(b)) &&
		    cli_same_file(dirname(one), dirname(other));

	free(one);
	free(other);
	return same;
}

bool outlet_is_same(const struct outlet *a, const struct outlet *b)
{
	struct stat one, other;
	bool no_one = status(a, &one), no_other = status(b, &other);

	if (no_one && no_other)
		return same_name(a->path, b->path);
	return !no_one && !no_other && !S_ISCHR(one.st_mode) && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

/* Waits for somebody who reads from it. The descriptor, or a negative errno; -ENXIO: nobody came.
 */
static int open_fifo(int fifo, int end_fd, unsigned wait_ms)
{
	struct pollfd end = { .fd = end_fd, .events = POLLIN };
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fifo);
	for (uint64_t waited = 0;; waited += TRY_AGAIN_MS) {
		int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0 || errno != ENXIO)
			return fd < 0 ? -errno : fd;
		if ((wait_ms && waited >= wait_ms) || poll(&end, 1, TRY_AGAIN_MS) > 0)
			return -ENXIO;
	}
}

int outlet_open(struct outlet *o, const struct output_opts *opts, int end_fd, unsigned wait_ms)
{
	int fd;

	if (!outlet_is_fifo(o))
		return output_open(&o->output, o->path, opts);
	fd = open_fifo(o->fifo, end_fd, wait_ms);
	return fd == -ENXIO ? fd : output_take(&o->output, o->path, fd);
}
