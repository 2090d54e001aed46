// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli.h"
#include "outdir.h"

#define MAX_OPEN  200 /* files that are open at a time */
#define MAX_LINKS 8   /* the longest chain of symbolic links that we follow */

struct export_file {
	struct export_file *next;
	int fd;	       /* -1: closed for now */
	uint64_t used; /* when it was used last */
	uint64_t size; /* what was written */
	dev_t dev;
	ino_t ino;
	char name[];
};

bool outdir_is_meant(const char *path)
{
	size_t len = path ? strlen(path) : 0;
	struct stat st;

	if (!path || outfile_descriptor(path) >= 0)
		return false;
	if (len >= 4 && !strcmp(path + len - 4, ".csv"))
		return false;
	return stat(path, &st) || S_ISDIR(st.st_mode) || S_ISREG(st.st_mode);
}

/* ---- the directory ---- */

static int report_error(const struct outdir *d, int err)
{
	if (err == -EEXIST)
		cli_error("%s already holds an export; use --force to overwrite it", d->path);
	else if (err == -ENOTEMPTY)
		cli_error("%s holds other files: give a new or an empty directory", d->path);
	else if (err == -EWOULDBLOCK)
		cli_error("another export writes to %s", d->path);
	else if (err == -ELOOP)
		cli_error("%s is a symbolic link of another user: give the directory itself",
			  d->path);
	else if (err == -ENOTDIR)
		cli_error("%s is no directory: this export writes a file for each event type",
			  d->path);
	else
		cli_error("cannot write %s: %s", d->path, strerror(-err));
	return err;
}

/* Regardless of the umask. Some file systems do not support modes, which is a warning. */
static int set_access(const struct outdir *d, int fd, mode_t mode)
{
	mode_t wanted = d->group ? mode | (mode & 0500) >> 3 : mode;
	struct stat st;

	if (d->group && fchown(fd, -1, *d->group))
		return -errno;
	if (fstat(fd, &st) || ((st.st_mode & 0777) != wanted && fchmod(fd, wanted)))
		cli_error("warning: cannot restrict who may read %s: %s", d->path, strerror(errno));
	return 0;
}

/* Splits a path into the directory `parent`, opened, and a name. */
static int split(int from, const char *path, int *parent, char **name)
{
	size_t len = strlen(path);
	const char *slash;
	char *copy;

	while (len > 1 && path[len - 1] == '/')
		len--;
	copy = strndup(path, len);
	if (!copy)
		return -ENOMEM;
	slash = strrchr(copy, '/');
	*name = strdup(slash && slash[1] ? slash + 1 : slash ? "." : copy);
	if (slash)
		copy[slash == copy ? 1 : slash - copy] = 0;
	*parent = openat(from, slash ? copy : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	return *parent < 0 ? -errno : *name ? 0 : -ENOMEM;
}

static int open_existing(int parent, const char *name, unsigned links);

/* Follows the very link that was checked. */
static int open_link(int parent, int link, unsigned links)
{
	char target[PATH_MAX], *name = NULL;
	ssize_t len = readlinkat(link, "", target, sizeof(target) - 1);
	int dir = -1, fd;

	if (len < 0)
		return -errno;
	target[len] = 0;
	fd = split(parent, target, &dir, &name) ?: open_existing(dir, name, links + 1);
	if (dir >= 0)
		close(dir);
	free(name);
	return fd;
}

static int open_existing(int parent, const char *name, unsigned links)
{
	int there = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), fd = -1;
	struct stat st;

	if (there < 0 || fstat(there, &st))
		fd = -errno;
	else if (!S_ISLNK(st.st_mode))
		fd = openat(there, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else if ((st.st_uid && st.st_uid != geteuid()) || links == MAX_LINKS)
		fd = -ELOOP;
	else
		fd = open_link(parent, there, links);
	fd = fd == -1 ? -errno : fd;
	if (there >= 0)
		close(there);
	return fd;
}

static bool is_named(const char *name, int dir, int fd)
{
	struct stat file, named;

	return !fstat(fd, &file) && !fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) &&
	       file.st_dev == named.st_dev && file.st_ino == named.st_ino;
}

static int make_dir(struct outdir *d, int parent, const char *name)
{
	if (mkdirat(parent, name, 0700)) {
		d->fd = errno == EEXIST ? open_existing(parent, name, 0) : -errno;
		return d->fd < 0 ? d->fd : 0;
	}
	d->fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->fd < 0)
		return -errno;
	d->parent = dup(parent);
	d->name = strdup(name);
	return set_access(d, d->fd, 0700);
}

/* ---- an earlier export ---- */

/* The text of OUTDIR_LIST, malloc'ed, in lines; NULL: there is none. */
static char *read_list(const struct outdir *d)
{
	int fd = openat(d->fd, OUTDIR_LIST, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &size, 0, file) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(file);
	return text;
}

static bool is_listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; (at = strstr(at, name)); at += len)
		if ((at == list || at[-1] == '\n') && at[len] == '\n')
			return true;
	return !strcmp(name, OUTDIR_LIST);
}

/* Calls fn for each entry of the directory, until it returns an error. */
static int each_entry(struct outdir *d, const char *list,
		      int (*fn)(struct outdir *d, const char *list, const char *name))
{
	int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir)
		return -errno;
	while (!err && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			err = fn(d, list, e->d_name);
	closedir(dir);
	return err;
}

static int expect_listed(struct outdir *d, const char *list, const char *name)
{
	(void)d;
	return list && is_listed(list, name) ? 0 : -ENOTEMPTY;
}

static int expect_none(struct outdir *d, const char *list, const char *name)
{
	(void)d;
	(void)list;
	(void)name;
	return -EEXIST;
}

static int remove_entry(struct outdir *d, const char *list, const char *name)
{
	(void)list;
	if (!strcmp(name, OUTDIR_LIST))
		return 0; /* it goes last */
	return unlinkat(d->fd, name, 0) && errno != ENOENT ? -errno : 0;
}

static int take_over(struct outdir *d, bool force)
{
	char *list = read_list(d);
	int err = each_entry(d, list, expect_listed);

	if (!err && !force)
		err = each_entry(d, list, expect_none);
	if (!err)
		err = each_entry(d, list, remove_entry);
	if (!err && list)
		err = unlinkat(d->fd, OUTDIR_LIST, 0) ? -errno : 0;
	free(list);
	return err;
}

/* ---- files ---- */

static int create_fd(struct outdir *d, const char *name)
{
	int fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	int err = fd < 0 ? -errno : set_access(d, fd, 0600);

	if (!err)
		return fd;
	if (fd >= 0) {
		unlinkat(d->fd, name, 0);
		close(fd);
	}
	return err;
}

/* Tells an error of a file once. */
static int tell(struct outdir *d, const char *name, int err)
{
	if (!d->told)
		cli_error("cannot write %s/%s: %s", d->path, name, strerror(-err));
	d->told = true;
	return err;
}

static int write_all(int fd, const void *data, size_t size)
{
	const char *from = data;

	while (size) {
		ssize_t n = write(fd, from, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			from += n;
			size -= n;
		}
	}
	return 0;
}

static int changed(struct outdir *d, const struct export_file *f)
{
	if (!d->told)
		cli_error("another program changed %s/%s: its content is lost", d->path, f->name);
	d->told = true;
	return -ESTALE;
}

/* Does the open file still have all that was written? */
static int check(struct outdir *d, const struct export_file *f)
{
	struct stat st;

	if (fstat(f->fd, &st))
		return tell(d, f->name, -errno);
	return st.st_nlink && (uint64_t)st.st_size == f->size && st.st_dev == f->dev &&
			       st.st_ino == f->ino
		       ? 0
		       : changed(d, f);
}

static int close_file(struct outdir *d, struct export_file *f)
{
	int err = check(d, f);

	if (close(f->fd) && !err)
		err = tell(d, f->name, -errno);
	f->fd = -1;
	d->n_open--;
	return err;
}

/* Closes the file that was not used for the longest time, if too many are open. */
static int make_room(struct outdir *d)
{
	struct export_file *oldest = NULL;

	if (d->n_open < MAX_OPEN)
		return 0;
	for (struct export_file *f = d->files; f; f = f->next)
		if (f->fd >= 0 && (!oldest || f->used < oldest->used))
			oldest = f;
	return close_file(d, oldest);
}

static int reopen(struct outdir *d, struct export_file *f)
{
	int err = make_room(d);

	if (err)
		return err;
	f->fd = openat(d->fd, f->name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (f->fd < 0)
		return errno == ENOENT || errno == ELOOP ? changed(d, f) : tell(d, f->name, -errno);
	d->n_open++;
	return check(d, f);
}

static struct outdir *of_sink(struct export_sink *sink)
{
	return (struct outdir *)sink; /* its first member */
}

static int list_name(struct outdir *d, const char *name)
{
	int err = write_all(d->list, name, strlen(name)) ?: write_all(d->list, "\n", 1);

	return err ? tell(d, OUTDIR_LIST, err) : 0;
}

static int create_file(struct export_sink *sink, const char *name, struct export_file **file)
{
	struct outdir *d = of_sink(sink);
	struct export_file *f = calloc(1, sizeof(*f) + strlen(name) + 1);
	struct stat st = {};
	int err = f ? make_room(d) ?: list_name(d, name) : -ENOMEM;

	if (err) {
		free(f);
		return err;
	}
	strcpy(f->name, name);
	f->fd = create_fd(d, name);
	if (f->fd < 0) {
		err = tell(d, name, f->fd);
		free(f);
		return err;
	}
	fstat(f->fd, &st);
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->next = d->files;
	d->files = f;
	d->n_open++;
	*file = f;
	return 0;
}

static int write_file(struct export_sink *sink, struct export_file *f, const void *data,
		      size_t size)
{
	struct outdir *d = of_sink(sink);
	int err = f->fd < 0 ? reopen(d, f) : 0;

	if (err)
		return err;
	f->used = ++d->uses;
	f->size += size;
	err = write_all(f->fd, data, size);
	return err ? tell(d, f->name, err) : 0;
}

/* ---- */

static int lock(struct outdir *d)
{
	/* Some file systems have no locks. */
	return flock(d->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK ? -EWOULDBLOCK : 0;
}

static int open_at(struct outdir *d, const struct outfile_opts *opts)
{
	char *name = NULL;
	int parent = -1, err = split(AT_FDCWD, d->path, &parent, &name);

	err = err ?: make_dir(d, parent, name) ?: lock(d) ?: take_over(d, opts->force);
	if (parent >= 0)
		close(parent);
	free(name);
	if (err)
		return err;
	d->list = create_fd(d, OUTDIR_LIST);
	return d->list < 0 ? d->list : 0;
}

int outdir_open(struct outdir *d, const char *path, const struct outfile_opts *opts)
{
	int err;

	*d = (struct outdir){
		.sink = { .create = create_file, .write = write_file },
		.path = path,
		.fd = -1,
		.parent = -1,
		.list = -1,
		.group = opts->group,
	};
	err = open_at(d, opts);
	if (!err)
		return 0;
	report_error(d, err);
	outdir_remove(d);
	outdir_close(d);
	return err;
}

static void remove_file(struct outdir *d, struct export_file *f)
{
	struct stat st;

	if (fstatat(d->fd, f->name, &st, AT_SYMLINK_NOFOLLOW) || st.st_dev != f->dev ||
	    st.st_ino != f->ino)
		return;
	unlinkat(d->fd, f->name, 0);
}

static void free_files(struct outdir *d)
{
	while (d->files) {
		struct export_file *next = d->files->next;

		if (d->files->fd >= 0)
			close(d->files->fd);
		free(d->files);
		d->files = next;
	}
}

void outdir_remove(struct outdir *d)
{
	for (struct export_file *f = d->files; f; f = f->next)
		remove_file(d, f);
	free_files(d);
	if (d->list >= 0 && is_named(OUTDIR_LIST, d->fd, d->list))
		unlinkat(d->fd, OUTDIR_LIST, 0);
	if (d->parent >= 0 && d->name && is_named(d->name, d->parent, d->fd))
		unlinkat(d->parent, d->name, AT_REMOVEDIR);
}

int outdir_close(struct outdir *d)
{
	int err = 0;

	for (struct export_file *f = d->files; f; f = f->next)
		if (f->fd >= 0)
			err = close_file(d, f) ?: err;
	free_files(d);
	if (d->list >= 0)
		close(d->list);
	if (d->fd >= 0)
		close(d->fd);
	if (d->parent >= 0)
		close(d->parent);
	free(d->name);
	*d = (struct outdir){ .fd = -1, .parent = -1, .list = -1 };
	return err;
}
