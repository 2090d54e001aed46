// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A directory that is removed however this process ends: a trace takes gigabytes, and a sweep kills
 * a run that hangs. A second process, the keeper, waits for the end of the first.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

static int is_entry(const struct dirent *e)
{
	return strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
}

/* Uses descriptors only: the owner of the parent directory may replace this one. */
static void empty(int dir_fd)
{
	struct dirent **list;

	for (int n = scandirat(dir_fd, ".", &list, is_entry, NULL); n-- > 0;) {
		const char *name = list[n]->d_name;
		int sub;

		if (!unlinkat(dir_fd, name, 0))
			continue;
		sub = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		empty(sub);
		unlinkat(dir_fd, name, AT_REMOVEDIR);
	}
}

/* In a session of its own, so that Ctrl-C does not reach it. */
static _Noreturn void keep(const char *path, int dir_fd, int pipe_fd)
{
	char c;

	setsid();
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	while (read(pipe_fd, &c, 1) < 0 && errno == EINTR)
		;
	empty(dir_fd);
	_exit(rmdir(path) ? 1 : 0);
}

static const char *file_system(int fd)
{
	static const struct {
		unsigned type;
		const char *name;
	} known[] = { { 0xef53, "ext4" },      { 0x58465342, "xfs" },	  { 0x9123683e, "btrfs" },
		      { 0x01021994, "tmpfs" }, { 0x794c7630, "overlay" }, { 0x6969, "nfs" } };
	struct statfs fs;

	for (size_t i = 0; !fstatfs(fd, &fs) && i < sizeof(known) / sizeof(known[0]); i++)
		if ((unsigned)fs.f_type == known[i].type)
			return known[i].name;
	return "other";
}

static int start_keeper(struct scratch *s, int dir_fd)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	s->keeper = fork();
	if (!s->keeper) {
		close(fds[1]);
		keep(s->path, dir_fd, fds[0]);
	}
	close(fds[0]);
	s->alive = fds[1];
	return s->keeper < 0 ? -errno : 0;
}

void scratch_make(struct scratch *s, const char *dir)
{
	struct dirent **list;
	int fd = -1, err;

	snprintf(s->path, sizeof(s->path), "%s/.numaring-bench-XXXXXX", dir);
	if (mkdtemp(s->path))
		fd = open(s->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* The directory that we created is empty; one with files in it has replaced it. */
	err = fd < 0					  ? -errno
	      : scandirat(fd, ".", &list, is_entry, NULL) ? -ENOTEMPTY
							  : start_keeper(s, fd);
	if (err)
		errx(BENCH_FAILED, "cannot create a directory for the trace in %s: %s", dir,
		     strerror(-err));
	s->file_system = file_system(fd);
	close(fd);
}

void scratch_remove(struct scratch *s)
{
	int status = 0;

	if (s->keeper <= 0)
		return;
	close(s->alive);
	if (waitpid(s->keeper, &status, 0) < 0 || status)
		warnx("cannot remove %s: remove it yourself", s->path);
	s->keeper = 0;
}
