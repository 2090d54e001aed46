// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/counter.h"
#include "base/file.h"
#include "full.h"

/* How long a wait lasts before the next try. */
#define NAP_NS 100000000

static bool is_full(int err)
{
	return err == -ENOSPC || err == -EDQUOT;
}

static void begin_wait(struct nr_full *full, int err)
{
	full->since = nr_clock_now();
	nr_log(full->output->recording->log, NR_LOG_WARN, "%s waits for room on its disk: %s",
	       full->output->name, nr_write_reason(err));
}

/* To the delivery, the wait is a call that makes progress. */
static bool wait_a_little(struct nr_full *full, int err)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };
	uint64_t began = nr_clock_now(), now;

	if (!atomic_load(&full->output->recording->running))
		return false;
	if (!full->since)
		begin_wait(full, err);
	nanosleep(&nap, NULL);
	now = nr_clock_now();
	nr_counter_add(&full->output->paused_ns, now - began);
	nr_counter_set(&full->output->since, now);
	return true;
}

bool nr_full_again(struct nr_full *full, int err)
{
	if (!is_full(err))
		return false;
	switch (full->on_full) {
	case NR_ON_FULL_DROP_OLDEST:
		return !full->drop(full->arg);
	case NR_ON_FULL_PAUSE:
		return wait_a_little(full, err);
	default:
		return false;
	}
}

void nr_full_over(struct nr_full *full, int err)
{
	if (!full->since)
		return;
	nr_log(full->output->recording->log, NR_LOG_WARN, "%s %s after %.1f s", full->output->name,
	       err ? "stopped waiting for room on its disk" : "has room on its disk again",
	       (nr_clock_now() - full->since) / 1e9);
	full->since = 0;
}

int nr_full_probe(int dir, uint64_t size)
{
	int fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	int err = fd < 0 || fallocate(fd, 0, 0, size) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return is_full(err) ? err : 0; /* not every file system can say */
}
