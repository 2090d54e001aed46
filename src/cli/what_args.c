// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "what_args.h"

enum {
	OPT_ORDER = 320,
	OPT_LATENCY,
	OPT_SELF,
	OPT_OBJECT,
	OPT_SET,
	OPT_ATTACH,
	OPT_KPROBE,
	OPT_UPROBE,
	OPT_USDT,
};

static const struct argp_option options[] = {
	{ .name = "event", .key = 'e', .arg = "EVENTS" },
	{ .name = "object", .key = OPT_OBJECT, .arg = "FILE" },
	{ .name = "attach", .key = OPT_ATTACH, .arg = "PROG=TARGET" },
	{ .name = "set", .key = OPT_SET, .arg = "NAME=VALUE" },
	{ .name = "kprobe", .key = OPT_KPROBE, .arg = "FUNC[(ARGS)]" },
	{ .name = "uprobe", .key = OPT_UPROBE, .arg = "PATH:SYM[(ARGS)]" },
	{ .name = "usdt", .key = OPT_USDT, .arg = "PATH:PROVIDER:NAME[(ARGS)]" },
	{ .name = "pid", .key = 'p', .arg = "PIDS" },
	FILTER_OPTION_EXPR,
	FILTER_OPTION_COMM,
	FILTER_OPTION_CPUS,
	FILTER_OPTION_CGROUP,
	{ .name = "order", .key = OPT_ORDER, .arg = "fence|rcu" },
	{ .name = "latency", .key = OPT_LATENCY, .arg = "MS" },
	{ .name = "self", .key = OPT_SELF },
	{ .name = "verbose", .key = 'v' },
	{ 0 },
};

static enum nr_order parse_order(const char *arg)
{
	if (!strcmp(arg, "fence"))
		return NR_ORDER_FENCE;
	if (!strcmp(arg, "rcu"))
		return NR_ORDER_RCU;
	cli_refuse(arg, "an order: use fence or rcu");
}

static void parse_latency(struct what *w, const char *arg)
{
	if (cli_parse_ms(arg, &w->opts.latency_ms) || !w->opts.latency_ms)
		cli_refuse(arg, "a latency: give milliseconds, at least 1");
}

/* These options add a value each time. */
static bool may_repeat(int key)
{
	return key == 'e' || key == 'p' || (key >= OPT_OBJECT && key <= OPT_USDT);
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct what *w = state->input;

	if (!may_repeat(key))
		cli_refuse_repeated(options, key, arg);
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &w->plan;
		return 0;
	case 'e':
		events_add(&w->sources, arg);
		return 0;
	case 'p':
		processes_add(&w->processes, arg);
		return 0;
	case 'v':
		w->verbosity++;
		return 0;
	case OPT_ORDER:
		w->opts.order = parse_order(arg);
		return 0;
	case OPT_LATENCY:
		parse_latency(w, arg);
		return 0;
	case OPT_SELF:
		w->opts.self = true;
		return 0;
	case OPT_KPROBE:
		probes_add(&w->sources, "kprobe", arg);
		return 0;
	case OPT_UPROBE:
		probes_add(&w->sources, "uprobe", arg);
		return 0;
	case OPT_USDT:
		probes_add(&w->sources, "usdt", arg);
		return 0;
	case OPT_OBJECT:
		strings_add(&w->objects, arg);
		return 0;
	case OPT_ATTACH:
		object_args_add(&w->object_args, OBJECT_ATTACH, &w->objects, arg);
		return 0;
	case OPT_SET:
		object_args_add(&w->object_args, OBJECT_SET, &w->objects, arg);
		return 0;
	}
	return filter_option(&w->filter, key, arg) ? 0 : ARGP_ERR_UNKNOWN;
}

const struct argp what_argp = {
	.options = options,
	.parser = parse_opt,
	.children = (const struct argp_child[]){ { .argp = &cli_plan_argp }, { 0 } },
};

void what_init(struct what *w)
{
	*w = (struct what){ .opts = { .sz = sizeof(w->opts), .log = cli_log } };
}

/* Otherwise each of its events would be recorded twice. */
static int refuse_duplicate(const struct what *w, unsigned i)
{
	for (unsigned k = 0; k < i; k++) {
		if (!cli_same_file(w->objects.list[i], w->objects.list[k]))
			continue;
		cli_error("%s is given twice: give each object once", w->objects.list[i]);
		return -EEXIST;
	}
	return 0;
}

static int add_events(struct what *w, struct nr_collector *collector)
{
	uint64_t begin = cli_now_ms();
	int err = 0;

	if (!w->sources.n && !w->objects.n && !w->object_args.n)
		return nr_collector_add_source(collector, "sched");
	for (unsigned i = 0; !err && i < w->sources.n; i++)
		err = nr_collector_add_source(collector, w->sources.list[i]);
	w->is_wrong = err == -ENOENT || err == -EINVAL || err == -EEXIST;
	for (unsigned i = 0; !err && i < w->objects.n; i++)
		err = refuse_duplicate(w, i)
			      ?: nr_collector_add_object(collector, w->objects.list[i]);
	if (!err) {
		err = object_args_apply(&w->object_args, &w->objects, collector);
		w->is_wrong = err;
	}
	w->trial_ms = cli_now_ms() - begin;
	return err;
}

/* By itself first, so that messages name its columns. */
static int set_filter(struct what *w, struct nr_collector *collector)
{
	int err = w->filter.expr ? nr_collector_filter(collector, w->filter.expr) : 0;

	w->filter.text = filter_text(&w->filter);
	if (!err && w->filter.text)
		err = nr_collector_filter(collector, w->filter.text);
	w->is_wrong = err == -EINVAL;
	return err;
}

int what_open(struct what *w, struct nr_collector **collector)
{
	w->opts.log_ctx = &w->verbosity;
	w->opts.pids = w->processes.pids;
	w->opts.n_pids = w->processes.n;
	w->opts.policy = w->plan.policy;
	w->opts.ring_bytes = w->plan.ring_bytes;
	w->opts.consumer_cpus = w->plan.consumer_cpus;
	w->opts.transport = w->plan.transport;
	return nr_collector_open(collector, &w->opts) ?: add_events(w, *collector)
	       ?: set_filter(w, *collector);
}

int what_check_processes(struct what *w)
{
	if (!processes_ended(&w->processes))
		return 0;
	for (unsigned i = 0; i < w->processes.n; i++)
		cli_error("process %d does not exist", w->processes.pids[i]);
	return -ESRCH;
}

bool what_is_gone(struct what *w)
{
	if (!processes_ended(&w->processes))
		return false;
	cli_error(w->processes.n == 1 ? "the process has exited: recording stops"
				      : "all processes have exited: recording stops");
	return true;
}

void what_destroy(struct what *w)
{
	filter_close(&w->filter);
	free(w->object_args.list);
	free(w->objects.list);
	free(w->sources.list);
}
