/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The lines are written by a thread of the collector, and the end of the recording waits for that
 * thread. So a write waits for the reader or for the end of the recording. After the end it gives
 * up a reader that reads nothing for READER_TIMEOUT_MS.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "cli.h"
#include "jsonl.h"
#include "timed_write.h"

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

static int write_lines(void *ctx, const char *text, size_t size)
{
	struct jsonl *jsonl = ctx;
	int fd = jsonl->terminal < 0 ? fileno(jsonl->output->file) : jsonl->terminal;
	size_t done = 0;

	if (!jsonl->error)
		jsonl->error = outfile_check(jsonl->output);
	if (!jsonl->error)
		done = timed_write(fd, jsonl->end_fd, text, size, &jsonl->error);
	if (!jsonl->error)
		jsonl->error = outfile_check_write(jsonl->output, done);
	jsonl->delivered += count_lines(text, done);
	return jsonl->error;
}

/* A write to a terminal may block half-way, even after poll said that the terminal is writable.
 * Opening it again gives us O_NONBLOCK without setting it for those who share our descriptor. */
static int open_terminal(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return isatty(fd) ? open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
}

int jsonl_open(struct jsonl *jsonl, struct nr_collector *c, struct outfile *output,
	       const struct nr_output_opts *opts)
{
	int index;

	jsonl->output = output;
	jsonl->terminal = open_terminal(fileno(output->file));
	/* A closed pipe becomes a write error, not a signal. */
	signal(SIGPIPE, SIG_IGN);
	jsonl->end_fd = eventfd(0, EFD_CLOEXEC);
	if (jsonl->end_fd < 0) {
		int err = -errno;

		cli_error("cannot write JSON lines: %s", strerror(-err));
		return err;
	}
	index = nr_collector_add_json_lines(c, write_lines, jsonl, opts);
	return index < 0 ? index : 0;
}

void jsonl_end(const struct jsonl *jsonl)
{
	if (jsonl->output)
		eventfd_write(jsonl->end_fd, 1);
}

int jsonl_close(struct jsonl *jsonl)
{
	int err = jsonl->error;

	if (!jsonl->output)
		return 0;
	if (jsonl->end_fd >= 0)
		close(jsonl->end_fd);
	if (jsonl->terminal >= 0)
		close(jsonl->terminal);
	*jsonl = (struct jsonl){ .delivered = jsonl->delivered };
	return err;
}
