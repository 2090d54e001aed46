/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "cli.h"
#include "command.h"

extern char **environ;

/* A command that does not end on SIGTERM within this time is killed. */
#define COMMAND_GRACE_MS 2000
#define STEP_MS		 10

/* Starting ------------------------------------------------------------------------------------ */

static int check_file(const char *path)
{
	struct stat st;

	if (access(path, X_OK))
		return -errno;
	return !stat(path, &st) && S_ISREG(st.st_mode) ? 0 : -EACCES;
}

/* As execvp looks for it. A file that is there and cannot be run is a better reason than none. */
static int find(const char *name)
{
	const char *path = getenv("PATH") ?: "/bin:/usr/bin";
	int err = -ENOENT;

	if (strchr(name, '/') || !*name)
		return check_file(name);
	for (const char *dir = path; err; dir = strchrnul(dir, ':') + 1) {
		int len = strchrnul(dir, ':') - dir, one;
		char file[4096];

		snprintf(file, sizeof(file), "%.*s%s%s", len, dir, len ? "/" : "", name);
		one = check_file(file);
		if (!one || one == -EACCES)
			err = one;
		if (!dir[len])
			break;
	}
	return err;
}

static int refused(const struct command *c, int err)
{
	cli_error("cannot run %s: %s", c->argv[0], strerror(-err));
	return err;
}

int command_check(const struct command *c)
{
	int err = c->argv ? find(c->argv[0]) : 0;

	return err ? refused(c, err) : 0;
}

#define BIT(cap) (1ull << (cap))

/* Takes them out of the set that survives an exec; our own permitted and effective sets stay. */
static void lower_inheritable(uint64_t caps)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	if (syscall(SYS_capget, &head, sets))
		return;
	sets[0].inheritable &= ~(uint32_t)caps;
	sets[1].inheritable &= ~(uint32_t)(caps >> 32);
	syscall(SYS_capset, &head, sets);
}

/* Ambient capabilities were given to numaring, not to what it starts: without this the command
 * would have them, and so would everything below it. Root's rights come from being root. */
static void keep_rights_to_ourselves(void)
{
	uint64_t caps = BIT(CAP_BPF) | BIT(CAP_PERFMON);

	if (!geteuid())
		return;
	for (unsigned cap = 0; cap < 64; cap++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			caps |= BIT(cap);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	lower_inheritable(caps);
}

int command_start(struct command *c, const struct command_opts *how)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int err;

	if (!c->argv)
		return 0;
	/* What it leaves behind becomes our child, and can be ended with it. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	keep_rights_to_ourselves();
	posix_spawn_file_actions_init(&files);
	if (how->no_stdout)
		posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &how->mask);
	posix_spawnattr_setsigdefault(&attr, &how->reset);
	cli_restore_limits();
	err = posix_spawnp(&c->pid, c->argv[0], &files, &attr, c->argv, environ);
	cli_raise_limits();
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	if (!err)
		return 0;
	c->pid = 0;
	return refused(c, -err);
}

/* Ending -------------------------------------------------------------------------------------- */

void command_reap(struct command *c)
{
	int status;
	pid_t pid;

	while (c->pid && (pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != c->pid)
			continue; /* what it left behind */
		c->ended = true;
		c->status = status;
	}
}

struct pids {
	pid_t *list;
	size_t n;
};

/* The children of one thread. */
static void add_children(struct pids *pids, const char *path)
{
	FILE *f = fopen(path, "re");
	pid_t pid, *list;

	while (f && fscanf(f, "%d", &pid) == 1) {
		list = reallocarray(pids->list, pids->n + 1, sizeof(*list));
		if (!list)
			break;
		pids->list = list;
		pids->list[pids->n++] = pid;
	}
	if (f)
		fclose(f);
}

static struct pids children_of(pid_t parent)
{
	struct pids pids = {};
	struct dirent *thread;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", parent);
	dir = opendir(path);
	while (dir && (thread = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", parent,
			 thread->d_name);
		if (*thread->d_name != '.')
			add_children(&pids, path);
	}
	if (dir)
		closedir(dir);
	return pids;
}

/* Sends the signal, or none if it is 0, to everything below parent; how many there are. A parent is
 * told before its children, so that it does not go on to the next one; and after they were listed,
 * because they leave it when it ends. */
static unsigned signal_tree(const struct command *c, pid_t parent, int signal_number)
{
	struct pids pids = children_of(parent);
	unsigned n = 0;

	if (parent != getpid()) {
		kill(parent, signal_number);
		kill(parent, signal_number ? SIGCONT : 0); /* one that was stopped shall see it */
		n = 1;
	}
	for (size_t i = 0; i < pids.n; i++)
		if (pids.list[i] == c->pid || getsid(pids.list[i]) == getsid(0))
			n += signal_tree(c, pids.list[i], signal_number);
	free(pids.list);
	return n;
}

/* Until there is nothing left; KILL is repeated, because what is killed may have started another.
 */
static void end_all(struct command *c, int signal_number)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	int again = signal_number == SIGKILL ? SIGKILL : 0;

	if (!signal_tree(c, getpid(), signal_number) && !c->ended)
		kill(c->pid, signal_number); /* this kernel lists no children */
	for (unsigned waited = 0; waited < COMMAND_GRACE_MS; waited += STEP_MS) {
		nanosleep(&step, NULL);
		command_reap(c);
		if (!signal_tree(c, getpid(), again) && c->ended)
			return;
	}
}

void command_terminate(struct command *c)
{
	command_reap(c);
	if (!c->pid || c->ended)
		return;
	end_all(c, SIGTERM);
	if (!c->ended || signal_tree(c, getpid(), 0))
		end_all(c, SIGKILL);
}
