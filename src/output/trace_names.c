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
#include "names/stack_ids.h"
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

/* ---- the mappings of processes, and the stacks of ids ---- */

/* A file that gets what is new in nr_names. */
struct grown {
	const char *name, *begin;
	const char *without; /* what there is not if it cannot be written */
	int (*copy)(struct nr_names *n, uint64_t *seen, char **text, size_t *size);
};

static int copy_mappings(struct nr_names *n, uint64_t *seen, char **text, size_t *size)
{
	return nr_names_copy(n, seen, false, text, size);
}

static const struct grown mappings = {
	NR_FILE_MAPPINGS,
	NR_MAPPINGS_BEGIN,
	"addresses of processes that are seen from now on stay without names",
	copy_mappings,
};
static const struct grown stacks = {
	NR_FILE_STACKS,
	NR_STACK_IDS_BEGIN,
	"stack ids stay without their stacks",
	nr_names_copy_stacks,
};

static void close_file(struct nr_growing_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

/* Cuts off what was not written completely. The trace goes on. */
static void give_up(struct nr_trace_output *t, struct nr_growing_file *f, const struct grown *how,
		    int err)
{
	nr_log(t->output.recording->log, NR_LOG_WARN, "cannot write %s/%s: %s; %s",
	       t->file.dir->path, how->name, nr_write_reason(err), how->without);
	if (ftruncate(f->fd, f->size))
		err = -errno; /* a reader leaves out the rest of a line */
	close_file(f);
}

static void add_new(struct nr_trace_output *t, struct nr_growing_file *f, const struct grown *how)
{
	size_t size = 0;
	char *text;
	int err;

	if (f->fd < 0)
		return;
	err = how->copy(t->output.recording->names, &f->seen, &text, &size);
	if (!err && text)
		err = nr_write_all(f->fd, text, size, f->size);
	free(text);
	if (err)
		give_up(t, f, how, err);
	else
		f->size += size;
}

void nr_store_names(struct nr_trace_output *t)
{
	add_new(t, &t->mappings, &mappings);
}

static int begin_file(struct nr_growing_file *f, const struct grown *how,
		      const struct nr_trace_dir *dir)
{
	size_t size = strlen(how->begin);
	int fd = nr_trace_dir_create(dir, how->name), err;

	if (fd < 0)
		return fd;
	err = nr_write_all(fd, how->begin, size, 0);
	if (err) {
		nr_log(&dir->log, NR_LOG_ERROR, "cannot write %s/%s: %s", dir->path, how->name,
		       nr_write_reason(err));
		close(fd);
		return err;
	}
	*f = (struct nr_growing_file){ .fd = fd, .size = size };
	return 0;
}

static void end_file(struct nr_trace_output *t, struct nr_growing_file *f)
{
	if (f->fd >= 0 && t->stream.fsync_ns)
		nr_sync(f->fd);
	close_file(f);
}

/* ---- all ---- */

int nr_store_begin_names(struct nr_trace_output *t, struct nr_trace_dir *dir)
{
	struct nr_names *n = t->output.recording->names;
	int err;

	if (!n)
		return 0;
	close_file(&t->mappings);
	close_file(&t->stacks);
	err = begin_kernel(t, dir) ?: begin_file(&t->mappings, &mappings, dir);
	if (!err && nr_names_have_stacks(n)) {
		err = begin_file(&t->stacks, &stacks, dir);
		add_new(t, &t->stacks, &stacks);
	}
	return err;
}

void nr_store_end_names(struct nr_trace_output *t)
{
	if (t->stacks.fd >= 0)
		nr_names_read_stacks(t->output.recording->names);
	add_new(t, &t->mappings, &mappings);
	add_new(t, &t->stacks, &stacks);
	end_file(t, &t->mappings);
	end_file(t, &t->stacks);
}
