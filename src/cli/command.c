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

/* A command that does not exit this soon after SIGTERM is killed. */
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

/* Searches as execvp does. A file that cannot be executed is a better reason than no file. */
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

/* Removes caps from the inheritable set. The permitted and effective sets stay. */
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

/* Ambient capabilities were given to numaring, not to the command: without this the command and its
 * descendants would inherit them. Root has its capabilities by being root. */
static void drop_inherited_caps(void)
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

int command_start(struct command *c, const struct command_opts *opts)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int err;

	if (!c->argv)
		return 0;
	/* Its orphans become our children, so that we can terminate them too. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	drop_inherited_caps();
	posix_spawn_file_actions_init(&files);
	if (opts->stdout_to_stderr)
		posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &opts->mask);
	posix_spawnattr_setsigdefault(&attr, &opts->unignore);
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
			continue; /* an orphan of the command */
		c->ended = true;
		c->status = status;
	}
}

struct pids {
	pid_t *list;
	size_t n;
};

/* Adds the children of one thread. */
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

/* Sends a signal (0: none) to all descendants of parent, and returns their number. A parent gets
 * the signal before its children, so that a shell does not start the next command, and after they
 * were listed, because they get another parent when it exits. */
static unsigned signal_tree(const struct command *c, pid_t parent, int signal_number)
{
	struct pids pids = children_of(parent);
	unsigned n = 0;

	if (parent != getpid()) {
		kill(parent, signal_number);
		kill(parent, signal_number ? SIGCONT : 0); /* if it is stopped */
		n = 1;
	}
	for (size_t i = 0; i < pids.n; i++)
		if (pids.list[i] == c->pid || getsid(pids.list[i]) == getsid(0))
			n += signal_tree(c, pids.list[i], signal_number);
	free(pids.list);
	return n;
}

/* Signals all descendants and waits for them. SIGKILL is repeated, because a process may have
 * forked just before. */
static void terminate_all(struct command *c, int signal_number)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	int again = signal_number == SIGKILL ? SIGKILL : 0;

	if (!signal_tree(c, getpid(), signal_number) && !c->ended)
		kill(c->pid, signal_number); /* this kernel does not list children */
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
	terminate_all(c, SIGTERM);
	if (!c->ended || signal_tree(c, getpid(), 0))
		terminate_all(c, SIGKILL);
}
