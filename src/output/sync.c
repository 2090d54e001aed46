// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "base/file.h"
#include "base/trace_files.h"
#include "sync.h"

static int sync_named(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int err = fd < 0 ? -errno : nr_sync(fd);

	if (fd >= 0)
		close(fd);
	return err;
}

/* Not every user can open the parent. */
static int sync_parent(int dir)
{
	int err = sync_named(dir, "..");

	return err == -EACCES && !syncfs(dir) ? 0 : err;
}

int nr_trace_dir_sync(const struct nr_trace_dir *d)
{
	static const char *const files[NR_DIR_FILES] = { NR_FILE_METADATA, NR_FILE_BTF,
							 NR_FILE_KALLSYMS };
	int err = 0;

	for (size_t i = 0; !err && i < NR_DIR_FILES; i++)
		if (d->sizes[i])
			err = sync_named(d->fd, files[i]);
	err = err ?: nr_sync(d->fd) ?: sync_parent(d->fd);
	if (err)
		nr_log(&d->log, NR_LOG_ERROR, "cannot force the directory %s to the disk: %s",
		       d->path, nr_write_reason(err));
	return err;
}
