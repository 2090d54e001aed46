/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <signal.h>
#include <unistd.h>
#include "cli.h"
#include "progress.h"

#define EVENTS_A_LOOK 4096 /* the clock is read once for so many events */
#define INTERVAL_MS   200

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	stopped = sig;
}

/* A signal that is ignored stays ignored, as under nohup. */
static void catch_signal(int sig)
{
	const struct sigaction ours = { .sa_handler = stop, .sa_flags = SA_RESETHAND };
	struct sigaction old;

	if (!sigaction(sig, NULL, &old) && old.sa_handler != SIG_IGN)
		sigaction(sig, &ours, NULL);
}

void progress_catch_signals(void)
{
	catch_signal(SIGINT);
	catch_signal(SIGTERM);
	catch_signal(SIGHUP);
}

void progress_start(struct progress *p, bool shows, uint64_t begin, uint64_t end)
{
	*p = (struct progress){ .shown = shows && isatty(STDERR_FILENO),
				.begin = begin,
				.end = end,
				.started_ms = cli_now_ms() };
}

static void show(struct progress *p, uint64_t ts, uint64_t now_ms)
{
	double done = ts > p->begin && p->end > p->begin
			      ? (double)(ts - p->begin) / (double)(p->end - p->begin)
			      : 0;
	double took = (now_ms - p->started_ms) / 1e3;
	char events[24];

	if (done > 1)
		done = 1;
	cli_format_count(events, sizeof(events), p->events);
	cli_eprintf("\r%3.0f %%  %s events", 100 * done, events);
	if (done > 0.01)
		cli_eprintf(", %.0f s left", took / done - took);
	cli_eprintf("\033[K");
	p->told_ms = now_ms;
}

void progress_event(struct progress *p, uint64_t ts)
{
	uint64_t now_ms;

	if (++p->events % EVENTS_A_LOOK || !p->shown)
		return;
	now_ms = cli_now_ms();
	if (now_ms - p->told_ms >= INTERVAL_MS && now_ms - p->started_ms >= INTERVAL_MS)
		show(p, ts, now_ms);
}

int progress_stopped(void)
{
	return stopped;
}

void progress_end(struct progress *p)
{
	if (p->told_ms)
		cli_eprintf("\r\033[K");
	p->shown = false;
}
