/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The collector's merge thread writes the lines, and the end of the recording waits for that
 * thread. So it never waits for a reader alone: also for the wish to end, after which a reader that
 * takes nothing for a while is given up.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "cli.h"
#include "live.h"
#include "patience.h"

static uint64_t count_lines(const char *data, size_t size)
{
	const char *end = data + size;
	uint64_t n = 0;

	while ((data = memchr(data, '\n', end - data))) {
		data++;
		n++;
	}
	return n;
}

static ssize_t write_all(void *ctx, const char *data, size_t size)
{
	struct live *live = ctx;
	size_t done = 0;

	if (!live->error)
		live->error = output_check(live->output);
	if (!live->error)
		done = patient_write(live->terminal < 0 ? fileno(live->output->file)
							: live->terminal,
				     live->end_fd, data, size, &live->error);
	if (!live->error)
		live->error = output_wrote(live->output, done);
	live->delivered += count_lines(data, done);
	errno = -live->error;
	return done;
}

static int print_batch(void *ctx, const struct nr_batch *batch)
{
	struct live *live = ctx;
	int err = 0;

	if (!batch->n)
		fflush(live->lines.out);
	nr_batch_for_each (ev, batch) {
		err = lines_event(&live->lines, ev);
		if (err)
			break;
	}
	return live->error ?: err;
}

/* A terminal may take a part of a write and wait with the rest, whatever poll said. It is opened
 * anew so that it does not: those who share our descriptor see no O_NONBLOCK. */
static int open_terminal(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return isatty(fd) ? open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
}

int live_open(struct live *live, struct nr_collector *c, struct output *output)
{
	const cookie_io_functions_t functions = { .write = write_all };
	FILE *out;

	live->output = output;
	live->terminal = open_terminal(fileno(output->file));
	/* A closed pipe shall be an error of writing. */
	signal(SIGPIPE, SIG_IGN);
	live->end_fd = eventfd(0, EFD_CLOEXEC);
	out = live->end_fd < 0 ? NULL : fopencookie(live, "w", functions);
	if (!out || lines_open(&live->lines, out, LINES_JSON, nr_collector_types(c),
			       nr_collector_clock_offset(c))) {
		cli_error("cannot write JSON lines: %s", strerror(errno));
		return -errno;
	}
	return nr_collector_set_batch(c, print_batch, live);
}

void live_end(const struct live *live)
{
	if (live->output)
		eventfd_write(live->end_fd, 1);
}

int live_close(struct live *live)
{
	FILE *out = live->lines.out;
	int err;

	if (!live->output)
		return 0;
	lines_close(&live->lines);
	if (out)
		fclose(out);
	err = live->error;
	if (live->end_fd >= 0)
		close(live->end_fd);
	if (live->terminal >= 0)
		close(live->terminal);
	*live = (struct live){ .delivered = live->delivered };
	return err;
}
