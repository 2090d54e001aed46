/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring doctor: says whether record works on this host, and what would help. */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "doctor.h"
#include "help.h"
#include "report/text.h"

#define COLUMN 24 /* where the text of a check begins */

enum { OPT_JSON = 256 };

static const struct argp_option options[] = {
	{ .name = "json", .key = OPT_JSON },
	{ 0 },
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case OPT_JSON:
		*json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument \"%s\"", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_opt,
	.doc = help_doctor_txt,
};

/* ---- verdicts ---- */

static void (*const checks[])(struct doctor *d) = {
	doctor_check_kernel,
	doctor_check_btf,
	doctor_check_capabilities,
	doctor_check_bpf,
	doctor_check_jit,
	doctor_check_lockdown,
	doctor_check_numa,
	doctor_check_cpus,
	doctor_check_memory,
	doctor_check_cgroup,
	doctor_check_limits,
	doctor_check_clocksource,
	doctor_check_priority,
	doctor_check_perf,
	doctor_check_kallsyms,
	doctor_check_tracefs,
	doctor_check_probes,
	doctor_check_bpffs,
	doctor_check_cgroup2,
	doctor_check_pid_namespace,
	doctor_check_time_namespace,
	doctor_check_output,
	doctor_try,
};

static unsigned count(const struct doctor *d, enum verdict verdict)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->n; i++)
		n += d->checks[i].verdict == verdict;
	return n;
}

/* Whether record works is what the trial says. The other checks only explain it. */
static bool judge(struct doctor *d)
{
	bool works = d->checks[d->n - 1].verdict != VERDICT_MISSING;
	bool is_explained = count(d, VERDICT_MISSING) > 1;

	for (unsigned i = 0; i < d->n; i++) {
		enum verdict *v = &d->checks[i].verdict;

		if (*v == VERDICT_SUSPECT)
			*v = works || is_explained ? VERDICT_NOTE : VERDICT_MISSING;
		else if (*v == VERDICT_MISSING && works)
			*v = VERDICT_NOTE;
	}
	return works;
}

static const char *const verdict_names[] = { "ok", "note", "", "missing" };

/* ---- text ---- */

static void print_check(const struct check *c)
{
	char *text = NULL, *safe = NULL;

	if (asprintf(&text, "%s%s%s", c->text, *c->remedy ? ": " : "", c->remedy) >= 0)
		safe = cli_escape(text);
	printf("%-8s %-14s ", verdict_names[c->verdict], c->name);
	print_wrapped(stdout, safe ?: c->text, COLUMN, COLUMN);
	free(safe);
	free(text);
}

/* The worst last: the end is what a terminal shows. */
static void print_table(const struct doctor *d)
{
	for (enum verdict v = VERDICT_OK; v <= VERDICT_MISSING; v++)
		for (unsigned i = 0; i < d->n; i++)
			if (d->checks[i].verdict == v)
				print_check(&d->checks[i]);
}

/* The trial fails because of what else is missing. */
static void print_names(const struct doctor *d, enum verdict verdict)
{
	unsigned n = d->n - (verdict == VERDICT_MISSING && count(d, verdict) > 1);
	const char *between = ": ";

	for (unsigned i = 0; i < n; i++) {
		if (d->checks[i].verdict != verdict)
			continue;
		printf("%s%s", between, d->checks[i].name);
		between = ", ";
	}
	puts(".");
}

static void print_text(const struct doctor *d, bool works)
{
	unsigned notes = count(d, VERDICT_NOTE);

	print_table(d);
	if (!works) {
		fputs("numaring record would not work. What is missing", stdout);
		print_names(d, VERDICT_MISSING);
	} else if (notes) {
		printf("numaring record would work. There %s %u note%s", notes == 1 ? "is" : "are",
		       notes, cli_plural(notes));
		print_names(d, VERDICT_NOTE);
	} else {
		puts("numaring record would work.");
	}
}

/* ---- JSON ---- */

static void print_json(const struct doctor *d)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < d->n; i++) {
		const struct check *c = &d->checks[i];
		char *safe = cli_escape(c->text);

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "name", c->name,
						      "verdict", verdict_names[c->verdict], "text",
						      safe ?: "", "remedy", c->remedy));
		free(safe);
	}
	json_dumpf(list, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(list);
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor *d = calloc(1, sizeof(*d));
	bool json = false, works;

	cli_parse(&argp, argc, argv, 0, &json);
	if (!d) {
		cli_error("cannot check this host: %s", strerror(ENOMEM));
		return CLI_FAILED;
	}
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		checks[i](d);
	works = judge(d);
	if (json)
		print_json(d);
	else
		print_text(d, works);
	nr_plan_free(d->plan);
	nr_topology_free(d->topology);
	free(d);
	if (fflush(stdout) || ferror(stdout)) {
		cli_error("cannot write the checks: %s", strerror(errno));
		return CLI_FAILED;
	}
	return works ? CLI_DONE : CLI_FAILED;
}
