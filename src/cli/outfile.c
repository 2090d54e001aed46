/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "cli.h"
#include "outfile.h"

/* The longest chain of symbolic links that we follow. */
#define MAX_LINKS 8

static const char *current_name(const struct outfile *o)
{
	return o->temporary[0] ? o->temporary : o->name;
}

static bool still_has_name(const struct outfile *o, int fd)
{
	struct stat file, named;

	return !fstat(fd, &file) &&
	       !fstatat(o->dir, current_name(o), &named, AT_SYMLINK_NOFOLLOW) &&
	       file.st_dev == named.st_dev && file.st_ino == named.st_ino;
}

/* Overrides the umask. Some file systems do not support modes, which is a warning. A group that
 * cannot be set is an error: the user asked for it. */
static int set_access(int fd, const struct outfile *o, const gid_t *group)
{
	mode_t mode = group ? 0640 : 0600;
	struct stat st;

	if (group && fchown(fd, -1, *group))
		return -errno;
	if (fstat(fd, &st) || ((st.st_mode & 0777) != mode && fchmod(fd, mode)))
		cli_error("warning: cannot restrict who may read %s: %s", o->name, strerror(errno));
	return 0;
}

/* O_APPEND keeps a truncation visible: our next write does not make the file as long as before. */
static int create(struct outfile *o, const gid_t *group)
{
	int fd = openat(o->dir, current_name(o), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC,
			0600);
	int err = fd < 0 ? -errno : set_access(fd, o, group);

	o->created = fd >= 0;
	if (!err || fd < 0)
		return err ?: fd;
	unlinkat(o->dir, current_name(o), 0);
	close(fd);
	return err;
}

/* Creates the file under a hidden temporary name, in the directory of the file that it will
 * replace. A recorder that was killed may have left a file with that name. */
static int create_temporary(struct outfile *o, const gid_t *group)
{
	int fd = -EEXIST;

	for (unsigned i = 0; fd == -EEXIST && i < 100; i++) {
		snprintf(o->temporary, sizeof(o->temporary), ".numaring-%d-%u", getpid(), i);
		fd = create(o, group);
	}
	return fd;
}

static int duplicate(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy < 0 ? -errno : copy;
}

static bool is_stdout(const struct stat *st)
{
	struct stat out;

	return !fstat(STDOUT_FILENO, &out) && st->st_dev == out.st_dev && st->st_ino == out.st_ino;
}

/* Opens a file that exists and is not replaced: a device, a pipe, or our standard output. */
static int open_in_place(struct outfile *o, int flags)
{
	int fd = openat(o->dir, o->name, O_WRONLY | O_NOCTTY | O_CLOEXEC | flags), copy;
	struct stat st = {};

	if (fd < 0)
		return -errno;
	fstat(fd, &st);
	if (!S_ISREG(st.st_mode))
		return fd;
	/* A duplicate of standard output shares the shell's position. */
	copy = is_stdout(&st) ? duplicate(STDOUT_FILENO) : -EEXIST;
	close(fd);
	return copy;
}

static void clear_path(struct outfile *o)
{
	if (o->dir >= 0)
		close(o->dir);
	free(o->name);
	o->dir = -1;
	o->name = NULL;
}

/* Sets dir and name. A relative path starts at the directory `from`. */
static int set_path(struct outfile *o, int from, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *copy = strdup(path), *name = strdup(slash ? slash + 1 : path);
	int dir = copy ? openat(from, dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	int err = dir < 0 ? -errno : 0;

	free(copy);
	clear_path(o);
	o->dir = dir;
	o->name = name;
	return err ? err : name ? 0 : -ENOMEM;
}

/* A link in /proc/PID/fd leads to the open file itself, whatever its text says, and nobody can
 * replace it. */
static bool is_proc_link(int link)
{
	struct statfs fs;

	return !fstatfs(link, &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

/* Sets dir and name to the target of a link. */
static int follow_link(struct outfile *o, int link)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(link, "", target, sizeof(target) - 1);

	if (len < 0)
		return -errno;
	target[len] = 0;
	return set_path(o, o->dir, target);
}

static bool is_foreign(const struct stat *st)
{
	return st->st_uid && st->st_uid != geteuid();
}

static int open_existing(struct outfile *o, const struct outfile_opts *opts, unsigned links);

static int open_link(struct outfile *o, const struct outfile_opts *opts, int link, unsigned links)
{
	if (is_proc_link(link))
		return open_in_place(o, 0);
	if (links == MAX_LINKS)
		return -EMLINK;
	return follow_link(o, link) ?: open_existing(o, opts, links + 1);
}

static int open_file(struct outfile *o, const struct outfile_opts *opts, mode_t type)
{
	if (type != S_IFREG)
		return open_in_place(o, O_NOFOLLOW);
	if (!opts->force)
		return -EEXIST;
	/* Programs that have the old file open, and its other names, keep its content. */
	return create_temporary(o, opts->group);
}

/* A file with this name exists, or did a moment ago. The owner of the directory can replace it at
 * any time, so we follow the very link that we checked. */
static int open_existing(struct outfile *o, const struct outfile_opts *opts, unsigned links)
{
	int there = openat(o->dir, o->name, O_PATH | O_NOFOLLOW | O_CLOEXEC), fd;
	struct stat st;

	if (there < 0)
		return -errno;
	if (fstat(there, &st))
		fd = -errno;
	else if (!S_ISLNK(st.st_mode))
		fd = open_file(o, opts, st.st_mode & S_IFMT);
	else if (is_foreign(&st))
		fd = -ELOOP;
	else
		fd = open_link(o, opts, there, links);
	close(there);
	return fd;
}

static int open_path(struct outfile *o, unsigned links)
{
	int fd = openat(o->dir, o->name, O_PATH | O_NOFOLLOW | O_CLOEXEC), next = -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISLNK(st.st_mode))
		return fd;
	if (is_foreign(&st) || links == MAX_LINKS)
		; /* outfile_open reports it */
	else if (is_proc_link(fd))
		next = openat(o->dir, o->name, O_PATH | O_CLOEXEC);
	else if (!follow_link(o, fd))
		next = open_path(o, links + 1);
	close(fd);
	return next;
}

int outfile_hold_fifo(const char *path)
{
	struct outfile o = { .dir = -1 };
	int fd = set_path(&o, AT_FDCWD, path) ? -1 : open_path(&o, 0);
	struct stat st;

	clear_path(&o);
	if (fd < 0 || (!fstat(fd, &st) && S_ISFIFO(st.st_mode)))
		return fd;
	close(fd);
	return -1;
}

static int report_error(const char *path, int err)
{
	if (err == -EEXIST)
		cli_error("%s already exists; use --force to overwrite it", path);
	else if (err == -ELOOP)
		cli_error("%s is a symbolic link of another user: give the file itself", path);
	else
		cli_error("cannot write %s: %s", path, strerror(-err));
	return err;
}

static int set_file(struct outfile *o, const struct outfile *new, FILE *file)
{
	struct stat st = {};

	*o = *new;
	o->file = file;
	o->linked = !fstat(fileno(file), &st) && st.st_nlink;
	o->at = lseek(fileno(file), 0, SEEK_CUR);
	o->begin = fcntl(fileno(file), F_GETFL) & O_APPEND ? st.st_size : o->at;
	return 0;
}

/* The number N of a path "dirN" like "/dev/fd/5"; -1: the path is another one. */
static int number_in(const char *path, const char *dir)
{
	size_t len = strlen(dir);
	char *end;
	long fd;

	if (strncmp(path, dir, len) || strspn(path + len, "0123456789") != strlen(path + len))
		return -1;
	fd = strtol(path + len, &end, 10);
	return end > path + len && fd <= INT_MAX ? (int)fd : -1;
}

int outfile_descriptor(const char *path)
{
	int fd = number_in(path, "/dev/fd/");

	if (!strcmp(path, "-") || !strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	return fd < 0 ? number_in(path, "/proc/self/fd/") : fd;
}

/* Turns new, with a descriptor or a negative errno, into *o. */
static int attach(struct outfile *o, struct outfile *new, int fd)
{
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	int err = fd < 0 ? fd : -errno;

	if (file)
		return set_file(o, new, file);
	if (fd >= 0)
		close(fd);
	clear_path(new);
	return report_error(new->path, err);
}

int outfile_attach(struct outfile *o, const char *path, int fd)
{
	struct outfile new = { .dir = -1, .path = path };

	return attach(o, &new, fd);
}

int outfile_open(struct outfile *o, const char *path, const struct outfile_opts *opts)
{
	struct outfile new = { .dir = -1, .path = path };
	int fd = path ? outfile_descriptor(path) : STDOUT_FILENO;

	if (fd == STDOUT_FILENO)
		return set_file(o, &new, stdout);
	if (fd >= 0)
		return attach(o, &new, duplicate(fd));
	fd = set_path(&new, AT_FDCWD, path);
	if (!fd)
		fd = create(&new, opts->group);
	if (fd == -EEXIST)
		fd = open_existing(&new, opts, 0);
	return attach(o, &new, fd);
}

const char *outfile_name(const struct outfile *o)
{
	return o->file == stdout ? "standard output" : o->path;
}

/* After another program truncated or removed the file we stop writing: the next data would follow
 * zeros, or be in no file. A file that was renamed, or that others append to, has lost nothing. */
int outfile_check(struct outfile *o)
{
	off_t at = lseek(fileno(o->file), 0, SEEK_CUR);
	struct stat st;

	if (o->error || fstat(fileno(o->file), &st) || !S_ISREG(st.st_mode))
		return o->error;
	if (at > st.st_size)
		cli_error("another program truncated %s from %jd to %jd bytes: its content is lost",
			  outfile_name(o), (intmax_t)at, (intmax_t)st.st_size);
	else if (o->linked && !st.st_nlink)
		cli_error("another program removed %s: its content is lost", outfile_name(o));
	else
		return 0;
	return o->error = -ESTALE;
}

/* With O_APPEND each write begins where the previous one ended, or further on. */
int outfile_check_write(struct outfile *o, size_t size)
{
	off_t begin = o->at;
	struct stat st;

	o->at = lseek(fileno(o->file), 0, SEEK_CUR);
	if (o->error || o->at >= begin + (off_t)size || fstat(fileno(o->file), &st) ||
	    !S_ISREG(st.st_mode))
		return o->error;
	cli_error("another program truncated %s at %jd bytes: its content is lost", outfile_name(o),
		  (intmax_t)begin);
	return o->error = -ESTALE;
}

/* Opens the file again, because lseek moves the position of all who share a descriptor. */
static off_t find_hole(const struct outfile *o)
{
	char path[32];
	off_t hole;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(o->file));
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	hole = lseek(fd, o->begin, SEEK_HOLE);
	close(fd);
	return hole;
}

/* Text has no zero bytes, so a hole comes from another program. */
static int check_holes(struct outfile *o)
{
	off_t end = lseek(fileno(o->file), 0, SEEK_CUR), hole = -1;
	struct stat st;

	if (!fstat(fileno(o->file), &st) && S_ISREG(st.st_mode) && end > o->begin)
		hole = find_hole(o);
	if (hole < 0 || hole >= end)
		return 0;
	cli_error("another program made a hole in %s at byte %jd", outfile_name(o), (intmax_t)hole);
	return o->error = -ESTALE;
}

int outfile_commit(struct outfile *o)
{
	int err;

	if (!o->temporary[0])
		return 0;
	err = renameat(o->dir, o->temporary, o->dir, o->name) ? -errno : 0;
	if (err)
		return report_error(o->path, err);
	o->temporary[0] = 0;
	return 0;
}

void outfile_remove(struct outfile *o)
{
	if (!o->file || !o->created || !still_has_name(o, fileno(o->file)))
		return;
	unlinkat(o->dir, current_name(o), 0);
	o->linked = false; /* outfile_check must not blame another program */
}

int outfile_close(struct outfile *o)
{
	int err;

	if (!o->file)
		return 0;
	err = fflush(o->file) ? -errno : outfile_check(o) ?: check_holes(o);
	if (o->temporary[0])
		outfile_remove(o);
	if (o->file != stdout && fclose(o->file) && !err)
		err = -errno;
	clear_path(o);
	o->file = NULL;
	return err;
}
