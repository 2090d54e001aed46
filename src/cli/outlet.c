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
	return (struct outlet){ .path = path, .descriptor = named_descriptor(path) };
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
	else if (!outlet_is_fifo(o->path))
		fd = open(o->path, O_WRONLY | O_CLOEXEC);
	else
		return outlet_open_fifo(o->path, end_fd, duration_ms);
	return fd < 0 ? -errno : fd;
}

FILE *outlet_open(struct outlet *o, bool force, int end_fd, unsigned duration_ms)
{
	FILE *file;
	int fd;

	if (o->descriptor == STDOUT_FILENO)
		return stdout;
	if (o->descriptor < 0 && !outlet_is_fifo(o->path) && !is_of(o->path, S_IFCHR)) {
		file = cli_open_output(o->path, force);
		o->made = file && !force;
		return file;
	}
	fd = open_there(o, end_fd, duration_ms);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (fd == -ENXIO)
		cli_error("no reader opened %s: nothing was recorded", o->path);
	else if (!file)
		cli_error("cannot write %s: %s", o->path, strerror(fd < 0 ? -fd : errno));
	return file;
}
