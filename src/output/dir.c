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
#include "base/file.h"
#include "base/trace_files.h"
#include "contents.h"
#include "dir.h"

/* A few recordings may meet at the lock. More rounds mean that somebody interferes. */
#define LOCK_ROUNDS 100

/* The longest chain of symbolic links to follow. */
#define MAX_LINKS 8

/* ---- the contents ---- */

/* May a recording use the directory? */
static int check_contents(const struct nr_trace_dir *d, bool force, enum nr_holds *holds)
{
	char other[256];
	int err = nr_contents_look(d->fd, holds, other, sizeof(other));

	if (err) {
		nr_log(&d->log, NR_LOG_ERROR, "cannot list %s: %s", d->path, nr_write_reason(err));
		return err;
	}
	if (*holds == NR_HOLDS_OTHER) {
		nr_log(&d->log, NR_LOG_ERROR,
		       "%s holds something other than a numaring trace (%s): use an empty or new "
		       "directory",
		       d->path, other);
		return -ENOTEMPTY;
	}
	if (*holds == NR_HOLDS_TRACE && !force) {
		nr_log(&d->log, NR_LOG_ERROR,
		       "%s already holds a trace: use force (--force) to replace it", d->path);
		return -EEXIST;
	}
	return 0;
}

/* ---- the old trace ---- */

static int move_aside(struct nr_trace_dir *d)
{
	char which[NR_CHUNK_NAME];
	int ret = nr_contents_put_aside(d->fd, which, sizeof(which));

	if (ret < 0)
		nr_log(&d->log, NR_LOG_ERROR, "cannot replace %s/%s: %s", d->path, which,
		       nr_write_reason(ret));
	d->replaced = ret > 0;
	return ret < 0 ? ret : 0;
}

/* Cleans up after a recording that was killed while it started, or just after. */
static void recover(const struct nr_trace_dir *d)
{
	if (nr_trace_dir_is_interrupted(d->fd)) {
		nr_contents_restore(d->fd);
		nr_log(&d->log, NR_LOG_WARN,
		       "%s: a recording was killed while it replaced this trace; the trace was "
		       "restored",
		       d->path);
	}
	nr_contents_remove_old(d->fd);
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
		if (nr_is_named(d->fd, NR_FILE_LOCK, fd)) {
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
	if (nr_is_named(d->fd, NR_FILE_LOCK, d->lock))
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
	if (nr_is_named(d->parent, d->name, d->fd))
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
	return made ? nr_trace_dir_set_access(d, d->fd, "", 0700) : 0;
}

/* Not every directory in it is a chunk yet, and its recorder may remove any. */
static int check_parent(const struct nr_trace_dir *d)
{
	int fd = openat(d->fd, "../" NR_FILE_LOCK, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool recorded = fd >= 0 && nr_stream_is_recorded(fd);

	if (fd >= 0)
		close(fd);
	if (!recorded)
		return 0;
	nr_log(&d->log, NR_LOG_ERROR,
	       "%s is inside a trace that is being recorded: use another directory", d->path);
	return -EBUSY;
}

/* Checks the contents before it locks, so that no lock file is created in a directory that is not
 * for traces. Checks again with the lock, when no other recording can change them. */
static int claim(struct nr_trace_dir *d, bool force)
{
	enum nr_holds holds = NR_HOLDS_NOTHING;
	int err = check_parent(d)
			  ?: check_contents(d, force || nr_trace_dir_is_interrupted(d->fd), &holds)
				     ?: lock(d);

	if (err)
		return err;
	recover(d);
	err = check_contents(d, force, &holds);
	return !err && holds == NR_HOLDS_TRACE ? move_aside(d) : err;
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

/* ---- the end ---- */

void nr_trace_dir_keep(struct nr_trace_dir *d)
{
	if (d->replaced)
		nr_contents_remove_old(d->fd);
	if (d->parent >= 0)
		close(d->parent);
	d->parent = -1;
}

void nr_trace_dir_undo(struct nr_trace_dir *d)
{
	if (d->fd < 0)
		return;
	if (d->replaced)
		nr_contents_restore(d->fd);
	else
		nr_contents_remove_new(d->fd);
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
