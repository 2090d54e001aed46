// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One run in a process of its own, as every figure of sweep and tune is taken: what a run leaves
 * behind in a process, and how it ends, does not matter for the next. */
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sweep.h"

/* A run that takes this much longer than what it measures is killed. */
#define RUN_SLACK_MS 60000

volatile sig_atomic_t child_interrupted;

/* Starts `run` with --name=value for every value of the configuration. */
static pid_t spawn_run(const struct config *cfg, FILE *out, FILE *said)
{
	char words[N_VALUES + 1][PATH_MAX + 16], value[PATH_MAX];
	const char *argv[N_VALUES + 4] = { "numaring-bench", "run" };

	for (unsigned i = 0; i <= N_VALUES; i++) {
		snprintf(words[i], sizeof(words[i]), "--%s=%s", config_options[i].name,
			 option_get(&config_options[i], cfg, value, sizeof(value)));
		argv[2 + i] = words[i];
	}
	return bench_spawn("/proc/self/exe", argv, (const int[]){ -1, fileno(out), fileno(said) });
}

/* Waits for the end of the child. Kills it if it takes too long, or if we are to end. */
static void wait_for(pid_t pid, int timeout_ms)
{
	uint64_t deadline = bench_now() + timeout_ms * 1000000ull;
	struct pollfd ended = { .fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };

	while (poll(&ended, 1, 200) <= 0 && bench_now() < deadline && !child_interrupted)
		;
	if (!ended.revents)
		kill(pid, SIGKILL);
	close(ended.fd);
	bench_wait(pid);
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

json_t *child_run(const struct config *cfg)
{
	char reason[512] = "it ended without a message, or was killed after too long";
	FILE *out = bench_memory_file("stdout"), *said = bench_memory_file("stderr");
	pid_t pid = spawn_run(cfg, out, said);
	json_t *row;

	if (pid < 0)
		snprintf(reason, sizeof(reason), "cannot start it: %s", strerror(-pid));
	else
		wait_for(pid, cfg->seconds * 1500 + RUN_SLACK_MS);
	rewind(out);
	row = json_loadf(out, 0, NULL);
	pass_on(said, reason, sizeof(reason));
	fclose(out);
	fclose(said);
	if (row)
		return row;
	return json_pack("{s:s, s:o, s:b, s:s}", "kind", "run", "config", config_json(cfg), "valid",
			 0, "reason", reason);
}
