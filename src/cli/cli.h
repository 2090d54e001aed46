/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the sub-commands share. They use the public headers and nothing behind them. */
#ifndef NR_CLI_H
#define NR_CLI_H

#include <argp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <numaring/log.h>
#include <numaring/plan.h>

enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_LOSS = 3,
};

int cmd_record(int argc, char **argv);
int cmd_cat(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_repair(int argc, char **argv);
int cmd_tune(int argc, char **argv);
int cmd_topology(int argc, char **argv);
int cmd_selftest(int argc, char **argv);

/* Ends the program: "ARG" is not WHAT. */
void cli_refuse(const char *arg, const char *what) __attribute__((noreturn));
/* Ends the program if this option was given with another value before. Other keys are ignored, as
 * are options without a value. */
void cli_once(const struct argp_option *options, int key, const char *arg);
/* Seconds, or a number with ms, s, m or h, like "5", "0.5", "500ms" or "1h", to milliseconds, at
 * least 1. Ends the program if it is no such thing. */
unsigned cli_duration_ms(const char *arg);
/* The gid of a group, given by name or number. Ends the program if there is no such group. */
gid_t cli_parse_group(const char *arg);

/* "4096", "512K", "64M", "1G" (powers of 1024, small letters too) to bytes; -EINVAL, -ERANGE. */
int cli_parse_size(const char *s, size_t *out);
/* "100", "100ms" or "2s" to milliseconds; -EINVAL, -ERANGE. */
int cli_parse_ms(const char *s, unsigned *out);

/* The longest "1023M" fits; buf of 24 holds every value. Exact: 1.5 MiB is "1536K". */
char *cli_format_size(char *buf, size_t size, size_t bytes);

/* "1.2k", "34.5M": a count or a rate for people. */
char *cli_format_count(char *buf, size_t size, double n);

/* For argp: takes the one argument of a command, a trace directory, into *dir; 0, or
 * ARGP_ERR_UNKNOWN for the keys it does not know. */
int cli_parse_dir(int key, char *arg, struct argp_state *state, const char **dir);

/* For argp: --shards, --ring-size and --consumer-cpus. Its input is what they are put into. */
extern const struct argp cli_plan_argp;

/* CLOCK_MONOTONIC. */
uint64_t cli_now_ms(void);

/* Do both paths lead to one file? */
bool cli_same_file(const char *a, const char *b);

/* Is the output of this option, which may be NULL, a name in the directory of the trace? Then it
 * was said: readers take every file in a trace for a stream, and one that is there already is the
 * trace. */
bool cli_is_in_trace(const char *option, const char *output, const char *dir);

/* As many open files as the hard limit allows; and as many as before, for those who are started. A
 * file that reaches its limit of size is an error of writing, no signal; those who are started
 * shall hear it if we would have: adds it to the set. */
void cli_raise_limits(void);
void cli_restore_limits(void);
void cli_add_size_signal(sigset_t *reset);

/* text as it can be shown, to be freed: what steers a terminal, or is no UTF-8, as \\xHH. NULL: no
 * memory. */
char *cli_escape(const char *text);
/* To stderr, unless nobody reads it. */
void cli_eprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* One sentence to stderr, "numaring: ...". Names in it cannot steer the terminal. Both keep errno.
 */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* nr_log_fn for the library's errors and warnings; ctx points to an int, the verbosity: 1 shows
 * NR_LOG_INFO too, 2 NR_LOG_DEBUG; NULL is 0. */
void cli_log(void *ctx, enum nr_log_level level, const char *text);

#endif
