// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include "dir.h"
#include "store.h"

int nr_write_all(int fd, const void *data, size_t size, uint64_t off)
{
	const uint8_t *p = data;

	while (size) {
		ssize_t n = pwrite(fd, p, size, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		off += n;
		size -= n;
	}
	return 0;
}

enum holds { HOLDS_NOTHING, HOLDS_TRACE, HOLDS_OTHERS };

/* The files of a trace, and what they are called while it is not sure that they are replaced. */
static const struct {
	const char *name, *old;
} files[] = {
	{ NR_FILE_STREAM, ".old-" NR_FILE_STREAM },
	{ NR_FILE_BTF, ".old-" NR_FILE_BTF },
	{ NR_FILE_METADATA, ".old-" NR_FILE_METADATA },
};

#define NR_FILES (sizeof(files) / sizeof(*files))

static bool is_our_name(const char *name)
{
	for (size_t i = 0; i < NR_FILES; i++)
		if (!strcmp(name, files[i].name) || !strcmp(name, files[i].old))
			return true;
	return false;
}

static bool is_our_metadata(int dir)
{
	char text[64];
	ssize_t n;
	int fd = openat(dir, NR_FILE_METADATA, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text));
	close(fd);
	return n > 0 && nr_metadata_is_ours(text, n);
}

/* What is in the directory; other is the name of something that is not ours. */
static int look(int fd, enum holds *holds, char *other, size_t size)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	bool any = false;

	if (!d) {
		int err = -errno;

		if (copy >= 0)
			close(copy);
		return err;
	}
	*other = 0;
	while (!*other && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		any = true;
		if (!is_our_name(e->d_name))
			snprintf(other, size, "%s", e->d_name);
	}
	closedir(d);
	if (any && !*other && !is_our_metadata(fd))
		snprintf(other, size, "no metadata of numaring");
	*holds = *other ? HOLDS_OTHERS : any ? HOLDS_TRACE : HOLDS_NOTHING;
	return 0;
}

/* Whoever records holds a lock on the stream. */
static bool is_recorded(int dir)
{
	int fd = openat(dir, NR_FILE_STREAM, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return locked;
}

static void put_back(int dir)
{
	for (size_t i = 0; i < NR_FILES; i++)
		renameat(dir, files[i].old, dir, files[i].name);
}

static int put_aside(int fd, const char *dir, const struct nr_logger *log)
{
	for (size_t i = 0; i < NR_FILES; i++)
		if (renameat(fd, files[i].name, fd, files[i].old) && errno != ENOENT) {
			int err = -errno;

			nr_log(log, NR_LOG_ERROR, "cannot replace %s/%s: %s", dir, files[i].name,
			       strerror(-err));
			put_back(fd);
			return err;
		}
	return 0;
}

static int make_room(int fd, const char *dir, bool force, bool *replaced,
		     const struct nr_logger *log)
{
	enum holds holds = HOLDS_NOTHING;
	char other[256];
	int err = look(fd, &holds, other, sizeof(other));

	if (err) {
		nr_log(log, NR_LOG_ERROR, "cannot list %s: %s", dir, strerror(-err));
		return err;
	}
	if (holds == HOLDS_OTHERS) {
		nr_log(log, NR_LOG_ERROR,
		       "%s holds something that is not a trace of numaring (%s); give a directory "
		       "that is empty or does not exist",
		       dir, other);
		return -ENOTEMPTY;
	}
	if (holds == HOLDS_TRACE && !force) {
		nr_log(log, NR_LOG_ERROR,
		       "%s holds a trace already; only force (--force) replaces it", dir);
		return -EEXIST;
	}
	if (is_recorded(fd)) {
		nr_log(log, NR_LOG_ERROR,
		       "%s is being recorded into: end that recording, or give another directory",
		       dir);
		return -EBUSY;
	}
	*replaced = holds == HOLDS_TRACE;
	return *replaced ? put_aside(fd, dir, log) : 0;
}

static int open_dir(struct nr_trace_dir *d, bool force)
{
	int err;

	d->made = !mkdir(d->path, 0755);
	if (!d->made && errno != EEXIST)
		goto bad;
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0)
		goto bad;
	return d->made ? 0 : make_room(d->fd, d->path, force, &d->replaced, &d->log);
bad:
	err = -errno;
	nr_log(&d->log, NR_LOG_ERROR, "cannot make the directory %s: %s", d->path, strerror(-err));
	return err;
}

int nr_trace_dir_open(struct nr_trace_dir *d, const char *path, bool force,
		      const struct nr_logger *log)
{
	int err;

	*d = (struct nr_trace_dir){ .log = *log, .path = strdup(path), .fd = -1 };
	err = d->path ? open_dir(d, force) : -ENOMEM;
	if (err)
		nr_trace_dir_close(d);
	return err;
}

int nr_trace_dir_create(const struct nr_trace_dir *d, const char *name)
{
	int fd = openat(d->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd >= 0)
		return fd;
	fd = -errno;
	nr_log(&d->log, NR_LOG_ERROR, "cannot create %s/%s: %s", d->path, name, strerror(-fd));
	return fd;
}

int nr_trace_dir_write(const struct nr_trace_dir *d, const char *name, const void *data,
		       size_t size)
{
	int fd = nr_trace_dir_create(d, name), err;

	if (fd < 0)
		return fd;
	err = nr_write_all(fd, data, size, 0);
	if (close(fd) && !err)
		err = -errno;
	if (err)
		nr_log(&d->log, NR_LOG_ERROR, "cannot write %s/%s: %s", d->path, name,
		       strerror(-err));
	return err;
}

void nr_trace_dir_keep(struct nr_trace_dir *d)
{
	for (size_t i = 0; d->replaced && i < NR_FILES; i++)
		unlinkat(d->fd, files[i].old, 0);
}

void nr_trace_dir_undo(struct nr_trace_dir *d)
{
	if (d->fd < 0)
		return;
	for (size_t i = 0; i < NR_FILES; i++)
		unlinkat(d->fd, files[i].name, 0);
	if (d->replaced)
		put_back(d->fd);
	if (d->made)
		rmdir(d->path);
}

void nr_trace_dir_close(struct nr_trace_dir *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
	free(d->path);
	d->path = NULL;
}
