// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* numaring top: what is recorded right now. Writes no trace. */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "cli.h"
#include "help.h"
#include "signals.h"
#include "top.h"
#include "top_threads.h"
#include "what_args.h"

struct top {
	struct what what;
	const struct top_view *view;
	unsigned interval_ms;
	unsigned duration_ms;	   /* 0: no limit */
	unsigned long most, shown; /* intervals; most 0: no limit */
	bool json;
	bool on_screen;
	bool paused;
	struct signals signals;
	struct nr_collector *collector;
	struct top_count count;
	struct top_threads threads;
	struct top_snapshot snapshot;
	struct top_table table;
};

enum {
	OPT_JSON = 256,
	OPT_VIEW,
};

static const struct argp_option options[] = {
	{ .name = "interval", .key = 'i', .arg = "TIME" },
	{ .name = "duration", .key = 'd', .arg = "TIME" },
	{ .name = "number", .key = 'n', .arg = "N" },
	{ .name = "view", .key = OPT_VIEW, .arg = "types|tasks|cpus|nodes|shards|latency" },
	{ .name = "json", .key = OPT_JSON },
	{ 0 },
};

/* ---- options ---- */

static unsigned parse_interval(const char *arg)
{
	unsigned ms = cli_duration_ms(arg);

	if (ms < 100)
		cli_refuse(arg, "an interval: use at least 100ms");
	return ms;
}

static unsigned long parse_number(const char *arg)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (*arg < '1' || *arg > '9' || *end)
		cli_refuse(arg, "a number of intervals: use 1 or more");
	return n;
}

static const struct top_view *parse_view(const char *arg)
{
	const struct top_view *view = top_view_find(arg);

	if (!view)
		cli_refuse(arg, "a view: use types, tasks, cpus, nodes, shards or latency");
	return view;
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct top *t = state->input;

	cli_refuse_repeated(options, key, arg);
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &t->what;
		return 0;
	case 'i':
		t->interval_ms = parse_interval(arg);
		return 0;
	case 'd':
		t->duration_ms = cli_duration_ms(arg);
		return 0;
	case 'n':
		t->most = parse_number(arg);
		return 0;
	case OPT_VIEW:
		t->view = parse_view(arg);
		return 0;
	case OPT_JSON:
		t->json = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_opt,
	.children = (const struct argp_child[]){ { .argp = &what_argp }, { 0 } },
	.doc = help_top_txt,
};

/* ---- the figures of an interval ---- */

/* Keeps what holds since the start. */
static void add_totals(struct top *t)
{
	struct top_snapshot *s = &t->snapshot;

	for (unsigned i = 0; i < t->count.n_types; i++)
		s->types_total[i] += s->tally->types[i];
	for (unsigned i = 0; i < t->count.n_latencies; i++)
		if (s->tally->latencies[i].max > s->latencies_max[i])
			s->latencies_max[i] = s->tally->latencies[i].max;
}

/* 0 or -ENOMEM. */
static int take_snapshot(struct top *t)
{
	struct top_snapshot *s = &t->snapshot;
	struct nr_stats *now = nr_collector_stats(t->collector);
	uint64_t before = s->stats ? s->stats->duration_ns : 0;

	if (!now)
		return -ENOMEM;
	nr_stats_free(s->before);
	s->before = s->stats;
	s->stats = now;
	s->seconds = (now->duration_ns - before) / 1e9;
	s->time = time(NULL);
	s->tally = top_count_take(&t->count);
	s->consumer_percent = top_threads_percent(&t->threads, s->seconds);
	add_totals(t);
	t->shown++;
	return 0;
}

/* 0, or the negative errno of writing. */
static int flush(void)
{
	return fflush(stdout) || ferror(stdout) ? -(errno ?: EIO) : 0;
}

static int print_json(struct top *t)
{
	json_t *o = top_summary_json(&t->snapshot);

	for (unsigned i = 0; i < TOP_VIEWS; i++) {
		top_table_fill(&t->table, &top_views[i], &t->snapshot);
		json_object_set_new(o, top_views[i].name, top_table_json(&top_views[i], &t->table));
	}
	json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(o);
	return flush();
}

static int print_lines(struct top *t)
{
	char lines[2][TOP_LINE] = {}, line[TOP_LINE] = "";

	top_summary(&t->snapshot, lines);
	top_table_head(t->view, line);
	printf("%s\n%s\n%s\n", lines[0], lines[1], line);
	top_table_fill(&t->table, t->view, &t->snapshot);
	for (unsigned i = 0; i < t->table.n; i++) {
		top_table_line(t->view, t->table.rows[i], line);
		puts(line);
	}
	putchar('\n');
	return flush();
}

static int show(struct top *t)
{
	if (t->on_screen)
		top_screen_draw(&t->snapshot, t->paused);
	else
		return t->json ? print_json(t) : print_lines(t);
	return 0;
}

/* ---- running ---- */

static bool signalled(const struct top *t)
{
	struct signalfd_siginfo info;
	bool end = false;

	while (read(t->signals.fd, &info, sizeof(info)) == sizeof(info))
		end = end || (info.ssi_signo != SIGCHLD && info.ssi_signo != SIGUSR2);
	return end;
}

/* Handles all that was typed. False: quit. */
static bool handle_keys(struct top *t)
{
	enum top_key key;
	bool changed = false;

	while ((key = top_screen_key()) != TOP_KEY_NONE) {
		if (key == TOP_KEY_QUIT)
			return false;
		if (key == TOP_KEY_PAUSE)
			t->paused = !t->paused;
		changed = true;
	}
	if (changed)
		top_screen_draw(&t->snapshot, t->paused);
	return true;
}

static bool is_over(const struct top *t, uint64_t passed)
{
	return (t->duration_ms && passed >= t->duration_ms) || (t->most && t->shown >= t->most);
}

static int time_left(const struct top *t, uint64_t passed, uint64_t next)
{
	uint64_t end = t->duration_ms && t->duration_ms < next ? t->duration_ms : next;

	return end <= passed ? 0 : end - passed < INT_MAX ? (int)(end - passed) : INT_MAX;
}

/* Until it is over, a signal or a key ends it, or the collector or the output fails. Returns 0, or
 * the error of the output. */
static int watch(struct top *t)
{
	struct pollfd fds[] = {
		{ .fd = t->signals.fd, .events = POLLIN },
		{ .fd = nr_collector_fd(t->collector), .events = POLLIN },
		{ .fd = t->what.processes.n ? t->what.processes.fd : -1, .events = POLLIN },
		{ .fd = t->on_screen ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = t->on_screen ? -1 : STDOUT_FILENO }, /* its reader has gone */
	};
	uint64_t start = cli_now_ms(), next = t->interval_ms;
	int err = 0;

	while (!err) {
		uint64_t passed = cli_now_ms() - start;

		poll(fds, 5, time_left(t, passed, next));
		passed = cli_now_ms() - start;
		if (passed >= next && !t->paused)
			err = take_snapshot(t) ?: show(t);
		while (passed >= next)
			next += t->interval_ms;
		if (signalled(t) || fds[1].revents || fds[4].revents || is_over(t, passed) ||
		    what_is_gone(&t->what) || (t->on_screen && !handle_keys(t)))
			break;
		if (fds[3].revents & (POLLHUP | POLLERR))
			break;
	}
	return err;
}

static int open_snapshot(struct top *t)
{
	struct top_snapshot *s = &t->snapshot;
	unsigned n_cpus;

	s->plan = nr_collector_plan(t->collector);
	s->node_of_cpu = nr_plan_nodes(s->plan, &n_cpus);
	s->count = &t->count;
	if (top_count_open(&t->count, nr_collector_types(t->collector), n_cpus) ||
	    top_threads_open(&t->threads, s->plan->n_shards))
		return -ENOMEM;
	s->types_total = calloc(t->count.n_types + 1, sizeof(*s->types_total));
	s->latencies_max = calloc(t->count.n_latencies + 1, sizeof(*s->latencies_max));
	return s->types_total && s->latencies_max ? 0 : -ENOMEM;
}

static int set_up(struct top *t)
{
	const struct nr_output_opts output = { .sz = sizeof(output), .name = "top" };
	int err = what_open(&t->what, &t->collector) ?: open_snapshot(t) ?: signals_block(&t->signals);

	if (err)
		return err;
	err = nr_collector_add_batch(t->collector, top_count_batch, &t->count, &output);
	if (err < 0)
		return err;
	return what_check_processes(&t->what) ?: nr_collector_start(t->collector);
}

static int top(struct top *t)
{
	int err = set_up(t), stopped;

	if (err)
		return t->what.is_wrong ? CLI_USAGE : CLI_FAILED;
	if (t->on_screen && top_screen_open(t->view))
		return CLI_FAILED;
	if (t->on_screen)
		top_screen_draw(&t->snapshot, false);
	err = watch(t);
	top_screen_close();
	signals_restore(&t->signals);
	if (err)
		cli_error("cannot write the figures: %s", strerror(-err));
	stopped = nr_collector_stop(t->collector);
	if (stopped)
		cli_error("the recording ended early: %s", strerror(-stopped));
	return err || stopped ? CLI_FAILED : CLI_DONE;
}

static void close_all(struct top *t)
{
	nr_collector_close(t->collector);
	nr_stats_free(t->snapshot.stats);
	nr_stats_free(t->snapshot.before);
	free(t->snapshot.types_total);
	free(t->snapshot.latencies_max);
	free(t->table.rows);
	top_threads_close(&t->threads);
	top_count_close(&t->count);
	what_destroy(&t->what);
	if (t->signals.fd >= 0)
		close(t->signals.fd);
}

int cmd_top(int argc, char **argv)
{
	struct top t = { .view = &top_views[0], .interval_ms = 1000 };
	int ret;

	signals_init(&t.signals);
	what_init(&t.what);
	cli_parse(&argp, argc, argv, 0, &t);
	t.on_screen = !t.json && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
	ret = top(&t);
	close_all(&t);
	return ret;
}
