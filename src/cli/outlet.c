/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli.h"
#include "outlet.h"

/* The kernel does not tell when somebody opens a FIFO. */
#define TRY_AGAIN_MS 20

/* N of "/dev/fd/N", -1 of all else. */
static int number_in(const char *path, const char *dir)
{
	size_t len = strlen(dir);
	char *end;
	long fd;

	if (strncmp(path, dir, len) || strspn(path + len, "0123456789") != strlen(path + len))
		return -1;
	fd = strtol(path + len, &end, 10);
	return end > path + len && fd <= INT_MAX ? (int)fd : -1;
}

static int named_descriptor(const char *path)
{
	int fd = number_in(path, "/dev/fd/");

	if (!strcmp(path, "-") || !strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	return fd < 0 ? number_in(path, "/proc/self/fd/") : fd;
}

struct outlet outlet_named(const char *path)
{
	return (struct outlet){ .path = path,
				.descriptor = named_descriptor(path),
				.output.dir = -1 };
}

static bool is_of(const char *path, mode_t type)
{
	struct stat st;

	return !stat(path, &st) && (st.st_mode & S_IFMT) == type;
}

bool outlet_is_fifo(const char *path)
{
	return is_of(path, S_IFIFO);
}

int outlet_open_fifo(const char *path, int end_fd, unsigned wait_ms)
{
	struct pollfd end = { .fd = end_fd, .events = POLLIN };

	for (uint64_t waited = 0;; waited += TRY_AGAIN_MS) {
		int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0 || errno != ENXIO)
			return fd < 0 ? -errno : fd;
		if ((wait_ms && waited >= wait_ms) || poll(&end, 1, TRY_AGAIN_MS) > 0)
			return -ENXIO;
	}
}

/* What is there and takes lines. */
static int open_there(const struct outlet *o, int end_fd, unsigned duration_ms)
{
	int fd;

	if (o->descriptor >= 0)
		fd = fcntl(o->descriptor, F_DUPFD_CLOEXEC, 0);
	else
		return outlet_open_fifo(o->path, end_fd, duration_ms);
	return fd < 0 ? -errno : fd;
}

int outlet_open(struct outlet *o, const struct output_opts *opts, int end_fd, unsigned duration_ms)
{
	int fd;

	if (o->descriptor == STDOUT_FILENO)
		return output_open(&o->output, "-", opts);
	if (o->descriptor < 0 && !outlet_is_fifo(o->path))
		return output_open(&o->output, o->path, opts);
	fd = open_there(o, end_fd, duration_ms);
	if (fd == -ENXIO) {
		cli_error("no reader opened %s: nothing was recorded", o->path);
		return fd;
	}
	o->output = (struct output){ .path = o->path, .dir = -1 };
	o->output.file = fd < 0 ? NULL : fdopen(fd, "w");
	if (o->output.file)
		return 0;
	fd = fd < 0 ? fd : -errno;
	cli_error("cannot write %s: %s", o->path, strerror(-fd));
	return fd;
}
