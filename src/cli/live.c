/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The collector's merge thread writes the lines, and the end of the recording waits for that
 * thread. So it never waits for a reader alone: also for the wish to end, after which a reader that
 * takes nothing for a while is given up.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "cli.h"
#include "live.h"

/* How long a reader may take nothing once the end was asked for. */
#define READER_GRACE_MS 2000

static int wait_for_reader(const struct live *live)
{
	struct pollfd fds[] = {
		{ .fd = fileno(live->file), .events = POLLOUT },
		{ .fd = live->end_fd, .events = POLLIN },
	};

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return -errno;
	if (fds[0].revents)
		return 0;
	return poll(fds, 1, READER_GRACE_MS) ? 0 : -ETIMEDOUT;
}

/* Not more than a pipe takes without waiting when poll says that it takes something. */
static int write_some(const struct live *live, const char *data, size_t size)
{
	ssize_t n = wait_for_reader(live);

	if (n)
		return n;
	n = write(fileno(live->file), data, size < PIPE_BUF ? size : PIPE_BUF);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	return n;
}

static uint64_t count_lines(const char *data, size_t size)
{
	const char *end = data + size;
	uint64_t nr = 0;

	while ((data = memchr(data, '\n', end - data))) {
		data++;
		nr++;
	}
	return nr;
}

static ssize_t write_all(void *ctx, const char *data, size_t size)
{
	struct live *live = ctx;
	size_t done = 0;

	while (!live->error && done < size) {
		int n = write_some(live, data + done, size - done);

		if (n < 0)
			live->error = n;
		else
			done += n;
	}
	live->delivered += count_lines(data, done);
	errno = -live->error;
	return done;
}

static int print_batch(void *ctx, const struct nr_batch *batch)
{
	struct live *live = ctx;
	int err = 0;

	if (!batch->nr)
		fflush(live->lines.out);
	nr_batch_for_each (ev, batch) {
		err = lines_event(&live->lines, ev);
		if (err)
			break;
	}
	return live->error ?: err;
}

int live_open(struct live *live, struct nr_collector *c, const char *path, bool force)
{
	const cookie_io_functions_t functions = { .write = write_all };
	FILE *out;

	live->file = cli_open_output(path, force);
	if (!live->file)
		return -EIO;
	/* A closed pipe shall be an error of writing. */
	signal(SIGPIPE, SIG_IGN);
	live->end_fd = eventfd(0, EFD_CLOEXEC);
	out = live->end_fd < 0 ? NULL : fopencookie(live, "w", functions);
	if (!out || lines_open(&live->lines, out, LINES_JSON, nr_collector_types(c),
			       nr_collector_clock_offset(c))) {
		cli_error("cannot write %s: %s", path, strerror(errno));
		return -errno;
	}
	return nr_collector_set_batch(c, print_batch, live);
}

void live_end(const struct live *live)
{
	if (live->file)
		eventfd_write(live->end_fd, 1);
}

int live_close(struct live *live)
{
	FILE *out = live->lines.out, *file = live->file;
	int err;

	if (!file)
		return 0;
	lines_close(&live->lines);
	if (out)
		fclose(out);
	err = live->error;
	if (live->end_fd >= 0)
		close(live->end_fd);
	if (file != stdout && fclose(file) && !err)
		err = -errno;
	*live = (struct live){ .delivered = live->delivered };
	return err;
}
