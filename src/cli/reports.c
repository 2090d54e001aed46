// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "reports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"

void reports_list(FILE *out)
{
	const struct report *r;

	fputs("Reports, with a command that records what each needs:\n", out);
	for (unsigned i = 0; (r = report_at(i)); i++)
		fprintf(out, "  %-10s %s\n  %-10s numaring record -e %s -o DIR --duration 10\n",
			r->name, r->about, "", r->sources);
	fprintf(out,
		"  %-10s what changed from trace A to trace B\n"
		"In one go, without a trace: numaring record --report %s --duration 10\n",
		"diff A B", report_at(0)->name);
}

static void add(struct reports *r, const char *name)
{
	const struct report *report = report_find(name);

	if (!report) {
		cli_error("\"%s\" is not a report", name);
		reports_list(stderr);
		exit(CLI_USAGE);
	}
	for (unsigned i = 0; i < r->n; i++)
		if (r->list[i] == report)
			return;
	r->list[r->n++] = report; /* there are fewer than REPORTS_MAX */
}

void reports_add(struct reports *r, char *names)
{
	char *name;

	while ((name = strsep(&names, ",")))
		add(r, name);
}

void reports_number(struct reports *r, const char *arg)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (*arg < '1' || *arg > '9' || *end || n > 1000)
		cli_refuse(arg, "a number of cases: use 1 to 1000");
	r->worst = n;
}

/* Do people here read UTF-8? */
static bool is_utf8(void)
{
	const char *names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

struct report_run *reports_open(const struct reports *r, struct report_env *env)
{
	struct report_run *run;
	char why[256];

	env->worst = r->worst;
	env->utf8 = is_utf8();
	run = report_run_open(r->list, r->n, env, why, sizeof(why));
	if (!run)
		cli_error("%s", why);
	return run;
}

int reports_print(struct report_run *run, FILE *out, bool json)
{
	json_t *o;

	errno = 0;
	if (json) {
		o = report_run_json(run);
		json_dumpf(o, out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		fputc('\n', out);
		json_decref(o);
	} else {
		report_run_print(run, out);
	}
	return fflush(out) || ferror(out) ? -errno ?: -EIO : 0;
}
