// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "base/bits.h"
#include "base/file.h"
#include "base/nearest.h"
#include "tracefs.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* A directory of a mounted tracefs, or -1. */
static int open_mounted(void)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

	for (size_t i = 0; i < NR_ARRAY_SIZE(places); i++) {
		int fd = open(places[i], DIRECTORY);
		struct statfs fs;

		if (fd >= 0 && !fstatfs(fd, &fs) && fs.f_type == TRACEFS_MAGIC)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

/* The root of a tracefs that is mounted in no directory, or a negative errno. */
static int open_detached(void)
{
	int fs = syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC), mount = -1;

	if (fs >= 0 && !syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOEXEC);
	if (mount < 0)
		mount = -errno;
	if (fs >= 0)
		close(fs);
	return mount;
}

static const char *explain(int err)
{
	switch (err) {
	case -EPERM:
	case -EACCES:
		return "Not permitted: run as root, mount tracefs at /sys/kernel/tracing, or, if "
		       "the kernel is locked down (/sys/kernel/security/lockdown), boot without "
		       "lockdown";
	case -ENODEV:
		return "this kernel has no tracefs: use one built with CONFIG_TRACING";
	default:
		return strerror(-err);
	}
}

int nr_tracefs_open(struct nr_tracefs *fs, const struct nr_logger *log)
{
	int root = open_mounted();

	if (root < 0)
		root = open_detached();
	*fs = (struct nr_tracefs){ .events = root < 0 ? root : openat(root, "events", DIRECTORY) };
	if (root >= 0 && fs->events < 0)
		fs->events = -errno;
	if (root >= 0)
		close(root);
	if (fs->events >= 0)
		return 0;
	nr_log(log, NR_LOG_ERROR, "cannot read the tracepoints of this kernel: %s",
	       explain(fs->events));
	return fs->events;
}

void nr_tracefs_close(struct nr_tracefs *fs)
{
	if (fs->events >= 0)
		close(fs->events);
	nr_enumerators_clear(&fs->enumerators);
	fs->events = -1;
}

/* ---- lists ---- */

static int add_name(struct nr_tracepoint_list *list, const char *name)
{
	char **grown = list->names;

	if (!(list->n & (list->n - 1))) /* the capacity doubles at powers of two */
		grown = reallocarray(grown, list->n ? 2 * list->n : 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->names = grown;
	grown[list->n] = strdup(name);
	return grown[list->n] ? (list->n++, 0) : -ENOMEM;
}

static DIR *open_dir(int at, const char *name)
{
	int fd = openat(at, name, DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

static bool is_subdirectory(const struct dirent *e)
{
	return e->d_name[0] != '.' && e->d_type == DT_DIR;
}

static int list_group(struct nr_tracepoint_list *list, int events, const char *group,
		      const char *pattern)
{
	DIR *dir = open_dir(events, group);
	struct dirent *e;
	char name[520];
	int err = 0;

	while (dir && !err && (e = readdir(dir))) {
		snprintf(name, sizeof(name), "%s:%s", group, e->d_name);
		if (is_subdirectory(e) && !fnmatch(pattern, name, 0))
			err = add_name(list, name);
	}
	if (dir)
		closedir(dir);
	return err;
}

/* Does the part of the pattern before the colon match? A pattern without a colon may match any. */
static bool may_match(const char *pattern, const char *group)
{
	size_t len = strcspn(pattern, ":");
	char start[256];

	if (!pattern[len] || len >= sizeof(start))
		return true;
	memcpy(start, pattern, len);
	start[len] = 0;
	return !fnmatch(start, group, 0);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int nr_tracefs_list(struct nr_tracepoint_list *list, const struct nr_tracefs *fs,
		    const char *pattern)
{
	DIR *dir = open_dir(fs->events, ".");
	struct dirent *e;
	int err = dir ? 0 : -errno;

	*list = (struct nr_tracepoint_list){};
	while (dir && !err && (e = readdir(dir)))
		if (is_subdirectory(e) && strcmp(e->d_name, "ftrace") &&
		    may_match(pattern, e->d_name))
			err = list_group(list, fs->events, e->d_name, pattern);
	if (dir)
		closedir(dir);
	if (list->n)
		qsort(list->names, list->n, sizeof(*list->names), compare);
	if (err)
		nr_tracepoint_list_free(list);
	return err;
}

void nr_tracepoint_list_free(struct nr_tracepoint_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->names[i]);
	free(list->names);
	*list = (struct nr_tracepoint_list){};
}

const char *nr_tracepoint_nearest(const struct nr_tracepoint_list *list, const char *name)
{
	struct nr_nearest nearest = nr_nearest_begin(name);

	for (size_t i = 0; i < list->n; i++)
		nr_nearest_try(&nearest, list->names[i]);
	return nearest.best;
}

/* ---- format files ---- */

#define MAX_FORMAT (1u << 20)

/* Files of tracefs do not know their size. */
static char *read_text(int fd)
{
	size_t size = 4096, len = 0;
	char *text = malloc(size), *grown;
	ssize_t n;

	while (text && (n = read(fd, text + len, size - len - 1)) > 0) {
		len += n;
		if (len + 1 < size)
			continue;
		size *= 2;
		grown = size > MAX_FORMAT ? NULL : realloc(text, size);
		if (!grown) {
			free(text);
			errno = ENOMEM;
		}
		text = grown;
	}
	if (text)
		text[len] = 0;
	return text;
}

char *nr_tracefs_format(const struct nr_tracefs *fs, const char *name)
{
	char path[600], *text;
	int fd;

	snprintf(path, sizeof(path), "%.*s/%s/format", (int)strcspn(name, ":"), name,
		 name + strcspn(name, ":") + (strchr(name, ':') != NULL));
	if (strstr(path, ".."))
		return errno = ENOENT, NULL;
	fd = openat(fs->events, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	text = read_text(fd);
	close(fd);
	return text;
}
