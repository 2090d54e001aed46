/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Helpers that the sub-commands share. src/cli uses only the public headers. */
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
int cmd_list(int argc, char **argv);
int cmd_cat(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_repair(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_tune(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_new(int argc, char **argv);
int cmd_topology(int argc, char **argv);
int cmd_selftest(int argc, char **argv);

/* Prints '"ARG" is not WHAT' and exits with CLI_USAGE. */
void cli_refuse(const char *arg, const char *what) __attribute__((noreturn));
/* Exits with CLI_USAGE if this option was already given with a different value. Ignores options
 * without a value and keys that are not in options. */
void cli_refuse_repeated(const struct argp_option *options, int key, const char *arg);
/* Converts seconds, or a number with ms, s, m or h, like "5", "0.5", "500ms" or "1h", to
 * milliseconds. Negative: arg is invalid. */
double cli_parse_duration(const char *arg);
/* The same, at least 1 and less than 4e9. Exits with CLI_USAGE if arg is invalid. */
unsigned cli_duration_ms(const char *arg);
/* The gid of a group, given by name or number. Exits with CLI_USAGE if there is no such group. */
gid_t cli_parse_group(const char *arg);

/* Converts "4096", "512K", "64M" or "1G" (powers of 1024, lower case too) to bytes. Returns 0,
 * -EINVAL or -ERANGE. */
int cli_parse_size(const char *s, size_t *out);
/* A number of events. Exits with CLI_USAGE if arg is not one. */
uint64_t cli_parse_events(const char *arg);
/* Converts "100", "100ms" or "2s" to milliseconds. Returns 0, -EINVAL or -ERANGE. */
int cli_parse_ms(const char *s, unsigned *out);

/* The exact size with a unit: 1.5 MiB is "1536K". A buffer of 24 bytes holds every value. */
char *cli_format_size(char *buf, size_t size, size_t bytes);

/* A count or a rate for people, like "1.2k" or "34.5M". */
char *cli_format_count(char *buf, size_t size, double n);
/* The ending of a noun after the number n: "" or "s". */
const char *cli_plural(uint64_t n);

/* For argp: stores the only argument of a command, a trace directory, in *dir. Returns 0, or
 * ARGP_ERR_UNKNOWN for other keys. */
int cli_parse_dir(int key, char *arg, struct argp_state *state, const char **dir);

/* "ring" or "lane". Exits with CLI_USAGE if arg is neither. */
enum nr_transport cli_parse_transport(const char *arg);
/* For argp: --shards, --transport, --ring-size and --consumer-cpus. Its input is a struct nr_plan_opts. */
extern const struct argp cli_plan_argp;
/* For argp: how traces are written. Its input is a struct nr_output_opts. */
extern const struct argp cli_trace_argp;

/* CLOCK_MONOTONIC. */
uint64_t cli_now_ms(void);

/* Do both paths lead to the same file? */
bool cli_same_file(const char *a, const char *b);

/* Is the output of this option, which may be NULL, inside the directory of a trace? If so, prints a
 * message: CTF readers take every file there for a stream, and an existing file belongs to the
 * trace. */
bool cli_is_in_trace(const char *option, const char *output, const char *dir);

/* limits.c: raises the limit of open files, and turns SIGXFSZ into a write error. */
void cli_raise_limits(void);
/* For a command that we start: restores the limit; adds SIGXFSZ to the set if it was not ignored.
 */
void cli_restore_limits(void);
void cli_add_size_signal(sigset_t *set);

/* A copy of text that is safe to print: control characters and invalid UTF-8 become \xHH. Free the
 * result. NULL: no memory. */
char *cli_escape(const char *text);
/* Prints to stderr; gives up if its reader stopped reading. Keeps errno. */
void cli_eprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints one sentence to stderr, as "numaring: ...", escaped as cli_escape does. Keeps errno. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* An nr_log_fn that prints errors and warnings. ctx points to the verbosity, an int: 1 adds
 * NR_LOG_INFO, 2 adds NR_LOG_DEBUG. NULL means 0. */
void cli_log(void *ctx, enum nr_log_level level, const char *text);

#endif
