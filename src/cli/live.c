/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include "cli.h"
#include "live.h"

static int print_batch(void *ctx, const struct nr_batch *batch)
{
	struct live *live = ctx;
	int err = 0;

	if (!batch->nr)
		return fflush(live->lines.out) ? -errno : 0;
	nr_batch_for_each (ev, batch) {
		err = lines_event(&live->lines, ev);
		if (err)
			break;
	}
	return err;
}

int live_open(struct live *live, struct nr_collector *c, const char *path, bool force)
{
	FILE *out = cli_open_output(path, force);
	int err;

	if (!out)
		return -EIO;
	/* A closed pipe shall be an error of writing. */
	signal(SIGPIPE, SIG_IGN);
	err = lines_open(&live->lines, out, LINES_JSON, nr_collector_types(c),
			 nr_collector_clock_offset(c));
	if (err)
		return err;
	return nr_collector_set_batch(c, print_batch, live);
}

int live_close(struct live *live)
{
	FILE *out = live->lines.out;
	int err = 0;

	lines_close(&live->lines);
	if (!out)
		return 0;
	if (fflush(out))
		err = -errno;
	if (out != stdout && fclose(out) && !err)
		err = -errno;
	return err;
}
