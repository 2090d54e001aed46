// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The files in the directory of a trace, or of a chunk. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libdeflate.h>
#include <sys/stat.h>
#include "base/file.h"
#include "base/trace_files.h"
#include "dir.h"

bool nr_is_named(int dir, const char *name, int fd)
{
	struct stat file, named;

	return !fstat(fd, &file) && !fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) &&
	       file.st_dev == named.st_dev && file.st_ino == named.st_ino;
}

int nr_trace_dir_set_access(const struct nr_trace_dir *d, int fd, const char *name, mode_t mode)
{
	struct stat st;

	if (d->shared && fchown(fd, -1, d->group)) {
		int err = -errno;

		nr_log(&d->log, NR_LOG_ERROR, "cannot give %s%s to group %u: %s", d->path, name,
		       d->group, nr_write_reason(err));
		return err;
	}
	if (d->shared)
		mode |= (mode >> 3) & 050;
	if (fstat(fd, &st) || ((st.st_mode & 0777) != mode && fchmod(fd, mode)))
		nr_log(&d->log, NR_LOG_WARN, "cannot restrict who may read %s%s: %s", d->path, name,
		       strerror(errno));
	return 0;
}

/* made: the name that the file has at first. */
static int create(const struct nr_trace_dir *d, const char *name, const char *made)
{
	/* Append only: if others truncate the file, its size stays wrong and is noticed. */
	int fd = openat(d->fd, made, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char suffix[32];
	int err;

	if (fd < 0) {
		err = -errno;
		nr_log(&d->log, NR_LOG_ERROR, "cannot create %s/%s: %s", d->path, name,
		       nr_write_reason(err));
		return err;
	}
	snprintf(suffix, sizeof(suffix), "/%s", name);
	err = nr_trace_dir_set_access(d, fd, suffix, 0600);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int nr_trace_dir_create(const struct nr_trace_dir *d, const char *name)
{
	return create(d, name, name);
}

/* The files of nr_trace_dir_write. */
static const char *const files[NR_DIR_FILES] = { NR_FILE_METADATA, NR_FILE_BTF, NR_FILE_KALLSYMS };

void nr_trace_dir_note(struct nr_trace_dir *d, const char *name, const void *data, size_t size)
{
	size_t i = 0;

	while (strcmp(files[i], name))
		i++;
	d->sizes[i] = size;
	d->crcs[i] = libdeflate_crc32(0, data, size);
}

static int write_new(const struct nr_trace_dir *d, const char *name, const char *made,
		     const void *data, size_t size)
{
	int fd = create(d, name, made), err;

	if (fd < 0)
		return fd;
	err = nr_write_all(fd, data, size, 0);
	if (close(fd) && !err)
		err = -errno;
	if (!err && renameat(d->fd, made, d->fd, name))
		err = -errno;
	if (!err)
		return 0;
	unlinkat(d->fd, made, 0);
	nr_log(&d->log, NR_LOG_ERROR, "cannot write %s/%s: %s", d->path, name,
	       nr_write_reason(err));
	return err;
}

/* The file gets its name when it is whole: a recorder that is killed leaves no part of it. */
int nr_trace_dir_write(struct nr_trace_dir *d, const char *name, const void *data, size_t size)
{
	char made[NR_CHUNK_NAME];
	int err;

	snprintf(made, sizeof(made), NR_NEW "%s", name);
	err = write_new(d, name, made, data, size);
	if (!err)
		nr_trace_dir_note(d, name, data, size);
	return err;
}

/* ---- changes by other programs ---- */

__attribute__((format(printf, 3, 4))) static int changed(const struct nr_trace_dir *d,
							 const char *name, const char *how, ...)
{
	char text[128];
	va_list args;

	va_start(args, how);
	vsnprintf(text, sizeof(text), how, args);
	va_end(args);
	nr_log(&d->log, NR_LOG_ERROR, "another program changed the trace: %s/%s %s", d->path, name,
	       text);
	return -ESTALE;
}

static int cannot_check(const struct nr_trace_dir *d, const char *name, int err)
{
	nr_log(&d->log, NR_LOG_ERROR, "cannot check %s/%s: %s", d->path, name,
	       nr_write_reason(err));
	return err;
}

/* fd -1: the file is not open. */
static int check_file(const struct nr_trace_dir *d, int fd, const char *name, uint64_t size)
{
	struct stat st;

	if (fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? changed(d, name, "was removed or renamed")
				       : cannot_check(d, name, -errno);
	if (fd >= 0 && !nr_is_named(d->fd, name, fd))
		return changed(d, name, "was replaced by another file");
	if ((uint64_t)st.st_size < size)
		return changed(d, name, "was truncated from %" PRIu64 " to %" PRIu64 " bytes", size,
			       (uint64_t)st.st_size);
	if ((uint64_t)st.st_size > size)
		return changed(d, name, "grew from %" PRIu64 " to %" PRIu64 " bytes", size,
			       (uint64_t)st.st_size);
	return 0;
}

int nr_trace_dir_check(const struct nr_trace_dir *d, int fd, const char *name, uint64_t size)
{
	int err = check_file(d, fd, name, size);

	for (size_t i = 0; !err && i < NR_DIR_FILES; i++)
		if (d->sizes[i])
			err = check_file(d, -1, files[i], d->sizes[i]);
	return err;
}

static int check_content(const struct nr_trace_dir *d, size_t i)
{
	int fd = openat(d->fd, files[i], O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint8_t *data = malloc(d->sizes[i]);
	int err = 0;

	/* A file that cannot be read is not known to have changed. */
	if (fd >= 0 && data && nr_read_at(fd, data, d->sizes[i], 0) == (ssize_t)d->sizes[i] &&
	    libdeflate_crc32(0, data, d->sizes[i]) != d->crcs[i])
		err = changed(d, files[i], "was overwritten");
	free(data);
	if (fd >= 0)
		close(fd);
	return err;
}

int nr_trace_dir_check_content(const struct nr_trace_dir *d)
{
	int err = 0;

	for (size_t i = 0; !err && i < NR_DIR_FILES; i++)
		if (d->sizes[i])
			err = check_content(d, i);
	return err;
}
