// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <libdeflate.h>
#include <sys/stat.h>
#include "dir.h"
#include "base/file.h"
#include "base/trace_files.h"

/* Two recordings at most meet at the lock; more rounds are somebody's game. */
#define LOCK_ROUNDS 100

/* Longest chain of symbolic links that is followed. */
#define MAX_LINKS 8

/* Is the file of this descriptor still the one under that name? */
static bool is_named(int dir, const char *name, int fd)
{
	struct stat file, named;

	return !fstat(fd, &file) && !fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) &&
	       file.st_dev == named.st_dev && file.st_ino == named.st_ino;
}

/* Whatever the umask, and the access lists that the parent hands down. */
static int set_access(const struct nr_trace_dir *d, int fd, const char *name, mode_t mode)
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

/* ---- what is in it ---- */

enum holds { HOLDS_NOTHING, HOLDS_TRACE, HOLDS_OTHERS };

/*
 * The files of a trace, and what they are called while it is not sure that they are replaced.
 *
 * As long as there is an old metadata, the old trace is the one to keep: it is the first file that
 * is put aside, the last that comes back, and the first that is removed when the new trace stays.
 */
static const struct {
	const char *name, *old;
} files[NR_DIR_FILES] = {
	{ NR_FILE_METADATA, NR_OLD NR_FILE_METADATA },
	{ NR_FILE_BTF, NR_OLD NR_FILE_BTF },
	{ NR_FILE_STREAM, NR_OLD NR_FILE_STREAM },
};

static bool is_our_name(const char *name)
{
	for (size_t i = 0; i < NR_DIR_FILES; i++)
		if (!strcmp(name, files[i].name) || !strcmp(name, files[i].old))
			return true;
	return false;
}

/* What is in the directory; other is the name of something that is not ours. */
static int look(int fd, enum holds *holds, char *other, size_t size)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* a position of its own */
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
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    !strcmp(e->d_name, NR_FILE_LOCK))
			continue;
		any = true;
		if (!is_our_name(e->d_name))
			snprintf(other, size, "%s", e->d_name);
	}
	closedir(d);
	if (any && !*other && !nr_is_trace_metadata(fd, files[0].name) &&
	    !nr_is_trace_metadata(fd, files[0].old))
		snprintf(other, size, "no metadata of numaring");
	*holds = *other ? HOLDS_OTHERS : any ? HOLDS_TRACE : HOLDS_NOTHING;
	return 0;
}

/* May we record into it? */
static int inspect(const struct nr_trace_dir *d, bool force, enum holds *holds)
{
	char other[256];
	int err = look(d->fd, holds, other, sizeof(other));

	if (err) {
		nr_log(&d->log, NR_LOG_ERROR, "cannot list %s: %s", d->path, nr_write_reason(err));
		return err;
	}
	if (*holds == HOLDS_OTHERS) {
		nr_log(&d->log, NR_LOG_ERROR,
		       "%s holds something that is not a trace of numaring (%s); give a directory "
		       "that is empty or does not exist",
		       d->path, other);
		return -ENOTEMPTY;
	}
	if (*holds == HOLDS_TRACE && !force) {
		nr_log(&d->log, NR_LOG_ERROR,
		       "%s holds a trace already; only force (--force) replaces it", d->path);
		return -EEXIST;
	}
	return 0;
}

/* ---- the trace that was there ---- */

static void put_back(int dir)
{
	for (size_t i = NR_DIR_FILES; i-- > 0;)
		renameat(dir, files[i].old, dir, files[i].name);
}

static void remove_old(int dir)
{
	for (size_t i = 0; i < NR_DIR_FILES; i++)
		unlinkat(dir, files[i].old, 0);
}

static int put_aside(struct nr_trace_dir *d)
{
	for (size_t i = 0; i < NR_DIR_FILES; i++)
		if (renameat(d->fd, files[i].name, d->fd, files[i].old) && errno != ENOENT) {
			int err = -errno;

			nr_log(&d->log, NR_LOG_ERROR, "cannot replace %s/%s: %s", d->path,
			       files[i].name, nr_write_reason(err));
			put_back(d->fd);
			return err;
		}
	d->replaced = true;
	return 0;
}

/* A recording that was killed while it started, or just after, could not tidy up. */
static void recover(const struct nr_trace_dir *d)
{
	if (nr_trace_dir_is_interrupted(d->fd)) {
		put_back(d->fd);
		nr_log(&d->log, NR_LOG_WARN,
		       "%s: a recording that was about to replace this trace was killed; the trace "
		       "has its names back",
		       d->path);
	}
	remove_old(d->fd);
}

/* ---- one recording at a time ---- */

/* Nobody else can open it, so nobody else can lock it, not even for reading. */
static int open_lock(const struct nr_trace_dir *d)
{
	int fd = openat(d->fd, NR_FILE_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
			0600);

	if (fd >= 0)
		return fd;
	fd = -errno;
	nr_log(&d->log, NR_LOG_ERROR, "cannot create %s/" NR_FILE_LOCK ": %s", d->path,
	       strerror(-fd));
	return fd;
}

static int lock(struct nr_trace_dir *d)
{
	for (int i = 0; i < LOCK_ROUNDS; i++) {
		int fd = open_lock(d);

		if (fd < 0)
			return fd;
		if (!nr_lock_file(fd)) {
			close(fd);
			break;
		}
		if (is_named(d->fd, NR_FILE_LOCK, fd)) {
			d->lock = fd;
			return 0;
		}
		close(fd); /* whoever had it removed it between our two steps */
	}
	nr_log(&d->log, NR_LOG_ERROR,
	       "%s is being recorded into: end that recording, or give another directory", d->path);
	return -EBUSY;
}

/* Removed before it is unlocked: whoever waits at the old one finds that it has lost its name. */
static void unlock(struct nr_trace_dir *d)
{
	if (d->lock < 0)
		return;
	if (is_named(d->fd, NR_FILE_LOCK, d->lock))
		unlinkat(d->fd, NR_FILE_LOCK, 0);
	close(d->lock);
	d->lock = -1;
}

/* ---- the beginning ---- */

/* Opens what is before the last component of a path, and cuts the slashes at its end. */
static int open_parent(int from, char *path, const char **name)
{
	size_t len = strlen(path);
	char *slash, *parent;
	int fd;

	while (len > 1 && path[len - 1] == '/')
		path[--len] = 0;
	slash = strrchr(path, '/');
	*name = !slash ? path : slash[1] ? slash + 1 : ".";
	parent = slash ? strndup(path, slash == path ? 1 : slash - path) : strdup(".");
	fd = parent ? openat(from, parent, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	free(parent);
	return fd;
}

static int open_named(int parent, const char *name, unsigned links);

static int open_target(int parent, char *target, unsigned links)
{
	const char *name;
	int dir = open_parent(parent, target, &name);
	int fd = dir < 0 ? -1 : open_named(dir, name, links);

	if (dir >= 0)
		close(dir);
	return fd;
}

/* The link of somebody else would let them choose where we write. What is looked at is what is
 * followed, whoever gives its name to another one meanwhile. */
static int follow(int parent, const char *name, unsigned links)
{
	int link = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), fd = -1;
	char target[PATH_MAX] = "";
	struct stat st;

	if (link < 0)
		return -1;
	if (fstat(link, &st) || !S_ISLNK(st.st_mode))
		errno = ENOTDIR;
	else if (st.st_uid && st.st_uid != geteuid())
		errno = ELOOP;
	else if (links == MAX_LINKS)
		errno = EMLINK;
	else if (readlinkat(link, "", target, sizeof(target) - 1) > 0)
		fd = open_target(parent, target, links + 1);
	close(link);
	return fd;
}

/* A directory, or what a link leads to: each link on the way is looked at. */
static int open_named(int parent, const char *name, unsigned links)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 && (errno == ENOTDIR || errno == ELOOP) ? follow(parent, name, links) : fd;
}

static int cannot_make(const struct nr_trace_dir *d, int err)
{
	if (err == -ELOOP)
		nr_log(&d->log, NR_LOG_ERROR,
		       "%s is a symbolic link of another user: give the directory itself", d->path);
	else
		nr_log(&d->log, NR_LOG_ERROR, "cannot make the directory %s: %s", d->path,
		       nr_write_reason(err));
	return err;
}

/* The directory goes if we made it, nobody put anything into it, and it is still there. */
static void remove_made(struct nr_trace_dir *d)
{
	if (d->parent < 0)
		return;
	if (is_named(d->parent, d->name, d->fd))
		unlinkat(d->parent, d->name, AT_REMOVEDIR);
	close(d->parent);
	d->parent = -1;
}

static int make(struct nr_trace_dir *d)
{
	int parent = open_parent(AT_FDCWD, d->path, &d->name), err = parent < 0 ? -errno : 0;
	bool made = !err && !mkdirat(parent, d->name, 0700);

	if (!err && !made && errno != EEXIST)
		err = -errno;
	if (!err) {
		/* What we made is no link. */
		d->fd = open_named(parent, d->name, made ? MAX_LINKS : 0);
		err = d->fd < 0 ? -errno : 0;
	}
	if (made && err)
		unlinkat(parent, d->name, AT_REMOVEDIR); /* empty, whoever made it */
	if (made && !err)
		d->parent = parent;
	else if (parent >= 0)
		close(parent);
	if (err)
		return cannot_make(d, err);
	return made ? set_access(d, d->fd, "", 0700) : 0;
}

/* Looks before the lock, so that nothing is put into a directory that is not for traces; and then
 * again, when nobody else can change what is there. */
static int claim(struct nr_trace_dir *d, bool force)
{
	enum holds holds = HOLDS_NOTHING;
	int err = inspect(d, force || nr_trace_dir_is_interrupted(d->fd), &holds) ?: lock(d);

	if (err)
		return err;
	recover(d);
	err = inspect(d, force, &holds);
	return !err && holds == HOLDS_TRACE ? put_aside(d) : err;
}

int nr_trace_dir_open(struct nr_trace_dir *d, const char *path,
		      const struct nr_trace_dir_opts *opts, const struct nr_logger *log)
{
	int err;

	*d = (struct nr_trace_dir){ .log = *log, .fd = -1, .parent = -1, .lock = -1 };
	d->path = strdup(path);
	d->shared = opts->group;
	d->group = opts->group ? *opts->group : 0;
	err = d->path ? make(d) ?: claim(d, opts->force) : -ENOMEM;
	if (err) {
		unlock(d);
		remove_made(d);
		nr_trace_dir_close(d);
	}
	return err;
}

int nr_trace_dir_create(const struct nr_trace_dir *d, const char *name)
{
	/* Appended to: after others have cut it, its size is wrong for good. */
	int fd = openat(d->fd, name, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char in[32];
	int err;

	if (fd < 0) {
		err = -errno;
		nr_log(&d->log, NR_LOG_ERROR, "cannot create %s/%s: %s", d->path, name,
		       nr_write_reason(err));
		return err;
	}
	snprintf(in, sizeof(in), "/%s", name);
	err = set_access(d, fd, in, 0600);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static size_t number_of(const char *name)
{
	size_t i = 0;

	while (strcmp(files[i].name, name))
		i++;
	return i;
}

int nr_trace_dir_write(struct nr_trace_dir *d, const char *name, const void *data, size_t size)
{
	int fd = nr_trace_dir_create(d, name), err;

	if (fd < 0)
		return fd;
	err = nr_write_all(fd, data, size, 0);
	if (close(fd) && !err)
		err = -errno;
	if (err) {
		nr_log(&d->log, NR_LOG_ERROR, "cannot write %s/%s: %s", d->path, name,
		       nr_write_reason(err));
		return err;
	}
	d->sizes[number_of(name)] = size;
	d->crcs[number_of(name)] = libdeflate_crc32(0, data, size);
	return 0;
}

/* ---- what others did to it ---- */

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

static int cannot_look(const struct nr_trace_dir *d, const char *name, int err)
{
	nr_log(&d->log, NR_LOG_ERROR, "cannot look at %s/%s: %s", d->path, name,
	       nr_write_reason(err));
	return err;
}

/* fd -1: it has only a name. */
static int check_file(const struct nr_trace_dir *d, int fd, const char *name, uint64_t size)
{
	struct stat st;

	if (fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? changed(d, name, "was removed or renamed")
				       : cannot_look(d, name, -errno);
	if (fd >= 0 && !is_named(d->fd, name, fd))
		return changed(d, name, "was replaced by another file");
	if ((uint64_t)st.st_size < size)
		return changed(d, name, "was cut from %" PRIu64 " to %" PRIu64 " bytes", size,
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
			err = check_file(d, -1, files[i].name, d->sizes[i]);
	return err;
}

static int check_content(const struct nr_trace_dir *d, size_t i)
{
	int fd = openat(d->fd, files[i].name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint8_t *data = malloc(d->sizes[i]);
	int err = 0;

	/* What cannot be read again is not known to have changed. */
	if (fd >= 0 && data && nr_read_at(fd, data, d->sizes[i], 0) == (ssize_t)d->sizes[i] &&
	    libdeflate_crc32(0, data, d->sizes[i]) != d->crcs[i])
		err = changed(d, files[i].name, "was overwritten");
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

/* ---- the end ---- */

void nr_trace_dir_keep(struct nr_trace_dir *d)
{
	if (d->replaced)
		remove_old(d->fd);
	if (d->parent >= 0)
		close(d->parent);
	d->parent = -1;
}

void nr_trace_dir_undo(struct nr_trace_dir *d)
{
	if (d->fd < 0)
		return;
	for (size_t i = 0; i < NR_DIR_FILES; i++)
		unlinkat(d->fd, files[i].name, 0);
	if (d->replaced)
		put_back(d->fd);
	unlock(d);
	remove_made(d);
}

void nr_trace_dir_close(struct nr_trace_dir *d)
{
	if (d->fd < 0 && !d->path)
		return;
	unlock(d);
	if (d->parent >= 0)
		close(d->parent);
	if (d->fd >= 0)
		close(d->fd);
	free(d->path);
	*d = (struct nr_trace_dir){ .fd = -1, .parent = -1, .lock = -1 };
}
