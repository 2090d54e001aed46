// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "cgroup.h"

#define ROOT_ID 1 /* of the root cgroup: the kernel numbers them from 1 on */

static bool is_cgroup2(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static int open_dir(int at, const char *path)
{
	return openat(at, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Opens the directory where cgroup2 is mounted. -1: nowhere. */
static int open_mount(char *place, size_t size)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	int fd = -1;

	while (f && fd < 0 && (m = getmntent(f))) {
		if (strcmp(m->mnt_type, "cgroup2"))
			continue;
		fd = open_dir(AT_FDCWD, m->mnt_dir);
		snprintf(place, size, "%s", m->mnt_dir);
	}
	if (f)
		endmntent(f);
	return fd;
}

/* A path of a directory comes first. Others are below the mount, also if they begin with a slash, as
 * in /proc/PID/cgroup. */
static int open_cgroup(const char *path, const struct nr_logger *log)
{
	char place[256] = "";
	int mount = open_mount(place, sizeof(place)), fd;

	if (mount < 0) {
		nr_log(log, NR_LOG_ERROR,
		       "cannot find the cgroup %s: cgroup2 is not mounted; mount it with \"mount "
		       "-t "
		       "cgroup2 none /sys/fs/cgroup\", or use -p or --follow",
		       path);
		return -ENOENT;
	}
	fd = *path == '/' ? open_dir(AT_FDCWD, path) : -1;
	if (fd >= 0 && !is_cgroup2(fd)) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		fd = open_dir(mount, path[strspn(path, "/")] ? path + strspn(path, "/") : ".");
	close(mount);
	if (fd >= 0 && is_cgroup2(fd))
		return fd;
	nr_log(log, NR_LOG_ERROR,
	       "there is no cgroup %s below %s: give the path of its directory, or what "
	       "/proc/PID/cgroup shows after \"0::\"",
	       path, place);
	if (fd >= 0)
		close(fd);
	return -ENOENT;
}

int nr_cgroup_open(const char *path, const struct nr_logger *log)
{
	int place = open_cgroup(path, log), fd;

	if (place < 0)
		return place;
	fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		fd = -errno;
		nr_log(log, NR_LOG_ERROR, "cannot open the cgroup %s: %s", path, nr_reason(fd));
	}
	close(place);
	return fd;
}

/* Steps up to the root and counts the steps. */
static int find_level(int fd, uint64_t id, uint32_t *level)
{
	int up = dup(fd);

	for (*level = 0; up >= 0 && id != ROOT_ID; ++*level) {
		int next = open_dir(up, "..");
		struct stat st;

		close(up);
		up = next;
		if (up < 0 || !is_cgroup2(up) || fstat(up, &st)) {
			if (up >= 0)
				close(up);
			return -EXDEV; /* the mount begins below the root cgroup */
		}
		id = st.st_ino;
	}
	if (up >= 0)
		close(up);
	return up < 0 ? -errno : 0;
}

int nr_cgroup_find(struct nr_cgroup *out, const char *path, const struct nr_logger *log)
{
	struct nr_cgroup found;
	int fd = open_cgroup(path, log), err;
	struct stat st;

	if (fd < 0)
		return fd;
	err = fstat(fd, &st) ? -errno : 0;
	found.id = st.st_ino;
	err = err ?: find_level(fd, found.id, &found.level);
	close(fd);
	if (err)
		nr_log(log, NR_LOG_ERROR, "cannot find the level of the cgroup %s: %s", path,
		       err == -EXDEV ? "this mount shows a part of the cgroups; run in the host's "
				       "cgroup namespace (--cgroupns=host)"
				     : nr_reason(err));
	else
		*out = found;
	return err;
}
