// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One run in a process of its own, as every figure of sweep and tune is taken: what a run leaves
 * behind in a process, and how it ends, is no matter for the next. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sweep.h"

extern char **environ;

/* A run that takes this much longer than what it measures is ended. */
#define RUN_SLACK_MS 60000

volatile sig_atomic_t child_interrupted;

/* --name value for every value of the configuration. */
static void child_args(const struct config *cfg, char *const *values, const char **argv)
{
	unsigned n = 0;
	static char names[16][32];

	argv[n++] = "numaring-bench";
	argv[n++] = "run";
	for (unsigned i = 0; i < config_nr(); i++) {
		snprintf(names[i], sizeof(names[i]), "--%s", config_names[i]);
		argv[n++] = names[i];
		argv[n++] = config_get(cfg, i, values[i], 32);
	}
	argv[n++] = "--directory";
	argv[n++] = cfg->directory;
	argv[n] = NULL;
}

static int spawn_run(const struct config *cfg, int stdout_fd, int stderr_fd, pid_t *pid)
{
	char buffers[16][32], *values[16];
	const char *argv[64];
	posix_spawn_file_actions_t actions;
	int err;

	for (unsigned i = 0; i < 16; i++)
		values[i] = buffers[i];
	child_args(cfg, values, argv);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, stdout_fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, stderr_fd, STDERR_FILENO);
	err = posix_spawn(pid, "/proc/self/exe", &actions, NULL, (char **)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

/* What the child prints, until it closes its end or the time is over. */
static size_t read_all(int fd, char *buf, size_t size, int timeout_ms)
{
	uint64_t deadline = bench_now() + timeout_ms * 1000000ull;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	while (len + 1 < size && bench_now() < deadline && !child_interrupted) {
		ssize_t n;

		if (poll(&pfd, 1, 200) <= 0)
			continue;
		n = read(fd, buf + len, size - 1 - len);
		if (n <= 0)
			break;
		len += n;
	}
	buf[len] = 0;
	return len;
}

static json_t *failed_row(const struct config *cfg, const char *reason)
{
	return json_pack("{s:s, s:o, s:b, s:s}", "kind", "run", "config", config_json(cfg), "valid",
			 0, "reason", reason);
}

/* What the child said goes to stderr; of a run that failed it is the reason, in one line. */
static void pass_on(int fd, char *reason, size_t size)
{
	static const char name[] = "numaring-bench: ";
	char *line = NULL;
	size_t room = 0, len = 0;
	FILE *f = fdopen(fd, "r");

	if (!f) {
		close(fd);
		return;
	}
	rewind(f);
	while (getline(&line, &room, f) > 0) {
		fputs(line, stderr);
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, name, strlen(name)) && len < size)
			len += snprintf(reason + len, size - len, "%s%s", len ? "; " : "",
					line + strlen(name));
	}
	free(line);
	fclose(f);
}

/* Reads the child's row and waits for its end; NULL: there is none. */
static json_t *read_row(const struct config *cfg, int fd, pid_t pid)
{
	static char text[1 << 20];
	json_t *row;

	read_all(fd, text, sizeof(text), cfg->seconds * 1500 + RUN_SLACK_MS);
	row = json_loads(text, 0, NULL);
	if (!row)
		kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return row;
}

json_t *child_run(const struct config *cfg)
{
	char reason[512] = "it ended, or was ended after too long, without a word";
	int fds[2], said = memfd_create("stderr", MFD_CLOEXEC), err;
	json_t *row = NULL;
	pid_t pid = 0;

	if (said < 0 || pipe2(fds, O_CLOEXEC)) {
		snprintf(reason, sizeof(reason), "no pipe to be had: %s", strerror(errno));
		if (said >= 0)
			close(said);
		return failed_row(cfg, reason);
	}
	err = spawn_run(cfg, fds[1], said, &pid);
	close(fds[1]);
	if (err)
		snprintf(reason, sizeof(reason), "cannot start it: %s", strerror(-err));
	else
		row = read_row(cfg, fds[0], pid);
	close(fds[0]);
	pass_on(said, reason, sizeof(reason));
	return row ? row : failed_row(cfg, reason);
}
