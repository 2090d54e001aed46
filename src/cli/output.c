/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
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
#include "output.h"

/* Longest chain of symbolic links that is followed. */
#define MAX_LINKS 8

/* The name it has for now. */
static const char *present_name(const struct output *o)
{
	return o->temporary[0] ? o->temporary : o->name;
}

static bool is_named(const struct output *o, int fd)
{
	struct stat file, named;

	return !fstat(fd, &file) &&
	       !fstatat(o->dir, present_name(o), &named, AT_SYMLINK_NOFOLLOW) &&
	       file.st_dev == named.st_dev && file.st_ino == named.st_ino;
}

/* Whatever the umask. Not every file system knows modes; whoever asks for a group has to get it. */
static int set_access(int fd, const struct output *o, const gid_t *group)
{
	mode_t mode = group ? 0640 : 0600;
	struct stat st;

	if (group && fchown(fd, -1, *group))
		return -errno;
	if (fstat(fd, &st) || ((st.st_mode & 0777) != mode && fchmod(fd, mode)))
		cli_error("warning: cannot restrict who may read %s: %s", o->name, strerror(errno));
	return 0;
}

/* Appended to: after others have cut it, its size is less than our position. */
static int make(struct output *o, const gid_t *group)
{
	int fd = openat(o->dir, present_name(o), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC,
			0600);
	int err = fd < 0 ? -errno : set_access(fd, o, group);

	o->made = fd >= 0;
	if (!err || fd < 0)
		return err ?: fd;
	unlinkat(o->dir, present_name(o), 0);
	close(fd);
	return err;
}

/* Beside the file that it is going to replace. A leading dot hides it, and a recorder that was
 * killed may have left one. */
static int make_beside(struct output *o, const gid_t *group)
{
	int fd = -EEXIST;

	for (unsigned i = 0; fd == -EEXIST && i < 100; i++) {
		snprintf(o->temporary, sizeof(o->temporary), ".numaring-%d-%u", getpid(), i);
		fd = make(o, group);
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

/* Opens what is there and stays, and nothing else. */
static int open_there(struct output *o, int flags)
{
	int fd = openat(o->dir, o->name, O_WRONLY | O_NOCTTY | O_CLOEXEC | flags), copy;
	struct stat st = {};

	if (fd < 0)
		return -errno;
	fstat(fd, &st);
	if (!S_ISREG(st.st_mode))
		return fd;
	/* Standard output has the shell's position in it. */
	copy = is_stdout(&st) ? duplicate(STDOUT_FILENO) : -EEXIST;
	close(fd);
	return copy;
}

static void forget_name(struct output *o)
{
	if (o->dir >= 0)
		close(o->dir);
	free(o->name);
	o->dir = -1;
	o->name = NULL;
}

/* Sets dir and name; a path that is relative starts at the directory `from`. */
static int split(struct output *o, int from, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *copy = strdup(path), *name = strdup(slash ? slash + 1 : path);
	int dir = copy ? openat(from, dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	int err = dir < 0 ? -errno : 0;

	free(copy);
	forget_name(o);
	o->dir = dir;
	o->name = name;
	return err ? err : name ? 0 : -ENOMEM;
}

/* Links of /proc/PID/fd lead to what is open, whatever the text in them is, and nobody can put
 * others in their place. */
static bool is_magic(int link)
{
	struct statfs fs;

	return !fstatfs(link, &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

/* Goes to where a link leads. */
static int follow(struct output *o, int link)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(link, "", target, sizeof(target) - 1);

	if (len < 0)
		return -errno;
	target[len] = 0;
	return split(o, o->dir, target);
}

static bool is_foreign(const struct stat *st)
{
	return st->st_uid && st->st_uid != geteuid();
}

static int take(struct output *o, const struct output_opts *opts, unsigned links);

static int take_link(struct output *o, const struct output_opts *opts, int link, unsigned links)
{
	if (is_magic(link))
		return open_there(o, 0);
	if (links == MAX_LINKS)
		return -EMLINK;
	return follow(o, link) ?: take(o, opts, links + 1);
}

static int take_file(struct output *o, const struct output_opts *opts, mode_t type)
{
	if (type != S_IFREG)
		return open_there(o, O_NOFOLLOW);
	if (!opts->force)
		return -EEXIST;
	/* Its owner, its other names and those who have it open keep what it was. */
	return make_beside(o, opts->group);
}

/* A file of this name is there, or was a moment ago. Whoever owns the directory can put another in
 * its place at any time: of a link, the one that was looked at is followed. */
static int take(struct output *o, const struct output_opts *opts, unsigned links)
{
	int there = openat(o->dir, o->name, O_PATH | O_NOFOLLOW | O_CLOEXEC), fd;
	struct stat st;

	if (there < 0)
		return -errno;
	if (fstat(there, &st))
		fd = -errno;
	else if (!S_ISLNK(st.st_mode))
		fd = take_file(o, opts, st.st_mode & S_IFMT);
	else if (is_foreign(&st))
		fd = -ELOOP;
	else
		fd = take_link(o, opts, there, links);
	close(there);
	return fd;
}

static int hold(struct output *o, unsigned links)
{
	int fd = openat(o->dir, o->name, O_PATH | O_NOFOLLOW | O_CLOEXEC), next = -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISLNK(st.st_mode))
		return fd;
	if (is_foreign(&st) || links == MAX_LINKS)
		; /* output_open reports it */
	else if (is_magic(fd))
		next = openat(o->dir, o->name, O_PATH | O_CLOEXEC);
	else if (!follow(o, fd))
		next = hold(o, links + 1);
	close(fd);
	return next;
}

int output_hold_fifo(const char *path)
{
	struct output o = { .dir = -1 };
	int fd = split(&o, AT_FDCWD, path) ? -1 : hold(&o, 0);
	struct stat st;

	forget_name(&o);
	if (fd < 0 || (!fstat(fd, &st) && S_ISFIFO(st.st_mode)))
		return fd;
	close(fd);
	return -1;
}

static int refused(const char *path, int err)
{
	if (err == -EEXIST)
		cli_error("%s already exists; use --force to overwrite it", path);
	else if (err == -ELOOP)
		cli_error("%s is a symbolic link of another user: give the file itself", path);
	else
		cli_error("cannot write %s: %s", path, strerror(-err));
	return err;
}

static int opened(struct output *o, const struct output *new, FILE *file)
{
	struct stat st = {};

	*o = *new;
	o->file = file;
	o->linked = !fstat(fileno(file), &st) && st.st_nlink;
	o->at = lseek(fileno(file), 0, SEEK_CUR);
	o->begin = fcntl(fileno(file), F_GETFL) & O_APPEND ? st.st_size : o->at;
	return 0;
}

/* N of "/dev/fd/N", -1 of all else. */
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

int output_descriptor(const char *path)
{
	int fd = number_in(path, "/dev/fd/");

	if (!strcmp(path, "-") || !strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	return fd < 0 ? number_in(path, "/proc/self/fd/") : fd;
}

/* Gives o what new says and the descriptor, or an error instead of one. */
static int use(struct output *o, struct output *new, int fd)
{
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	int err = fd < 0 ? fd : -errno;

	if (file)
		return opened(o, new, file);
	if (fd >= 0)
		close(fd);
	forget_name(new);
	return refused(new->path, err);
}

int output_take(struct output *o, const char *path, int fd)
{
	struct output new = { .dir = -1, .path = path };

	return use(o, &new, fd);
}

int output_open(struct output *o, const char *path, const struct output_opts *opts)
{
	struct output new = { .dir = -1, .path = path };
	int fd = path ? output_descriptor(path) : STDOUT_FILENO;

	if (fd == STDOUT_FILENO)
		return opened(o, &new, stdout);
	if (fd >= 0)
		return use(o, &new, duplicate(fd));
	fd = split(&new, AT_FDCWD, path);
	if (!fd)
		fd = make(&new, opts->group);
	if (fd == -EEXIST)
		fd = take(&new, opts, 0);
	return use(o, &new, fd);
}

/* Whoever cuts or removes the file takes no write from us: what comes next would stand behind
 * zeros, or in no file. It may have been renamed, and it may grow: nothing is lost then. */
int output_check(struct output *o)
{
	const char *path = o->file == stdout ? "standard output" : o->path;
	off_t at = lseek(fileno(o->file), 0, SEEK_CUR);
	struct stat st;

	if (o->error || fstat(fileno(o->file), &st) || !S_ISREG(st.st_mode))
		return o->error;
	if (at > st.st_size)
		cli_error("another program cut %s from %jd to %jd bytes: its content is lost", path,
			  (intmax_t)at, (intmax_t)st.st_size);
	else if (o->linked && !st.st_nlink)
		cli_error("another program removed %s: its content is lost", path);
	else
		return 0;
	return o->error = -ESTALE;
}

/* At the end of the file, each write begins where the one before ended, or further on. */
int output_wrote(struct output *o, size_t size)
{
	off_t begin = o->at;
	struct stat st;

	o->at = lseek(fileno(o->file), 0, SEEK_CUR);
	if (o->error || o->at >= begin + (off_t)size || fstat(fileno(o->file), &st) ||
	    !S_ISREG(st.st_mode))
		return o->error;
	cli_error("another program cut %s at %jd bytes: its content is lost",
		  o->file == stdout ? "standard output" : o->path, (intmax_t)begin);
	return o->error = -ESTALE;
}

/* Opens the file anew: lseek would move the position of everybody who shares our descriptor. */
static off_t find_hole(const struct output *o)
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

/* Text has no zero bytes, so no file system turns it into holes. */
static int check_holes(struct output *o)
{
	off_t end = lseek(fileno(o->file), 0, SEEK_CUR), hole = -1;
	struct stat st;

	if (!fstat(fileno(o->file), &st) && S_ISREG(st.st_mode) && end > o->begin)
		hole = find_hole(o);
	if (hole < 0 || hole >= end)
		return 0;
	cli_error("another program made a hole in %s at byte %jd",
		  o->file == stdout ? "standard output" : o->path, (intmax_t)hole);
	return o->error = -ESTALE;
}

int output_keep(struct output *o)
{
	int err;

	if (!o->temporary[0])
		return 0;
	err = renameat(o->dir, o->temporary, o->dir, o->name) ? -errno : 0;
	if (err)
		return refused(o->path, err);
	o->temporary[0] = 0;
	return 0;
}

void output_remove(struct output *o)
{
	if (!o->file || !o->made || !is_named(o, fileno(o->file)))
		return;
	unlinkat(o->dir, present_name(o), 0);
	o->linked = false; /* output_check must not blame another program */
}

int output_close(struct output *o)
{
	int err;

	if (!o->file)
		return 0;
	err = fflush(o->file) ? -errno : output_check(o) ?: check_holes(o);
	if (o->temporary[0])
		output_remove(o);
	if (o->file != stdout && fclose(o->file) && !err)
		err = -errno;
	forget_name(o);
	o->file = NULL;
	return err;
}

gid_t output_group(const char *arg)
{
	const struct group *group = getgrnam(arg);
	unsigned long id;
	char *end;

	if (group)
		return group->gr_gid;
	errno = 0;
	id = strtoul(arg, &end, 10);
	if (*arg >= '0' && *arg <= '9' && !*end && !errno && id < UINT32_MAX)
		return id;
	cli_error("unknown group \"%s\"", arg);
	exit(CLI_USAGE);
}
