/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "filter.h"

/* "0-3,8": numbers or, if ranges is set, ranges of them, separated by commas. */
static bool is_list(const char *p, bool ranges)
{
	const char *const digits = "0123456789";
	size_t n;

	for (;; p++) {
		n = strspn(p, digits);
		p += n;
		if (n && ranges && *p == '-') {
			n = strspn(p + 1, digits);
			p += n + 1;
		}
		if (!n || *p != ',')
			return n && !*p;
	}
}

bool filter_option(struct filter *f, int key, const char *arg)
{
	switch (key) {
	case FILTER_EXPR:
		f->expr = arg;
		return true;
	case FILTER_PIDS:
		if (!is_list(arg, false))
			cli_refuse(arg, "a list of process ids: give numbers, as in 12,34");
		f->pids = arg;
		return true;
	case FILTER_COMM:
		f->comm = arg;
		return true;
	case FILTER_CPUS:
		if (!is_list(arg, true))
			cli_refuse(arg, "a list of CPUs: give numbers and ranges, as in 0-3,8");
		f->cpus = arg;
		return true;
	case FILTER_CGROUP:
		f->cgroup = arg;
		return true;
	default:
		return false;
	}
}

static void add(FILE *out, const char *before, const char *text, const char *after)
{
	if (text)
		fprintf(out, "%s%s%s%s", ftell(out) ? " && " : "", before, text, after);
}

/* name == "TEXT", with a backslash before these characters. Without a backslash among them, one in
 * the text and what follows it stay as they are; at the end it is a character. */
static void add_text(FILE *out, const char *name, const char *text, const char *escaped)
{
	if (!text)
		return;
	add(out, name, " == \"", "");
	for (; *text; text++) {
		if (*text == '\\' && text[1] && !strchr(escaped, '\\'))
			putc(*text++, out);
		else if (*text == '\\' || strchr(escaped, *text))
			putc('\\', out);
		putc(*text, out);
	}
	putc('"', out);
}

char *filter_text(const struct filter *f)
{
	bool alone = !f->pids && !f->comm && !f->cpus && !f->cgroup;
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	if (!f->expr && alone)
		return NULL;
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	add(out, alone ? "" : "(", f->expr, alone ? "" : ")");
	add(out, "pid in [", f->pids, "]");
	add_text(out, "comm", f->comm, "\""); /* a backslash stays what it is in a glob */
	add(out, "cpu in [", f->cpus, "]");
	add_text(out, "cgroup", f->cgroup, "\"\\*?[");
	fclose(out);
	return text;
}

static int compile(struct filter *f, const char *text, const struct nr_trace *trace)
{
	struct nr_query_opts opts = { .sz = sizeof(opts), .log = cli_log };
	int err;

	nr_query_free(f->query);
	f->query = NULL;
	opts.node_of_cpu = nr_trace_nodes(trace, &opts.n_cpus);
	err = nr_query_new(&f->query, text, nr_trace_types(trace), &opts);
	if (err && err != -EINVAL)
		cli_error("cannot compile the filter: %s", strerror(-err));
	return !err ? CLI_DONE : err == -EINVAL ? CLI_USAGE : CLI_FAILED;
}

int filter_open(struct filter *f, const struct nr_trace *trace)
{
	/* By itself first, so that messages name its columns, and no parenthesis joins it to the
	 * rest. */
	int ret = f->expr ? compile(f, f->expr, trace) : CLI_DONE;

	f->text = filter_text(f);
	return ret || !f->text ? ret : compile(f, f->text, trace);
}

bool filter_matches(const struct filter *f, const struct nr_event *ev)
{
	return !f->query || nr_query_matches(f->query, ev);
}

int filter_next(const struct filter *f, const struct window *w, struct nr_trace *trace,
		struct nr_event *ev)
{
	int ret;

	do
		ret = window_next(w, trace, ev);
	while (ret > 0 && !filter_matches(f, ev));
	return ret;
}

void filter_close(struct filter *f)
{
	nr_query_free(f->query);
	free(f->text);
	f->query = NULL;
	f->text = NULL;
}
