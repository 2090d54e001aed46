// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The files of a trace that give the addresses in its stacks names. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/file.h"
#include "base/trace_files.h"
#include "names/mappings.h"
#include "names/names.h"
#include "trace_parts.h"

/* ---- the kernel's symbols ---- */

/* All chunks have the same file. False: it cannot be linked; a copy does as well. */
static bool link_kernel(const struct nr_trace_output *t, struct nr_trace_dir *dir)
{
	char path[32];

	if (t->kernel_fd < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", t->kernel_fd);
	return !linkat(AT_FDCWD, path, dir->fd, NR_FILE_KALLSYMS, AT_SYMLINK_FOLLOW);
}

static int begin_kernel(struct nr_trace_output *t, struct nr_trace_dir *dir)
{
	size_t size;
	const void *data = nr_names_kernel(t->output.recording->names, &size);
	int err;

	if (!data)
		return 0;
	if (link_kernel(t, dir)) {
		nr_trace_dir_note(dir, NR_FILE_KALLSYMS, data, size);
		return 0;
	}
	err = nr_trace_dir_write(dir, NR_FILE_KALLSYMS, data, size);
	if (err)
		return err;
	if (t->kernel_fd >= 0)
		close(t->kernel_fd);
	t->kernel_fd = openat(dir->fd, NR_FILE_KALLSYMS, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return 0;
}

/* ---- the mappings of processes ---- */

static void close_mappings(struct nr_trace_output *t)
{
	if (t->mappings_fd >= 0)
		close(t->mappings_fd);
	t->mappings_fd = -1;
}

/* Cuts off what was not written completely. The trace goes on without names of later processes. */
static void give_up(struct nr_trace_output *t, int err)
{
	nr_log(t->output.recording->log, NR_LOG_WARN,
	       "cannot write %s/" NR_FILE_MAPPINGS
	       ": %s; addresses of processes that are seen from "
	       "now on stay without names",
	       t->file.dir->path, nr_write_reason(err));
	if (ftruncate(t->mappings_fd, t->mappings_size))
		err = -errno; /* a reader leaves out the rest of a line */
	close_mappings(t);
}

void nr_store_names(struct nr_trace_output *t)
{
	size_t size = 0;
	char *text;
	int err;

	if (t->mappings_fd < 0)
		return;
	err = nr_names_copy(t->output.recording->names, &t->mappings_seen, false, &text, &size);
	if (!err && text)
		err = nr_write_all(t->mappings_fd, text, size, t->mappings_size);
	free(text);
	if (err)
		give_up(t, err);
	else
		t->mappings_size += size;
}

static int begin_mappings(struct nr_trace_output *t, const struct nr_trace_dir *dir)
{
	const char *begin = NR_MAPPINGS_BEGIN;
	int fd = nr_trace_dir_create(dir, NR_FILE_MAPPINGS), err;

	if (fd < 0)
		return fd;
	err = nr_write_all(fd, begin, strlen(begin), 0);
	if (err) {
		nr_log(&dir->log, NR_LOG_ERROR, "cannot write %s/" NR_FILE_MAPPINGS ": %s",
		       dir->path, nr_write_reason(err));
		close(fd);
		return err;
	}
	t->mappings_fd = fd;
	t->mappings_size = strlen(begin);
	t->mappings_seen = 0;
	return 0;
}

/* ---- both ---- */

int nr_store_begin_names(struct nr_trace_output *t, struct nr_trace_dir *dir)
{
	if (!t->output.recording->names)
		return 0;
	close_mappings(t);
	return begin_kernel(t, dir) ?: begin_mappings(t, dir);
}

void nr_store_end_names(struct nr_trace_output *t)
{
	nr_store_names(t);
	if (t->mappings_fd >= 0 && t->stream.fsync_ns)
		nr_sync(t->mappings_fd);
	close_mappings(t);
}
