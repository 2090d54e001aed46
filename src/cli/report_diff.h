/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef NR_CLI_REPORT_DIFF_H
#define NR_CLI_REPORT_DIFF_H

/* numaring report diff: argv[0] is "diff". */
int cmd_report_diff(int argc, char **argv);

#endif
