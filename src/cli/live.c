/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The collector's merge thread writes the lines, and the end of the recording waits for that
 * thread. So it never waits for a reader alone: also for the wish to end, after which a reader that
 * takes nothing for a while is given up.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli.h"
#include "live.h"
#include "patience.h"

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

static bool cut_to(const struct stat *st, off_t at)
{
	return S_ISREG(st->st_mode) && at > st->st_size;
}

/* Whoever cuts or removes the file takes no write from us: what we write next would stand behind
 * zeros, or in no file. It may have been renamed, and it may grow: nothing is lost then. */
static int check_file(const struct live *live)
{
	int fd = fileno(live->file);
	off_t at = lseek(fd, 0, SEEK_CUR);
	struct stat st;

	if (fstat(fd, &st))
		return 0;
	if (cut_to(&st, at))
		cli_error("another program cut %s from %jd to %jd bytes: events are lost",
			  live->path, (intmax_t)at, (intmax_t)st.st_size);
	else if (live->linked && !st.st_nlink)
		cli_error("another program removed %s: its events are lost", live->path);
	else
		return 0;
	return -ESTALE;
}

static ssize_t write_all(void *ctx, const char *data, size_t size)
{
	struct live *live = ctx;
	size_t done = 0;

	if (!live->error)
		live->error = check_file(live);
	if (!live->error)
		done = patient_write(fileno(live->file), live->end_fd, data, size, &live->error);
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

int live_open(struct live *live, struct nr_collector *c, FILE *file, const char *path)
{
	const cookie_io_functions_t functions = { .write = write_all };
	struct stat st;
	FILE *out;

	live->file = file;
	live->path = path;
	live->linked = !fstat(fileno(file), &st) && st.st_nlink;
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
	if (live->file)
		eventfd_write(live->end_fd, 1);
}

int live_close(struct live *live)
{
	FILE *out = live->lines.out;
	int err;

	if (!live->file)
		return 0;
	lines_close(&live->lines);
	if (out)
		fclose(out);
	err = live->error ?: check_file(live);
	if (live->end_fd >= 0)
		close(live->end_fd);
	*live = (struct live){ .delivered = live->delivered };
	return err;
}
