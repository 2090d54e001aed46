/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring: runs a sub-command. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <numaring/version.h>
#include <unistd.h>
#include "cli.h"

static const struct sub_command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *about;
} commands[] = {
	{ "record", cmd_record, "record events of this machine into a trace" },
	{ "list", cmd_list, "show what can be recorded: sources, tracepoints, their fields" },
	{ "top", cmd_top, "show live what happens, by type, task, CPU, node and shard" },
	{ "cat", cmd_cat, "print the events of a trace" },
	{ "export", cmd_export,
	  "write a trace for Perfetto, as tables (Parquet, CSV) or JSON lines" },
	{ "report", cmd_report, "answer a question: the worst cases and their causes" },
	{ "stat", cmd_stat, "count the events of a trace and check their order" },
	{ "verify", cmd_verify, "check all of a trace and say where it is damaged" },
	{ "repair", cmd_repair, "copy the whole packets of a damaged trace" },
	{ "new", cmd_new, "write a BPF program with an event of your own, ready to build" },
	{ "doctor", cmd_doctor, "check whether record works on this host, and what would help" },
	{ "topology", cmd_topology, "show which CPUs share a ring, and where it is drained" },
	{ "tune", cmd_tune, "measure this host and recommend shards and rings for a rate" },
	{ "selftest", cmd_selftest, "test on this machine that the order is exact" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	fputs("Usage: numaring COMMAND [OPTION...]\n\n", out);
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].about);
	fputs("\nRun numaring COMMAND --help for the options and examples of a command.\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage, 3 loss (record --fail-on-loss).\n"
	      "\nExamples:\n"
	      "  numaring record --report offcpu -d 10       # which tasks stalled, and why?\n"
	      "  numaring record -o trace -- make            # record while make runs\n"
	      "  numaring cat trace --from -10s              # the last ten seconds\n",
	      out);
}

static void print_version(void)
{
	fputs("numaring " NR_VERSION_STRING, stdout);
	if (strcmp(nr_version_string(), NR_VERSION_STRING))
		printf(", with libnumaring %s", nr_version_string());
	putchar('\n');
}

/* If a standard descriptor is closed, the first file that we open would get its number, and our
 * output would go into a ring or into the trace. With /dev/null in its place, writing to it fails.
 */
static void open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* "help COMMAND" means the same as "COMMAND --help". */
static int turn_help(int argc, char **argv)
{
	static char option[] = "--help";

	if (argc < 3 || strcmp(argv[1], "help"))
		return argc;
	argv[1] = argv[2];
	argv[2] = option;
	return 3;
}

int main(int argc, char **argv)
{
	static char title[64];
	const char *name;

	open_standard_descriptors();
	argc = turn_help(argc, argv);
	name = argc > 1 ? argv[1] : "";
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		if (strcmp(name, commands[i].name))
			continue;
		snprintf(title, sizeof(title), "numaring %s", name);
		argv[1] = title;
		cli_raise_limits();
		return commands[i].run(argc - 1, argv + 1);
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
		print_help(stdout);
		return CLI_DONE;
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		print_version();
		return CLI_DONE;
	}
	if (*name)
		cli_error("unknown command \"%s\"", name);
	print_help(stderr);
	return CLI_USAGE;
}
