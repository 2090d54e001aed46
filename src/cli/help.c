// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "help.h"

struct parsed {
	const char *help;
	void *input;
};

static void print_help(const char *text)
{
	fputs(text, stdout);
	if (!fflush(stdout))
		exit(CLI_DONE);
	cli_error("cannot write the help: %s", strerror(errno));
	exit(CLI_FAILED);
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	const struct parsed *p = state->input;

	(void)arg;
	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = p->input;
	else if (key == '?' || key == 'h')
		print_help(p->help);
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

void cli_parse(const struct argp *argp, int argc, char **argv, unsigned flags, void *input)
{
	static const struct argp_option options[] = {
		{ .name = "help", .key = '?', .flags = OPTION_NO_USAGE },
		{ .key = 'h', .flags = OPTION_HIDDEN },
		{ 0 },
	};
	const struct argp_child children[] = { { .argp = argp }, { 0 } };
	/* argp adds --usage, which lists all options from their tables. */
	const struct argp all = { .options = options, .parser = parse_opt, .children = children };
	struct parsed parsed = { argp->doc, input };

	argp_err_exit_status = CLI_USAGE;
	argp_parse(&all, argc, argv, flags, NULL, &parsed);
}
