// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Runs numaring record for a moment in a child process, because a kernel, a cgroup or a seccomp filter
 * may kill it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "cli.h"
#include "doctor.h"

#define TIMEOUT_MS 120000

/* What a stream of record says. It is in a pipe until record has ended: that is room for 64 KiB. */
struct said {
	int fds[2];
	char text[8192];
};

struct trial {
	char *transport;
	char dir[64];
	struct said out, err;
	int status; /* as of waitpid */
	bool timed_out;
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_both(struct said *s)
{
	close_end(&s->fds[0]);
	close_end(&s->fds[1]);
}

static void read_all(struct said *s)
{
	size_t len = 0;
	ssize_t n;

	close_end(&s->fds[1]);
	while ((n = read(s->fds[0], s->text + len, sizeof(s->text) - 1 - len)) > 0)
		len += n;
	s->text[len] = 0;
}

/* record gets all the files that the limit allows. It replaces what an earlier trial with this PID has
 * left behind when it was killed. */
static void run_record(struct trial *t, const sigset_t *mask)
{
	char *args[] = { "numaring record", "-d",	  "100ms", "--force", "-o", t->dir,
			 "--transport",	    t->transport, NULL };

	sigprocmask(SIG_SETMASK, mask, NULL);
	if (dup2(t->out.fds[1], STDOUT_FILENO) < 0 || dup2(t->err.fds[1], STDERR_FILENO) < 0)
		_exit(CLI_FAILED);
	close_both(&t->out);
	close_both(&t->err);
	exit(cmd_record(8, args));
}

static void wait_for(struct trial *t, pid_t pid)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	uint64_t begin = cli_now_ms();

	while (!waitpid(pid, &t->status, WNOHANG)) {
		if (!t->timed_out && cli_now_ms() - begin > TIMEOUT_MS) {
			t->timed_out = true;
			kill(pid, SIGKILL);
		}
		nanosleep(&nap, NULL);
	}
}

/* record removes the trace of a start that failed, but not if it was killed. */
static void remove_trace(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (list && (e = readdir(list)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			unlinkat(fd, e->d_name, 0);
	if (list)
		closedir(list);
	else if (fd >= 0)
		close(fd);
	if (fd >= 0)
		rmdir(dir);
}

/* A signal that arrives meanwhile ends the program after the trace was removed. */
static int run(struct trial *t)
{
	sigset_t signals, before;
	pid_t pid;
	int err;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGQUIT);
	sigprocmask(SIG_BLOCK, &signals, &before);
	pid = fork();
	if (!pid)
		run_record(t, &before);
	err = pid < 0 ? -errno : 0;
	if (!err) {
		wait_for(t, pid);
		remove_trace(t->dir);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err;
}

/* Takes a line from text, without "numaring: ". "": there are no more. */
static const char *take_line(char **text)
{
	static const char prefix[] = "numaring: ";
	char *line = *text;

	*text += strcspn(line, "\n");
	if (**text)
		*(*text)++ = 0;
	return strncmp(line, prefix, strlen(prefix)) ? line : line + strlen(prefix);
}

/* "314 events in 0.11 s (2.8k/s), ..." */
static void say_success(struct doctor *d, struct trial *t)
{
	char *out = t->out.text, *err = t->err.text;
	const char *counts = take_line(&out), *warning = take_line(&err);
	int len = strcspn(counts, ",");

	if (*warning)
		doctor_say(d, "record", VERDICT_NOTE, NULL, "recorded %.*s; %s", len, counts,
			   warning);
	else
		doctor_say(d, "record", VERDICT_OK, NULL, "recorded %.*s", len, counts);
}

static void say_killed(struct doctor *d, const struct trial *t)
{
	int signal = WTERMSIG(t->status);

	if (t->timed_out)
		doctor_say(d, "record", VERDICT_MISSING, NULL,
			   "record did not end within %d s, and was killed", TIMEOUT_MS / 1000);
	else
		doctor_say(d, "record", VERDICT_MISSING,
			   signal == SIGKILL  ? "dmesg says whether memory was short"
			   : signal == SIGSYS ? "allow all system calls in the seccomp profile"
					      : NULL,
			   "record was killed by signal %d (%s)", signal, strsignal(signal));
}

/* The message ends with "...; the end of the verifier's log:" if lines of that follow, and perhaps
 * advice. The last line is what matters. */
static void say_refused(struct doctor *d, const char *message, char *more)
{
	const char *cut = strrchr(message, ';'), *last = "";

	while (*more)
		last = take_line(&more);
	doctor_say(d, "record", VERDICT_MISSING, "numaring record -d 1 says more", "%.*s; %s",
		   (int)(cut ? cut - message : (ptrdiff_t)strlen(message)), message,
		   last + strspn(last, " "));
}

static void say_failure(struct doctor *d, struct trial *t)
{
	char *err = t->err.text;
	const char *message = take_line(&err);

	if (WIFSIGNALED(t->status))
		say_killed(d, t);
	else if (*err)
		say_refused(d, message, err);
	else
		doctor_say(d, "record", VERDICT_MISSING, NULL, "%s",
			   *message ? message : "record failed without a message");
}

static bool succeeded(const struct trial *t)
{
	return WIFEXITED(t->status) && !WEXITSTATUS(t->status);
}

static int try(struct trial *t, char *transport)
{
	int err = pipe2(t->out.fds, O_CLOEXEC) || pipe2(t->err.fds, O_CLOEXEC) ? -errno : 0;

	t->transport = transport;
	snprintf(t->dir, sizeof(t->dir), ".numaring-doctor-%d", getpid());
	err = err ?: run(t);
	if (!err) {
		read_all(&t->out);
		read_all(&t->err);
	}
	close_both(&t->out);
	close_both(&t->err);
	return err;
}

/* Where record works with rings, so that its failure with lanes has a cause of its own. */
static void try_lanes(struct doctor *d)
{
	struct trial t = { .out.fds = { -1, -1 }, .err.fds = { -1, -1 } };
	int err = try(&t, "lane");
	char *said = t.err.text;

	if (!err && succeeded(&t))
		doctor_say(d, "lanes", VERDICT_OK, NULL, "record --transport lane works");
	else
		doctor_say(d, "lanes", VERDICT_NOTE, NULL, "record --transport lane fails: %s",
			   err ? strerror(-err) : take_line(&said));
}

/* What record does by default is said last: it decides. */
void doctor_try(struct doctor *d)
{
	struct trial t = { .out.fds = { -1, -1 }, .err.fds = { -1, -1 } };
	int err = try(&t, "ring");

	if (err) {
		doctor_say(d, "record", VERDICT_MISSING, NULL, "record cannot be tried: %s",
			   strerror(-err));
	} else if (succeeded(&t)) {
		try_lanes(d);
		say_success(d, &t);
	} else {
		say_failure(d, &t);
	}
}
