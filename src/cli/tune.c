/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring tune: runs `numaring-bench tune`, found beside this program or in the PATH. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli.h"

int cmd_tune(int argc, char **argv)
{
	char self[PATH_MAX] = "", path[PATH_MAX + 32];
	char **args = calloc(argc + 2, sizeof(*args));
	static char bench[] = "numaring-bench", tune[] = "tune";

	if (!args || readlink("/proc/self/exe", self, sizeof(self) - 1) < 0) {
		cli_error("cannot run numaring-bench: %s", strerror(errno));
		return CLI_FAILED;
	}
	args[0] = bench;
	args[1] = tune;
	memcpy(args + 2, argv + 1, (argc - 1) * sizeof(*args));
	snprintf(path, sizeof(path), "%s/%s", dirname(self), bench);
	execv(path, args);
	execvp(bench, args);
	cli_error("cannot run numaring-bench, which does the measuring: %s; install it beside "
		  "numaring",
		  strerror(errno));
	return CLI_FAILED;
}
