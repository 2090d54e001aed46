// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* numaring-bench: picks the sub-command. */
#include <bpf/libbpf.h>
#include "bench.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *about;
} commands[] = {
	{ "run", cmd_run, "measure one configuration" },
	{ "sweep", cmd_sweep, "measure many, interleaved and repeated" },
	{ "report", cmd_report, "turn a sweep into a page and a table" },
	{ "tune", cmd_tune, "measure this host and recommend shards and a ring size" },
	{ "format", cmd_format, "measure what an event's text costs" },
	{ "versus", cmd_versus, "compare what a record costs in two versions" },
	{ "model", cmd_model, "predict hosts that are not at hand" },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int libbpf_warnings(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, args) : 0;
}

static void print_help(FILE *out)
{
	fputs("Usage: numaring-bench COMMAND [OPTION...]\n\n", out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].about);
	fputs("\nnumaring-bench COMMAND --help tells the options of a command.\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage.\n",
	      out);
}

/* What was printed may not have arrived, on a full disk for instance. */
static int finish(int status)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	/* An earlier write may have failed: of that, errno is not kept. */
	warnx("cannot write to stdout: %s", strerror(errno ? errno : EIO));
	return BENCH_FAILED;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	static char title[64];

	libbpf_set_print(libbpf_warnings);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(name, commands[i].name))
			continue;
		snprintf(title, sizeof(title), "numaring-bench %s", name);
		argv[1] = title;
		return finish(commands[i].run(argc - 1, argv + 1));
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
		print_help(stdout);
		return finish(BENCH_DONE);
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		puts("numaring-bench " NR_VERSION_STRING);
		return finish(BENCH_DONE);
	}
	if (*name)
		warnx("there is no command \"%s\"", name);
	print_help(stderr);
	return BENCH_USAGE;
}
