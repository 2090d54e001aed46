/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring record: records events of this machine into traces and JSON lines. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "help.h"
#include "record_args.h"
#include "summary.h"
#include "timed_write.h"

/* How long the end waits for a write that does not return. It does not apply to pipes and terminals:
 * their reader may be slow, and timed_write.c gives up only one that reads nothing. */
#define WRITE_TIMEOUT_MS 3000

/* Setting up ---------------------------------------------------------------------------------- */

/* At the start, so that an error is known before the recording. An existing file keeps its content
 * until the statistics replace it. */
static int open_stats(struct record *r)
{
	const struct outfile_opts opts = { .force = true, .group = r->outputs.group };

	if (!r->stats_json || destination_is_fifo(&r->stats)) /* its reader may come later */
		return 0;
	return destination_open(&r->stats, &opts, -1, 0);
}

/* Opens a FIFO, if it is one: its reader may have come late. */
static int open_stats_fifo(struct record *r)
{
	const struct outfile_opts opts = {};
	int err = 0;

	if (!r->stats.output.file)
		err = destination_open(&r->stats, &opts, -1, READER_TIMEOUT_MS);
	if (err == -ENXIO)
		cli_error("no reader opened %s: the statistics were not written", r->stats_json);
	return err;
}

/* Prints the statistics to a descriptor whose reader may have stopped reading. */
static int print_to(int fd, int (*print)(FILE *out, const struct summary *s),
		    const struct summary *s)
{
	FILE *out = timed_stream(fd);
	int err = out ? print(out, s) : -ENOMEM;

	if (out && fclose(out) && !err)
		err = -errno;
	return err;
}

static int write_stats(struct record *r, const struct summary *s)
{
	struct outfile *o = &r->stats.output;
	int err, closed;

	if (!r->stats_json)
		return 0;
	err = open_stats_fifo(r);
	if (err)
		return err;
	err = print_to(fileno(o->file), summary_json, s) ?: outfile_commit(o);
	closed = outfile_close(o);
	err = err ?: closed;
	if (err && err != -ESTALE) /* outfile_check has reported it */
		cli_error("cannot write %s: %s", r->stats_json, timed_write_error(err));
	return err;
}

static int start_command(struct record *r)
{
	/* If standard output carries the events, the command's output must not mix with them. */
	struct command_opts opts = { .mask = r->signals.old_mask,
				     .stdout_to_stderr = outputs_use_stdout(&r->outputs) };

	sigemptyset(&opts.unignore);
	cli_add_size_signal(&opts.unignore);
	if (outputs_have_lines(&r->outputs))
		sigaddset(&opts.unignore, SIGPIPE);
	return command_start(&r->command, &opts);
}

/* Recording ----------------------------------------------------------------------------------- */

/* A second SIGUSR2 right after the first one has nothing to do: it asks for the same. */
static void rotate(struct record *r)
{
	if (outputs_have_traces(&r->outputs))
		nr_collector_rotate(r->collector);
	else
		cli_error("SIGUSR2 begins the next chunk of a trace, and no output is a trace: "
			  "ignored");
}

/* True after a signal that ends the recording, or after the command has exited. */
static bool stop_requested(struct record *r)
{
	struct signalfd_siginfo info;
	bool end = false;

	while (read(r->signals.fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			command_reap(&r->command);
		else if (info.ssi_signo == SIGUSR2)
			rotate(r);
		else
			end = true;
	}
	return end || r->command.ended;
}

static void show_progress(struct record *r, uint64_t *events, uint64_t *shown)
{
	struct pollfd terminal = { .fd = STDERR_FILENO, .events = POLLOUT };
	uint64_t now = cli_now_ms();
	double passed = (now - *shown) / 1e3;
	struct nr_stats *st;

	/* A terminal that was stopped with Ctrl-S must not stop us. */
	if (now - *shown < 1000 || poll(&terminal, 1, 0) < 1)
		return;
	*shown = now;
	st = nr_collector_stats(r->collector);
	if (!st)
		return; /* no memory: try again in a second */
	summary_progress(stderr, st, r->what.opts.order, *events, passed);
	*events = st->events_written;
	nr_stats_free(st);
}

/* The timeout of the next poll in ms; -1: none. */
static int poll_timeout(const struct record *r, uint64_t passed, bool terminal)
{
	uint64_t left = r->duration_ms ? r->duration_ms - passed : UINT64_MAX;
	uint64_t most = terminal ? 1000 : INT_MAX;

	if (left < most)
		return left;
	return terminal || r->duration_ms ? (int)most : -1;
}

/* Returns when the time is over, a signal arrives, the command or the processes have exited, or the
 * collector has failed. */
static void wait_for_end(struct record *r)
{
	struct pollfd fds[] = {
		{ .fd = r->signals.fd, .events = POLLIN },
		{ .fd = nr_collector_fd(r->collector), .events = POLLIN },
		/* Only for POLLERR: the reader of the pipe has closed it. */
		{ .fd = outputs_poll_fd(&r->outputs) },
		{ .fd = r->what.processes.n ? r->what.processes.fd : -1, .events = POLLIN },
	};
	uint64_t start = cli_now_ms(), shown = start, events = 0;
	bool terminal = isatty(STDERR_FILENO);

	for (;;) {
		uint64_t passed = cli_now_ms() - start;

		if (r->duration_ms && passed >= r->duration_ms)
			break;
		poll(fds, 4, poll_timeout(r, passed, terminal));
		if (stop_requested(r) || fds[1].revents || fds[2].revents || what_is_gone(&r->what))
			break;
		if (terminal)
			show_progress(r, &events, &shown);
	}
	if (terminal)
		cli_eprintf("\r\033[K");
}

/* The error that ended the recording, for a message; NULL: there was none. */
static const char *reason(const struct record *r, int err)
{
	if (r->stuck && err == -ETIMEDOUT)
		return "a write did not return";
	if (err == -ESTALE)
		return "another program changed the output";
	return err ? timed_write_error(err) : NULL;
}

static void report_command(const struct command *c)
{
	if (c->ended && WIFSIGNALED(c->status))
		cli_error("%s was killed by signal %d", c->argv[0], WTERMSIG(c->status));
	else if (c->ended && WEXITSTATUS(c->status))
		cli_error("%s exited with status %d", c->argv[0], WEXITSTATUS(c->status));
}

/* With --report, standard output has the reports, and the summary is a line on standard error. */
static int print_reports(struct record *r, const struct nr_stats *stats, int fd)
{
	FILE *out = timed_stream(fd);
	int err = out ? record_report_print(&r->report, stats, out) : -ENOMEM;

	if (out && fclose(out) && !err)
		err = -errno;
	if (err)
		cli_error("cannot write the report: %s", timed_write_error(err));
	return err;
}

static int print_maps(struct record *r, int fd)
{
	FILE *out = timed_stream(fd);
	int err = out ? object_args_show(&r->what.object_args, r->collector, out) : -ENOMEM;

	if (out && fclose(out) && !err) {
		err = -errno;
		cli_error("cannot write the maps: %s", timed_write_error(err));
	}
	return err;
}

static int report_stats(struct record *r, const struct nr_stats *stats, int err)
{
	const struct summary s = {
		.stats = stats,
		.plan = nr_collector_plan(r->collector),
		.types = nr_collector_types(r->collector),
		.order = r->what.opts.order,
		.outputs = &r->outputs,
		.error = reason(r, err),
		.brief = r->report.run,
		.delivered = outputs_delivered(&r->outputs, stats),
	};
	/* Standard output may carry the events. */
	int out = outputs_have_lines(&r->outputs) ? STDERR_FILENO : STDOUT_FILENO;
	int failed, unseen = print_to(s.brief ? STDERR_FILENO : out, summary_print, &s);

	if (unseen)
		cli_error("cannot write the summary: %s", timed_write_error(unseen));
	if (r->report.run && !r->stuck) /* else they may still get events */
		unseen = print_reports(r, stats, out) ?: unseen;
	if (!r->stuck)
		unseen = print_maps(r, out) ?: unseen;
	report_command(&r->command);
	watchdog_start(2 * READER_TIMEOUT_MS + WRITE_TIMEOUT_MS,
		       "gave up on the statistics: a write does not return");
	failed = write_stats(r, &s);
	watchdog_stop();
	if (err || failed || unseen || s.stats->unaccounted)
		return CLI_FAILED;
	return r->fail_on_loss && (stats->lost_total || outputs_missed(stats)) ? CLI_LOSS
									       : CLI_DONE;
}

/* err: what ended the recording. */
static int report(struct record *r, int err)
{
	struct nr_stats *stats = nr_collector_stats(r->collector);
	int ret = CLI_FAILED;

	if (stats) {
		err = outputs_close(&r->outputs, stats, err);
		r->stuck = outputs_are_stuck(&r->outputs);
		ret = report_stats(r, stats, err);
	} else {
		cli_error("cannot report on the recording: %s", strerror(ENOMEM));
	}
	nr_stats_free(stats);
	return ret;
}

/* A start that hangs in a file system ends the program some time after the recording should be
 * over. A normal start takes longer with more CPUs, and with objects that took long to try. */
static int start(struct record *r)
{
	unsigned most = 5000 + 250 * sysconf(_SC_NPROCESSORS_CONF) + 4 * r->what.trial_ms;
	int err;

	if (r->duration_ms && r->duration_ms < UINT_MAX - most)
		watchdog_start(r->duration_ms + most,
			       "gave up on the start, which did not return in time: check the file "
			       "system of the output");
	err = nr_collector_start(r->collector);
	watchdog_stop();
	return err;
}

/* Everything up to the first event. */
static int set_up(struct record *r)
{
	return command_check(&r->command) ?: what_open(&r->what, &r->collector)
	       ?: open_stats(r) ?: signals_block(&r->signals)
	       ?: outputs_open(&r->outputs, r->collector, r->signals.end_fd, r->duration_ms)
	       ?: record_report_open(&r->report, r->collector, r->what.filter.text) ?: what_check_processes(&r->what)
	       ?: start(r) ?: outputs_commit(&r->outputs);
}

/* Nothing but a signal ends the recording, and nobody sees its progress. */
static bool is_unattended(const struct record *r)
{
	return !r->duration_ms && !r->what.processes.n && !r->command.argv &&
	       !isatty(STDERR_FILENO);
}

static int record(struct record *r)
{
	int err;

	if (set_up(r)) {
		outputs_remove(&r->outputs); /* or the next try needs --force */
		outfile_remove(&r->stats.output);
		return r->what.is_wrong ? CLI_USAGE : CLI_FAILED;
	}
	if (is_unattended(r))
		outputs_tell(&r->outputs);
	err = start_command(r);
	if (!err)
		wait_for_end(r);
	signals_restore(&r->signals);
	outputs_ending(&r->outputs);
	command_terminate(&r->command);
	record_report_stop(&r->report);
	if (err) {
		r->stuck = nr_collector_stop(r->collector) == -ETIMEDOUT;
		outfile_remove(&r->stats.output);
		return CLI_FAILED;
	}
	return report(r, nr_collector_stop(r->collector));
}

/* The statistics need a file of their own. */
static int check_stats(struct record *r)
{
	if (!r->stats_json)
		return 0;
	r->stats = destination_of(r->stats_json);
	return destination_check(&r->stats)
		       ?: outputs_refuse(&r->outputs, "--stats-json", &r->stats);
}

int cmd_record(int argc, char **argv)
{
	struct record r = { .report.kinds.worst = REPORTS_WORST };
	int ret;

	signals_init(&r.signals);
	what_init(&r.what);
	cli_parse(&record_argp, argc, argv, ARGP_IN_ORDER, &r);
	record_report_sources(&r.report, &r.what);
	r.outputs.none = r.report.kinds.n;
	if (outputs_check(&r.outputs) || check_stats(&r))
		return CLI_USAGE;
	if (is_unattended(&r))
		outputs_limit(&r.outputs);
	if (!outputs_can_wait(&r.outputs))
		r.what.opts.stop_timeout_ms = WRITE_TIMEOUT_MS;
	ret = record(&r);
	if (r.stuck)
		_exit(ret);
	record_report_close(&r.report);
	outputs_ending(&r.outputs); /* also when the start failed half-way */
	nr_collector_close(r.collector);
	outputs_destroy(&r.outputs);
	outfile_close(&r.stats.output);
	what_destroy(&r.what);
	if (r.signals.fd >= 0)
		close(r.signals.fd);
	return ret;
}
