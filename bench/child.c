// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One run in a process of its own, as every figure of sweep and tune is taken: what a run leaves
 * behind in a process, and how it ends, does not matter for the next. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include "sweep.h"

/* A run that takes this much longer than what it measures is killed. */
#define RUN_SLACK_MS 60000

volatile sig_atomic_t child_interrupted;

/* Starts `run` with --name=value for every value of the configuration. */
static pid_t spawn_run(const struct config *cfg, int stdout_fd, int stderr_fd)
{
	char words[N_VALUES][80], value[48];
	const char *argv[N_VALUES + 5] = { "numaring-bench", "run", "--directory", cfg->directory };

	for (unsigned i = 0; i < N_VALUES; i++) {
		snprintf(words[i], sizeof(words[i]), "--%s=%s", config_options[i].name,
			 option_get(&config_options[i], cfg, value, sizeof(value)));
		argv[4 + i] = words[i];
	}
	return bench_spawn("/proc/self/exe", argv, (const int[]){ -1, stdout_fd, stderr_fd });
}

/* Reads what the child prints, until it closes its end or the time is over. */
static void read_all(int fd, char *buf, size_t size, int timeout_ms)
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
}

/* Copies what the child said to stderr. Of a run that failed it is the reason, in one line. */
static void pass_on(FILE *said, char *reason, size_t size)
{
	static const char name[] = "numaring-bench: ";
	char *line = NULL;
	size_t room = 0, len = 0;

	rewind(said);
	while (getline(&line, &room, said) > 0) {
		fputs(line, stderr);
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, name, strlen(name)) && len < size)
			len += snprintf(reason + len, size - len, "%s%s", len ? "; " : "",
					line + strlen(name));
	}
	free(line);
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
	bench_wait(pid);
	return row;
}

json_t *child_run(const struct config *cfg)
{
	char reason[512] = "it ended without a message, or was killed after too long";
	FILE *said = bench_memory_file("stderr");
	json_t *row = NULL;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		err(BENCH_FAILED, "cannot create a pipe");
	pid = spawn_run(cfg, fds[1], fileno(said));
	close(fds[1]);
	if (pid < 0)
		snprintf(reason, sizeof(reason), "cannot start it: %s", strerror(-pid));
	else
		row = read_row(cfg, fds[0], pid);
	close(fds[0]);
	pass_on(said, reason, sizeof(reason));
	fclose(said);
	if (row)
		return row;
	return json_pack("{s:s, s:o, s:b, s:s}", "kind", "run", "config", config_json(cfg), "valid",
			 0, "reason", reason);
}
