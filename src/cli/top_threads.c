// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "top_threads.h"

#define TASKS "/proc/self/task"

int top_threads_open(struct top_threads *t, unsigned n_shards)
{
	t->n = n_shards;
	t->fds = malloc((n_shards + 1) * sizeof(*t->fds));
	t->ns = calloc(n_shards + 1, sizeof(*t->ns));
	t->percent = calloc(n_shards + 1, sizeof(*t->percent));
	if (!t->fds || !t->ns || !t->percent)
		return -ENOMEM;
	for (unsigned i = 0; i < n_shards; i++)
		t->fds[i] = -1;
	return 0;
}

void top_threads_close(struct top_threads *t)
{
	for (unsigned i = 0; t->fds && i < t->n; i++)
		if (t->fds[i] >= 0)
			close(t->fds[i]);
	free(t->fds);
	free(t->ns);
	free(t->percent);
}

/* Reads a small file of a thread. False: it is not there. */
static bool read_text(const char *tid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), TASKS "/%.16s/%s", tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, buf, size - 1);
	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = 0;
	return n > 0;
}

static void find_thread(struct top_threads *t, const char *tid)
{
	char name[32], path[64];
	unsigned shard;

	if (!read_text(tid, "comm", name, sizeof(name)) ||
	    sscanf(name, "nr-drain-%u", &shard) != 1 || shard >= t->n || t->fds[shard] >= 0)
		return;
	snprintf(path, sizeof(path), TASKS "/%.16s/schedstat", tid);
	t->fds[shard] = open(path, O_RDONLY | O_CLOEXEC);
}

static void find_threads(struct top_threads *t)
{
	DIR *dir = opendir(TASKS);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		find_thread(t, entry->d_name);
	if (dir)
		closedir(dir);
}

/* The time on a CPU so far. */
static uint64_t read_ns(int fd)
{
	char buf[64];
	ssize_t n = fd < 0 ? -1 : pread(fd, buf, sizeof(buf) - 1, 0);
	uint64_t ns = 0;

	buf[n > 0 ? n : 0] = 0;
	return sscanf(buf, "%" SCNu64, &ns) == 1 ? ns : 0;
}

const double *top_threads_percent(struct top_threads *t, double seconds)
{
	if (t->n && t->fds[0] < 0)
		find_threads(t);
	for (unsigned i = 0; i < t->n; i++) {
		uint64_t ns = read_ns(t->fds[i]);

		t->percent[i] = seconds > 0 && ns > t->ns[i] ? (ns - t->ns[i]) / seconds / 1e7 : 0;
		t->ns[i] = ns;
	}
	return t->percent;
}
