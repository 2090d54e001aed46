/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring record: this machine's events into a trace. */
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
#include "cli.h"
#include "command.h"
#include "live.h"
#include "outlet.h"
#include "patience.h"
#include "processes.h"
#include "signals.h"
#include "summary.h"

/* How long the end waits for a write that does not return. A reader of JSON lines may be slow: as
 * long as it takes something, live.c does not give it up. */
#define WRITE_TIMEOUT_MS 3000

enum {
	OPT_ORDER = 256,
	OPT_LATENCY,
	OPT_FAIL_ON_LOSS,
	OPT_STATS_JSON,
	OPT_SELF,
	OPT_FORCE,
	OPT_OBJECT,
	OPT_FORMAT,
	OPT_GROUP,
};

static const struct argp_option options[] = {
	{ "output", 'o', "DIR", 0,
	  "the trace (default: numaring-YYYYmmdd-HHMMSS); with --format jsonl a file, a FIFO, "
	  "or - for standard output",
	  0 },
	{ "format", OPT_FORMAT, "ctf|jsonl", 0,
	  "a trace (default), or JSON lines as the events come", 0 },
	{ "event", 'e', "SOURCES", 0,
	  "what to record, separated by commas (default: sched); may be repeated; list: show what "
	  "there is",
	  0 },
	{ "object", OPT_OBJECT, "FILE", 0,
	  "load this BPF object, built with numaring.bpf.h, and record its events; may be repeated",
	  0 },
	{ "duration", 'd', "TIME", 0,
	  "stop after this time: seconds, or a number with ms, s, m or h, like 1.5, 500ms or 10m",
	  0 },
	{ "pid", 'p', "PIDS", 0,
	  "only these processes, separated by commas; may be repeated, 64 at most; stop when the "
	  "last of them has ended",
	  0 },
	{ "order", OPT_ORDER, "fence|rcu", 0,
	  "how to decide that no earlier event can arrive (default: fence)", 1 },
	{ "latency", OPT_LATENCY, "MS", 0, "write each event within MS milliseconds (default: 100)",
	  1 },
	{ "fail-on-loss", OPT_FAIL_ON_LOSS, NULL, 0, "exit 3 if an event was lost", 2 },
	{ "stats-json", OPT_STATS_JSON, "FILE", 0, "write the numbers of the summary to FILE", 2 },
	{ "self", OPT_SELF, NULL, 0, "record the collector's own threads too", 2 },
	{ "force", OPT_FORCE, NULL, 0, "overwrite an existing trace or file", 2 },
	{ "group", OPT_GROUP, "GROUP", 0,
	  "let this group (name or number) read what is written (default: only the owner)", 2 },
	{ "verbose", 'v', NULL, 0, "be verbose; -vv adds messages of libbpf and the verifier", 2 },
	{ 0 },
};

/* An option that may be given again keeps all its words. */
struct words {
	char **list;
	unsigned n;
};

struct record {
	struct nr_collector_opts opts;
	struct nr_plan_opts plan;
	const char *output;
	char default_output[64];
	struct words events; /* each one source, or some with commas; none: sched, if there are no
				objects */
	struct words objects;
	struct processes processes;
	bool live; /* JSON lines instead of a trace */
	struct outlet outlet;
	const char *stats_json;
	struct outlet stats;
	bool force;
	bool shared; /* with this group: */
	gid_t group;
	bool fail_on_loss;
	unsigned duration_ms; /* 0: until told otherwise */
	unsigned trial_ms;    /* how long the objects took that were loaded for a trial */
	int verbosity;
	struct command command;

	struct nr_collector *collector;
	struct live stream;
	struct signals signals;
	bool stuck; /* a thread is in a write that does not return: all it uses has to stay */
};

static enum nr_order parse_order(const char *arg)
{
	if (!strcmp(arg, "fence"))
		return NR_ORDER_FENCE;
	if (!strcmp(arg, "rcu"))
		return NR_ORDER_RCU;
	cli_refuse(arg, "an order: there are fence and rcu");
}

static bool parse_format(const char *arg)
{
	if (!strcmp(arg, "jsonl"))
		return true;
	if (!strcmp(arg, "ctf"))
		return false;
	cli_refuse(arg, "a format: there are ctf and jsonl");
}

static void add_word(struct words *words, char *word)
{
	words->list = reallocarray(words->list, words->n + 1, sizeof(*words->list));
	if (!words->list) {
		cli_error("no memory");
		exit(CLI_FAILED);
	}
	words->list[words->n++] = word;
}

static void list_sources(void)
{
	const char *name;

	for (unsigned i = 0; (name = nr_source_name(i)); i++)
		printf("%-10s %s\n", name, nr_source_about(i));
	if (!fflush(stdout) && !ferror(stdout))
		exit(CLI_DONE);
	cli_error("cannot write the sources: %s", strerror(errno));
	exit(CLI_FAILED);
}

static void add_events(struct record *r, char *arg)
{
	if (!strcmp(arg, "list"))
		list_sources();
	add_word(&r->events, arg);
}

/* These add up. */
static bool may_repeat(int key)
{
	return key == 'e' || key == 'p' || key == OPT_OBJECT;
}

static void parse_latency(struct record *r, const char *arg)
{
	if (cli_parse_ms(arg, &r->opts.latency_ms) || !r->opts.latency_ms)
		cli_refuse(arg, "a latency: give milliseconds, at least 1");
}

static void refuse_nowhere(const char *arg)
{
	if (*arg)
		return;
	cli_error("-o needs the name of a file or directory");
	exit(CLI_USAGE);
}

static bool set_flag(struct record *r, int key)
{
	switch (key) {
	case 'v':
		r->verbosity++;
		return true;
	case OPT_FAIL_ON_LOSS:
		return r->fail_on_loss = true;
	case OPT_SELF:
		return r->opts.self = true;
	case OPT_FORCE:
		return r->force = true;
	}
	return false;
}

static bool set_value(struct record *r, int key, char *arg)
{
	switch (key) {
	case 'o':
		refuse_nowhere(arg);
		r->output = arg;
		return true;
	case 'e':
		add_events(r, arg);
		return true;
	case 'd':
		r->duration_ms = cli_duration_ms(arg);
		return true;
	case 'p':
		processes_add(&r->processes, arg);
		return true;
	case OPT_ORDER:
		r->opts.order = parse_order(arg);
		return true;
	case OPT_LATENCY:
		parse_latency(r, arg);
		return true;
	case OPT_STATS_JSON:
		r->stats_json = arg;
		return true;
	case OPT_OBJECT:
		add_word(&r->objects, arg);
		return true;
	case OPT_FORMAT:
		r->live = parse_format(arg);
		return true;
	case OPT_GROUP:
		r->shared = true;
		r->group = output_group(arg);
		return true;
	}
	return false;
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct record *r = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &r->plan;
		return 0;
	case ARGP_KEY_ARG:
		/* The first word that is no option begins the command. */
		r->command.argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		if (state->quoted && !r->command.argv)
			argp_error(state, "missing COMMAND after --");
		return 0;
	}
	if (!may_repeat(key))
		cli_once(options, key, arg);
	return set_flag(r, key) || set_value(r, key, arg) ? 0 : ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_opt,
	.children = (const struct argp_child[]){ { .argp = &cli_plan_argp, .group = 1 }, { 0 } },
	.args_doc = "[-- COMMAND...]",
	.doc = "Record events of this machine, in exact order, into a trace directory.\v"
	       "Recording stops when COMMAND exits. Without -p, the whole machine is recorded. "
	       "The sources: sched (task switches, wake-ups, migrations), syscalls (entry and exit "
	       "of every system call). The exit status is that of the recording; COMMAND's exit "
	       "status is reported on stderr.",
};

/* Setting up ---------------------------------------------------------------------------------- */

/* Each event of an object that is there twice would come twice. */
static int refuse_twins(const struct record *r, unsigned i)
{
	for (unsigned k = 0; k < i; k++) {
		if (!cli_same_file(r->objects.list[i], r->objects.list[k]))
			continue;
		cli_error("%s is given twice: each of its events would come twice",
			  r->objects.list[i]);
		return -EEXIST;
	}
	return 0;
}

static int add_sources(struct record *r, char *names)
{
	char *name;
	int err = 0;

	while (!err && (name = strsep(&names, ",")))
		err = nr_collector_add_source(r->collector, name);
	return err;
}

static int add_events_of(struct record *r)
{
	uint64_t begin = cli_now_ms();
	int err = 0;

	if (!r->events.n && !r->objects.n)
		return nr_collector_add_source(r->collector, "sched");
	for (unsigned i = 0; !err && i < r->events.n; i++)
		err = add_sources(r, r->events.list[i]);
	for (unsigned i = 0; !err && i < r->objects.n; i++)
		err = refuse_twins(r, i)
			      ?: nr_collector_add_object(r->collector, r->objects.list[i]);
	r->trial_ms = cli_now_ms() - begin;
	return err;
}

static struct output_opts output_opts(const struct record *r)
{
	return (struct output_opts){ .force = r->force, .group = r->shared ? &r->group : NULL };
}

static int open_lines(struct record *r)
{
	const struct output_opts opts = output_opts(r);
	int err = outlet_open(&r->outlet, &opts, r->signals.fd, r->duration_ms);

	if (err == -ENXIO)
		cli_error("no reader opened %s: nothing was recorded", r->output);
	return err ?: live_open(&r->stream, r->collector, &r->outlet.output);
}

static int set_output(struct record *r)
{
	int err = 0;

	if (r->live)
		return open_lines(r);
	if (r->shared)
		err = nr_collector_set_trace_group(r->collector, r->group);
	return err ?: nr_collector_set_trace(r->collector, r->output, r->force);
}

static bool to_stdout(const struct record *r)
{
	return r->live && r->outlet.descriptor == STDOUT_FILENO;
}

/* At the start, so that a file that cannot be written is known before the recording. What is in it
 * stays until there is something to replace it. */
static int open_stats(struct record *r)
{
	struct output_opts opts = output_opts(r);

	if (!r->stats_json || outlet_is_fifo(&r->stats)) /* its reader may come later */
		return 0;
	opts.force = true;
	return outlet_open(&r->stats, &opts, -1, 0);
}

/* A FIFO is opened now. */
static int begin_stats(struct record *r)
{
	const struct output_opts opts = {};
	int err = 0;

	if (!r->stats.output.file)
		err = outlet_open(&r->stats, &opts, -1, PATIENCE_MS);
	if (err == -ENXIO)
		cli_error("no reader opened %s: the statistics were not written", r->stats_json);
	return err;
}

/* Prints the numbers to somebody who may not read. */
static int print_to(int fd, int (*print)(FILE *out, const struct summary *s),
		    const struct summary *s)
{
	FILE *out = patient_stream(fd);
	int err = out ? print(out, s) : -ENOMEM;

	if (out && fclose(out) && !err)
		err = -errno;
	return err;
}

static int write_stats(struct record *r, const struct summary *s)
{
	struct output *o = &r->stats.output;
	int err, closed;

	if (!r->stats_json)
		return 0;
	err = begin_stats(r);
	if (err)
		return err;
	err = print_to(fileno(o->file), summary_json, s) ?: output_keep(o);
	closed = output_close(o);
	err = err ?: closed;
	if (err && err != -ESTALE) /* which was said */
		cli_error("cannot write %s: %s", r->stats_json, patient_reason(err));
	return err;
}

static void name_output(struct record *r)
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(r->default_output, sizeof(r->default_output), "numaring-%Y%m%d-%H%M%S", &tm);
	r->output = r->default_output;
}

static int start_command(struct record *r)
{
	/* Standard output carries the events: what the command prints must not get between them. */
	struct command_start how = { .mask = r->signals.old_mask, .no_stdout = to_stdout(r) };

	sigemptyset(&how.unheard);
	cli_restore_file_signal(&how.unheard);
	if (r->live)
		sigaddset(&how.unheard, SIGPIPE);
	return command_start(&r->command, &how);
}

/* Recording ----------------------------------------------------------------------------------- */

/* True: the user or the command asks for the end. */
static bool end_asked(struct record *r)
{
	struct signalfd_siginfo info;
	bool end = false;

	while (read(r->signals.fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			command_reap(&r->command);
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

	/* One that was stopped with Ctrl-S does not stop us. */
	if (now - *shown < 1000 || poll(&terminal, 1, 0) < 1)
		return;
	*shown = now;
	st = nr_collector_stats(r->collector);
	if (!st)
		return; /* no memory: there will be another second */
	summary_progress(stderr, st, r->opts.order, *events, passed);
	*events = st->events_written;
	nr_stats_free(st);
}

/* How long to wait for something to happen, ms; -1: for as long as it takes. */
static int next_look(const struct record *r, uint64_t passed, bool terminal)
{
	uint64_t left = r->duration_ms ? r->duration_ms - passed : UINT64_MAX;
	uint64_t most = terminal ? 1000 : INT_MAX;

	if (left < most)
		return left;
	return terminal || r->duration_ms ? (int)most : -1;
}

/* The last process of -p has ended: there is nothing more to record. */
static bool processes_gone(struct record *r)
{
	if (!processes_ended(&r->processes))
		return false;
	cli_error(r->processes.n == 1 ? "the process has ended" : "all processes have ended");
	return true;
}

/* Until the time is over, a signal comes, the command or the processes end, or the collector gives
 * up. */
static void wait_for_end(struct record *r)
{
	struct pollfd fds[] = {
		{ .fd = r->signals.fd, .events = POLLIN },
		{ .fd = nr_collector_fd(r->collector), .events = POLLIN },
		/* Only asks for errors: the reader of the pipe has left. */
		{ .fd = r->live ? fileno(r->outlet.output.file) : -1 },
		{ .fd = r->processes.n ? r->processes.fd : -1, .events = POLLIN },
	};
	uint64_t start = cli_now_ms(), shown = start, events = 0;
	bool terminal = isatty(STDERR_FILENO);

	for (;;) {
		uint64_t passed = cli_now_ms() - start;

		if (r->duration_ms && passed >= r->duration_ms)
			break;
		poll(fds, 4, next_look(r, passed, terminal));
		if (end_asked(r) || fds[1].revents || fds[2].revents || processes_gone(r))
			break;
		if (terminal)
			show_progress(r, &events, &shown);
	}
	if (terminal)
		cli_say("\r\033[K");
}

/* What ended it, in words; NULL if nothing did. */
static const char *reason(const struct record *r, int err)
{
	if (r->opts.stop_timeout_ms && err == -ETIMEDOUT)
		return "a write did not return";
	if (err == -ESTALE)
		return "another program changed what was written";
	return err ? patient_reason(err) : NULL;
}

static void explain_command(const struct command *c)
{
	if (c->ended && WIFSIGNALED(c->status))
		cli_error("%s was killed by signal %d", c->argv[0], WTERMSIG(c->status));
	else if (c->ended && WEXITSTATUS(c->status))
		cli_error("%s exited with status %d", c->argv[0], WEXITSTATUS(c->status));
}

static int report_stats(struct record *r, const struct nr_stats *stats, int err)
{
	const struct summary s = {
		.stats = stats,
		.plan = nr_collector_plan(r->collector),
		.types = nr_collector_types(r->collector),
		.order = r->opts.order,
		.output = r->output,
		.error = reason(r, err),
		.delivered = r->live ? r->stream.delivered : stats->events_written,
	};
	/* Standard output is taken by the events. */
	int out = r->live ? STDERR_FILENO : STDOUT_FILENO;
	int failed, unseen = print_to(out, summary_print, &s);

	if (unseen)
		cli_error("cannot write the summary: %s", patient_reason(unseen));
	explain_command(&r->command);
	limit_begin(2 * PATIENCE_MS + WRITE_TIMEOUT_MS,
		    "gave up on the statistics: a write does not return");
	failed = write_stats(r, &s);
	limit_end();
	if (err || failed || unseen || s.stats->unaccounted)
		return CLI_FAILED;
	return r->fail_on_loss && s.stats->lost_total ? CLI_LOSS : CLI_DONE;
}

static int report(struct record *r, int err)
{
	struct nr_stats *stats = nr_collector_stats(r->collector);
	int ret = CLI_FAILED;

	if (stats)
		ret = report_stats(r, stats, err);
	else
		cli_error("cannot report on the recording: %s", strerror(ENOMEM));
	nr_stats_free(stats);
	return ret;
}

/* A reader that has seen enough closes the pipe: that is an end like any other. */
static int end_stream(struct record *r, int err)
{
	int end, closed;

	r->stuck = r->opts.stop_timeout_ms && err == -ETIMEDOUT;
	if (r->stuck)
		return err;
	end = live_close(&r->stream);
	closed = output_close(&r->outlet.output);
	end = end ?: closed;
	if (r->live && (err == -EPIPE || end == -EPIPE))
		return 0;
	if (end && end != -ESTALE && !err)
		cli_error("cannot write %s: %s", r->output, reason(r, end));
	return err ? err : end;
}

static int check_processes(struct record *r)
{
	if (!processes_ended(&r->processes))
		return 0;
	for (unsigned i = 0; i < r->processes.n; i++)
		cli_error("there is no process %d", r->processes.pids[i]);
	return -ESRCH;
}

/* A start that hangs in a file system is over some time after the recording should be. How long a
 * healthy one takes depends on the number of CPUs, and on the verifier, which has seen the objects
 * once. */
static int start(struct record *r)
{
	unsigned most = 5000 + 250 * sysconf(_SC_NPROCESSORS_CONF) + 4 * r->trial_ms;
	int err;

	if (r->duration_ms && r->duration_ms < UINT_MAX - most)
		limit_begin(r->duration_ms + most,
			    "gave up on the start, which has not returned in time: does the file "
			    "system of the output answer?");
	err = nr_collector_start(r->collector);
	limit_end();
	return err;
}

static int record(struct record *r)
{
	int err = command_check(&r->command);

	if (!err)
		err = nr_collector_open(&r->collector, &r->opts);
	if (!err)
		err = add_events_of(r);
	if (!err)
		err = open_stats(r);
	if (!err)
		err = signals_take(&r->signals);
	if (!err)
		err = set_output(r);
	if (!err)
		err = check_processes(r);
	if (!err)
		err = start(r);
	if (!err)
		err = output_keep(&r->outlet.output);
	if (err) {
		output_remove(&r->outlet.output); /* in the way of the next try */
		output_remove(&r->stats.output);
		return CLI_FAILED;
	}
	err = start_command(r);
	if (!err)
		wait_for_end(r);
	signals_let_end(&r->signals);
	live_end(&r->stream);
	command_end(&r->command);
	if (err) {
		r->stuck = nr_collector_stop(r->collector) == -ETIMEDOUT;
		output_remove(&r->stats.output);
		return CLI_FAILED;
	}
	return report(r, end_stream(r, nr_collector_stop(r->collector)));
}

/* Before we open anything: a descriptor that is named has to be the caller's. */
static int check_descriptor(const struct outlet *o)
{
	if (o->descriptor < 0 || fcntl(o->descriptor, F_GETFL) >= 0)
		return 0;
	cli_error("cannot write %s: %s", o->path, strerror(errno));
	return -EINVAL;
}

/* The statistics have a place of their own. */
static int check_stats(struct record *r)
{
	if (!r->stats_json)
		return 0;
	r->stats = outlet_named(r->stats_json);
	if (check_descriptor(&r->stats))
		return -EINVAL;
	if (!r->live && cli_is_in_trace("--stats-json", r->stats_json, r->output))
		return -EINVAL;
	if (!outlet_is_same(&r->outlet, &r->stats))
		return 0;
	cli_error("-o %s and --stats-json %s are one file: use two", r->output, r->stats_json);
	return -EINVAL;
}

static int check_output(struct record *r)
{
	if (!r->output && r->live)
		r->output = "-";
	else if (!r->output)
		name_output(r);
	r->outlet = outlet_named(r->output);
	if (r->live || r->outlet.descriptor < 0)
		return check_descriptor(&r->outlet) ?: check_stats(r);
	cli_error("a trace is a directory: for this output use --format jsonl");
	return -EINVAL;
}

int cmd_record(int argc, char **argv)
{
	struct record r = {
		.opts = { .sz = sizeof(r.opts), .log = cli_log },
		.signals = { .fd = -1 },
	};
	int ret;

	r.opts.log_ctx = &r.verbosity;
	argp_err_exit_status = CLI_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &r);
	r.opts.pids = r.processes.pids;
	r.opts.n_pids = r.processes.n;
	r.opts.policy = r.plan.policy;
	r.opts.ring_bytes = r.plan.ring_bytes;
	r.opts.consumer_cpus = r.plan.consumer_cpus;
	if (check_output(&r))
		return CLI_USAGE;
	if (!r.live || !outlet_has_reader(&r.outlet))
		r.opts.stop_timeout_ms = WRITE_TIMEOUT_MS;
	ret = record(&r);
	if (r.stuck)
		_exit(ret);
	live_end(&r.stream); /* also when the start failed half-way */
	nr_collector_close(r.collector);
	live_close(&r.stream);
	output_close(&r.outlet.output);
	output_close(&r.stats.output);
	free(r.objects.list);
	free(r.events.list);
	if (r.signals.fd >= 0)
		close(r.signals.fd);
	return ret;
}
