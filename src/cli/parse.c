/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Helpers of all sub-commands: parse arguments, format numbers. */
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "cli.h"

/* Digits only: strtoull alone also accepts " -1". */
static int parse_digits(const char *s, unsigned long long *out, char **end)
{
	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	*out = strtoull(s, end, 10);
	return -errno;
}

static int size_shift(const char *suffix)
{
	static const char letters[] = "KMG";
	const char *at;

	if (!*suffix)
		return 0;
	at = strchr(letters, toupper((unsigned char)*suffix));
	return at && !suffix[1] ? 10 * (int)(at - letters + 1) : -1;
}

int cli_parse_size(const char *s, size_t *out)
{
	unsigned long long v;
	char *end;
	int shift, err;

	err = parse_digits(s, &v, &end);
	if (err)
		return err;
	shift = size_shift(end);
	if (shift < 0)
		return -EINVAL;
	if (v > SIZE_MAX >> shift)
		return -ERANGE;
	*out = (size_t)v << shift;
	return 0;
}

int cli_parse_ms(const char *s, unsigned *out)
{
	unsigned long long v, unit = 1;
	char *end;
	int err;

	err = parse_digits(s, &v, &end);
	if (err)
		return err;
	if (!strcmp(end, "s"))
		unit = 1000;
	else if (*end && strcmp(end, "ms"))
		return -EINVAL;
	if (v > UINT_MAX / unit)
		return -ERANGE;
	*out = v * unit;
	return 0;
}

char *cli_format_size(char *buf, size_t size, size_t bytes)
{
	static const char *const units[] = { "", "K", "M", "G" };
	unsigned u = 0;

	for (; u < 3 && bytes && bytes % 1024 == 0; u++)
		bytes /= 1024;
	snprintf(buf, size, "%zu%s", bytes, units[u]);
	return buf;
}

const char *cli_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

char *cli_format_count(char *buf, size_t size, double n)
{
	static const char *const units[] = { "", "k", "M", "G", "T" };
	unsigned u = 0;

	for (; u < 4 && n >= 1000; u++)
		n /= 1000;
	snprintf(buf, size, u ? "%.1f%s" : "%.0f%s", n, units[u]);
	return buf;
}

void cli_refuse(const char *arg, const char *what)
{
	cli_error("\"%s\" is not %s", arg, what);
	exit(CLI_USAGE);
}

/* All option keys are smaller. */
#define KEYS 1024

void cli_refuse_repeated(const struct argp_option *options, int key, const char *arg)
{
	static const char *given[KEYS];

	while (options->name && options->key != key)
		options++;
	if (!options->name || !arg)
		return;
	if (given[key] && strcmp(given[key], arg)) {
		cli_error("--%s is given twice: \"%s\" and \"%s\"", options->name, given[key], arg);
		exit(CLI_USAGE);
	}
	given[key] = arg;
}

/* Milliseconds of a unit; 0: unknown unit. */
static double unit_ms(const char *unit)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = { { "", 1e3 }, { "s", 1e3 }, { "ms", 1 }, { "m", 60e3 }, { "h", 3600e3 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(units[i].name, unit))
			return units[i].ms;
	return 0;
}

double cli_parse_duration(const char *arg)
{
	/* strtod alone also accepts " 1", "-1", "inf" and "0x1p3". */
	const char *unit = arg + strspn(arg, "0123456789.");
	double number, factor = unit_ms(unit);
	char *end;

	number = strtod(arg, &end);
	return end == unit && end != arg && factor > 0 ? number * factor : -1;
}

unsigned cli_duration_ms(const char *arg)
{
	double ms = cli_parse_duration(arg);

	if (ms > 0 && ms < 4e9)
		return ms < 1 ? 1 : ms;
	cli_refuse(arg,
		   "a duration: give seconds, or a number with ms, s, m or h, as in 1.5, 500ms "
		   "or 10m; less than 4000000 s");
}

gid_t cli_parse_group(const char *arg)
{
	const struct group *group = getgrnam(arg);
	unsigned long id;
	char *end;

	if (group)
		return group->gr_gid;
	errno = 0;
	id = strtoul(arg, &end, 10);
	if (*arg >= '0' && *arg <= '9' && !*end && !errno && id < UINT32_MAX)
		return id;
	cli_error("unknown group \"%s\"", arg);
	exit(CLI_USAGE);
}

uint64_t cli_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

int cli_parse_dir(int key, char *arg, struct argp_state *state, const char **dir)
{
	if (key == ARGP_KEY_ARG) {
		if (*dir)
			argp_error(state, "too many arguments: give one DIR");
		*dir = arg;
		return 0;
	}
	if (key == ARGP_KEY_END && !*dir)
		argp_error(state, "missing argument DIR");
	return key == ARGP_KEY_END ? 0 : ARGP_ERR_UNKNOWN;
}

bool cli_same_file(const char *a, const char *b)
{
	struct stat one, other;

	return !stat(a, &one) && !stat(b, &other) && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

/* In the directory, or in one in it, which may be a chunk. */
static bool is_in(const char *file, const char *dir)
{
	char *copy = strdup(file), *up = NULL;
	const char *parent = copy ? dirname(copy) : NULL;
	bool in = parent && asprintf(&up, "%s/..", parent) >= 0 &&
		  (cli_same_file(parent, dir) || cli_same_file(up, dir));

	free(up);
	free(copy);
	return in;
}

bool cli_is_in_trace(const char *option, const char *output, const char *dir)
{
	bool in = output && strcmp(output, "-") && is_in(output, dir);

	if (in)
		cli_error("%s is inside the trace directory: choose another %s", output, option);
	return in;
}

uint64_t cli_parse_events(const char *arg)
{
	uint64_t n;
	char *end;

	errno = 0;
	n = strtoull(arg, &end, 10);
	if (end == arg || *end || *arg == '-' || errno)
		cli_refuse(arg, "a number of events");
	return n;
}
