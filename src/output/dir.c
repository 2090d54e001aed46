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

/* A few recordings may meet at the lock. More rounds mean that somebody interferes. */
#define LOCK_ROUNDS 100

/* The longest chain of symbolic links to follow. */
#define MAX_LINKS 8

/* Does the name still lead to the file of this descriptor? */
static bool is_named(int dir, const char *name, int fd)
{
	struct stat file, named;

	return !fstat(fd, &file) && !fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) &&
	       file.st_dev == named.st_dev && file.st_ino == named.st_ino;
}

/* Sets group and mode, regardless of the umask and of default ACLs of the parent. */
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

/* ---- the contents ---- */

enum holds { HOLDS_NOTHING, HOLDS_TRACE, HOLDS_OTHER_FILES };

/*
 * The files of a trace, and their names while a new trace may still fail to replace them.
 *
 * While an old metadata file exists, the old trace is the one to keep. So the metadata file is
 * moved aside first, moved back last, and removed first when the new trace stays.
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

/* Lists the directory. other: the name of a file that does not belong to a trace, or "". */
static int list_contents(int fd, enum holds *holds, char *other, size_t size)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* with its own position */
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
		snprintf(other, size, "no numaring metadata");
	*holds = *other ? HOLDS_OTHER_FILES : any ? HOLDS_TRACE : HOLDS_NOTHING;
	return 0;
}

/* May a recording use the directory? */
static int check_contents(const struct nr_trace_dir *d, bool force, enum holds *holds)
{
	char other[256];
	int err = list_contents(d->fd, holds, other, sizeof(other));

	if (err) {
		nr_log(&d->log, NR_LOG_ERROR, "cannot list %s: %s", d->path, nr_write_reason(err));
		return err;
	}
	if (*holds == HOLDS_OTHER_FILES) {
		nr_log(&d->log, NR_LOG_ERROR,
		       "%s holds something other than a numaring trace (%s): use an empty or new "
		       "directory",
		       d->path, other);
		return -ENOTEMPTY;
	}
	if (*holds == HOLDS_TRACE && !force) {
		nr_log(&d->log, NR_LOG_ERROR,
		       "%s already holds a trace: use force (--force) to replace it", d->path);
		return -EEXIST;
	}
	return 0;
}

/* ---- the old trace ---- */

static void restore_old(int dir)
{
	for (size_t i = NR_DIR_FILES; i-- > 0;)
		renameat(dir, files[i].old, dir, files[i].name);
}

static void remove_old(int dir)
{
	for (size_t i = 0; i < NR_DIR_FILES; i++)
		unlinkat(dir, files[i].old, 0);
}

static int move_aside(struct nr_trace_dir *d)
{
	for (size_t i = 0; i < NR_DIR_FILES; i++)
		if (renameat(d->fd, files[i].name, d->fd, files[i].old) && errno != ENOENT) {
			int err = -errno;

			nr_log(&d->log, NR_LOG_ERROR, "cannot replace %s/%s: %s", d->path,
			       files[i].name, nr_write_reason(err));
			restore_old(d->fd);
			return err;
		}
	d->replaced = true;
	return 0;
}

/* Cleans up after a recording that was killed while it started, or just after. */
static void recover(const struct nr_trace_dir *d)
{
	if (nr_trace_dir_is_interrupted(d->fd)) {
		restore_old(d->fd);
		nr_log(&d->log, NR_LOG_WARN,
		       "%s: a recording was killed while it replaced this trace; the trace was "
		       "restored",
		       d->path);
	}
	remove_old(d->fd);
}

/* ---- one recording at a time ---- */

/* No other user can open the file, not even for reading, so no other user can lock it. */
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
		close(fd); /* its owner removed the file after we opened it */
	}
	nr_log(&d->log, NR_LOG_ERROR,
	       "%s is being recorded into: end that recording, or use another directory", d->path);
	return -EBUSY;
}

/* Removes the file before it unlocks it: whoever locks the old file next finds that it has no name.
 */
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

/* Opens the parent directory of a path. Removes trailing slashes; *name is the last component. */
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

/* Refuses a link of another user, who could choose where we write. Checks and follows the same
 * link, through its descriptor, even if its name is given to another file meanwhile. */
static int follow_link(int parent, const char *name, unsigned links)
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

/* Opens a directory, or the target of a link. Checks each link on the way. */
static int open_named(int parent, const char *name, unsigned links)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 && (errno == ENOTDIR || errno == ELOOP) ? follow_link(parent, name, links)
							      : fd;
}

static int report_open_error(const struct nr_trace_dir *d, int err)
{
	if (err == -ELOOP)
		nr_log(&d->log, NR_LOG_ERROR,
		       "%s is a symbolic link of another user: give the directory itself", d->path);
	else
		nr_log(&d->log, NR_LOG_ERROR, "cannot create the directory %s: %s", d->path,
		       nr_write_reason(err));
	return err;
}

/* Removes the directory if we made it, it is empty, and it still has its name. */
static void remove_made(struct nr_trace_dir *d)
{
	if (d->parent < 0)
		return;
	if (is_named(d->parent, d->name, d->fd))
		unlinkat(d->parent, d->name, AT_REMOVEDIR);
	close(d->parent);
	d->parent = -1;
}

/* Makes the directory, or opens one that exists. */
static int open_directory(struct nr_trace_dir *d)
{
	int parent = open_parent(AT_FDCWD, d->path, &d->name), err = parent < 0 ? -errno : 0;
	bool made = !err && !mkdirat(parent, d->name, 0700);

	if (!err && !made && errno != EEXIST)
		err = -errno;
	if (!err) {
		/* A directory that we made is not a link. */
		d->fd = open_named(parent, d->name, made ? MAX_LINKS : 0);
		err = d->fd < 0 ? -errno : 0;
	}
	if (made && err)
		unlinkat(parent, d->name, AT_REMOVEDIR); /* succeeds only if it is empty */
	if (made && !err)
		d->parent = parent;
	else if (parent >= 0)
		close(parent);
	if (err)
		return report_open_error(d, err);
	return made ? set_access(d, d->fd, "", 0700) : 0;
}

/* Checks the contents before it locks, so that no lock file is created in a directory that is not
 * for traces. Checks again with the lock, when no other recording can change them. */
static int claim(struct nr_trace_dir *d, bool force)
{
	enum holds holds = HOLDS_NOTHING;
	int err = check_contents(d, force || nr_trace_dir_is_interrupted(d->fd), &holds) ?: lock(d);

	if (err)
		return err;
	recover(d);
	err = check_contents(d, force, &holds);
	return !err && holds == HOLDS_TRACE ? move_aside(d) : err;
}

int nr_trace_dir_open(struct nr_trace_dir *d, const char *path,
		      const struct nr_trace_dir_opts *opts, const struct nr_logger *log)
{
	int err;

	*d = (struct nr_trace_dir){ .log = *log, .fd = -1, .parent = -1, .lock = -1 };
	d->path = strdup(path);
	d->shared = opts->group;
	d->group = opts->group ? *opts->group : 0;
	err = d->path ? open_directory(d) ?: claim(d, opts->force) : -ENOMEM;
	if (err) {
		unlock(d);
		remove_made(d);
		nr_trace_dir_close(d);
	}
	return err;
}

int nr_trace_dir_create(const struct nr_trace_dir *d, const char *name)
{
	/* Append only: if others truncate the file, its size stays wrong and is noticed. */
	int fd = openat(d->fd, name, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char suffix[32];
	int err;

	if (fd < 0) {
		err = -errno;
		nr_log(&d->log, NR_LOG_ERROR, "cannot create %s/%s: %s", d->path, name,
		       nr_write_reason(err));
		return err;
	}
	snprintf(suffix, sizeof(suffix), "/%s", name);
	err = set_access(d, fd, suffix, 0600);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static size_t index_of(const char *name)
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
	d->sizes[index_of(name)] = size;
	d->crcs[index_of(name)] = libdeflate_crc32(0, data, size);
	return 0;
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
	if (fd >= 0 && !is_named(d->fd, name, fd))
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
			err = check_file(d, -1, files[i].name, d->sizes[i]);
	return err;
}

static int check_content(const struct nr_trace_dir *d, size_t i)
{
	int fd = openat(d->fd, files[i].name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint8_t *data = malloc(d->sizes[i]);
	int err = 0;

	/* A file that cannot be read is not known to have changed. */
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
		restore_old(d->fd);
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
