/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What --help prints: the files in help/ as strings. The tables of options have no texts. */
#ifndef NR_CLI_HELP_H
#define NR_CLI_HELP_H

#include <argp.h>

extern const char help_cat_txt[], help_doctor_txt[], help_export_txt[], help_list_txt[],
	help_new_txt[], help_record_txt[], help_repair_txt[], help_report_txt[],
	help_report_diff_txt[], help_selftest_txt[], help_stat_txt[], help_top_txt[],
	help_topology_txt[], help_verify_txt[];

/* As argp_parse, but --help prints argp's doc as it is. Exits with CLI_USAGE if the arguments are
 * invalid. */
void cli_parse(const struct argp *argp, int argc, char **argv, unsigned flags, void *input);

#endif
