/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring cat: the events of a trace as text or JSON, one a line. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <numaring/trace.h>
#include "cli.h"

struct args {
	const char *dir;
	bool json;
	uint64_t limit;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "one JSON object a line", 0 },
	{ "number", 'n', "N", 0, "stop after N events", 0 },
	{ 0 },
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;
	char *end;

	switch (key) {
	case 'j':
		args->json = true;
		return 0;
	case 'n':
		errno = 0;
		args->limit = strtoull(arg, &end, 10);
		if (end == arg || *end || *arg == '-' || errno)
			argp_error(state, "\"%s\" is not a number of events", arg);
		return 0;
	case ARGP_KEY_ARG:
		if (args->dir)
			argp_error(state, "one trace at a time");
		args->dir = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->dir)
			argp_error(state, "which trace?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_opt,
	.args_doc = "DIR",
	.doc = "Print the events of a trace in their order.",
};

/* The fields of an event, in a buffer that grows to the largest. */
static const char *fields(const struct nr_types *types, const struct nr_event *ev,
			  enum nr_format format)
{
	static char *buf;
	static size_t size;
	int len = nr_types_format(types, ev, format, buf, size);

	if (len >= 0 && (size_t)len >= size) {
		free(buf);
		size = (size_t)len * 2 + 256;
		buf = malloc(size);
		if (!buf) {
			size = 0;
			return "";
		}
		len = nr_types_format(types, ev, format, buf, size);
	}
	return len < 0 ? "" : buf;
}

static void print_text(const struct nr_trace *trace, const struct nr_event *ev)
{
	const struct nr_types *types = nr_trace_types(trace);
	uint64_t ns = ev->ts + nr_trace_clock_offset(trace);
	time_t seconds = ns / 1000000000;
	char clock[16];
	struct tm tm;

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&seconds, &tm));
	printf("%s.%09" PRIu64 " cpu %u %s: %s%s\n", clock, ns % 1000000000, ev->rec->cpu,
	       nr_types_name(types, ev->rec->id), ev->flags & NR_EVENT_LATE ? "(late) " : "",
	       fields(types, ev, NR_FORMAT_TEXT));
}

static void print_json(const struct nr_trace *trace, const struct nr_event *ev)
{
	const struct nr_types *types = nr_trace_types(trace);

	printf("{\"ts\":%" PRIu64 ",\"cpu\":%u,\"event\":\"%s\",\"lost\":%u,", ev->ts, ev->rec->cpu,
	       nr_types_name(types, ev->rec->id), ev->rec->lost);
	if (ev->flags & NR_EVENT_LATE)
		printf("\"late_ts\":%" PRIu64 ",", (uint64_t)ev->rec->ts);
	printf("\"fields\":%s}\n", fields(types, ev, NR_FORMAT_JSON));
}

int cmd_cat(int argc, char **argv)
{
	const struct nr_trace_opts opts = { .sz = sizeof(opts), .log = cli_log };
	struct args args = { .limit = UINT64_MAX };
	struct nr_trace *trace = NULL;
	struct nr_event ev;
	int err;

	argp_err_exit_status = CLI_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	err = nr_trace_open(&trace, args.dir, &opts);
	for (uint64_t i = 0; !err && i < args.limit && !ferror(stdout); i++) {
		err = nr_trace_next(trace, &ev);
		if (err <= 0)
			break;
		err = 0;
		(args.json ? print_json : print_text)(trace, &ev);
	}
	nr_trace_close(trace);
	if (fflush(stdout) || ferror(stdout)) {
		cli_error("cannot write the events: %s", strerror(errno));
		return CLI_FAILED;
	}
	return err < 0 ? CLI_FAILED : CLI_DONE;
}
