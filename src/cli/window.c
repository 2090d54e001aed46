/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "cli.h"
#include "lines.h"
#include "window.h"

#define NSEC 1000000000ll
#define DAY  86400

/* Times far from any trace fit: a time given to a window may be wrong, but it may not overflow. */
__extension__ typedef __int128 wide;

/* Parsing ------------------------------------------------------------------------------------- */

/* Each parser moves *p past what it takes. */

static bool take(const char **p, const char *any_of)
{
	if (!**p || !strchr(any_of, **p))
		return false;
	++*p;
	return true;
}

/* Exactly so many digits, and at most this number. */
static bool take_digits(const char **p, unsigned digits, int most, int *out)
{
	*out = 0;
	for (; digits; digits--, ++*p) {
		if (!isdigit((unsigned char)**p))
			return false;
		*out = *out * 10 + (**p - '0');
	}
	return *out <= most;
}

/* ".5": up to nine digits; nothing is 0. */
static bool take_fraction(const char **p, uint32_t *ns)
{
	uint32_t unit = NSEC;

	*ns = 0;
	if (!take(p, "."))
		return true;
	if (!isdigit((unsigned char)**p))
		return false;
	for (; isdigit((unsigned char)**p) && unit > 1; ++*p) {
		unit /= 10;
		*ns += unit * (**p - '0');
	}
	return true;
}

/* HH:MM, HH:MM:SS or HH:MM:SS.FRACTION, added to a time. A leap second has the number 60. */
static bool take_clock(const char **p, struct window_time *t)
{
	int hour, minute, second = 0;

	if (!take_digits(p, 2, 23, &hour) || !take(p, ":") || !take_digits(p, 2, 59, &minute))
		return false;
	if (take(p, ":") && (!take_digits(p, 2, 60, &second) || !take_fraction(p, &t->ns)))
		return false;
	t->s += hour * 3600 + minute * 60 + second;
	return true;
}

/* YYYY-MM-DD, a day that exists. */
static bool take_date(const char **p, struct window_time *t)
{
	struct tm tm = {}, same;
	time_t s;

	if (!take_digits(p, 4, 9999, &tm.tm_year) || !take(p, "-") ||
	    !take_digits(p, 2, 12, &tm.tm_mon) || !take(p, "-") ||
	    !take_digits(p, 2, 31, &tm.tm_mday))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	same = tm;
	s = timegm(&same);
	t->s = s;
	return same.tm_mon == tm.tm_mon && same.tm_mday == tm.tm_mday;
}

/* Z, +HH:MM, -HH:MM, or nothing, which is Z. */
static bool take_zone(const char **p, struct window_time *t)
{
	int sign = **p == '-' ? 1 : -1, hour, minute;

	if (!**p || take(p, "Zz"))
		return true;
	if (!take(p, "+-") || !take_digits(p, 2, 23, &hour) || !take(p, ":") ||
	    !take_digits(p, 2, 59, &minute))
		return false;
	t->s += sign * (hour * 3600 + minute * 60);
	return true;
}

static bool parse_utc(const char *p, struct window_time *t)
{
	t->base = WINDOW_EPOCH;
	if (!take_date(&p, t))
		return false;
	return !*p || (take(&p, "Tt ") && take_clock(&p, t) && take_zone(&p, t) && !*p);
}

static bool parse_day(const char *p, struct window_time *t)
{
	t->base = WINDOW_DAY;
	return take_clock(&p, t) && !*p;
}

/* A number with a unit, or seconds; before the end with a minus sign. */
static bool parse_distance(const char *p, struct window_time *t)
{
	double ms;

	t->base = take(&p, "-") ? WINDOW_END : WINDOW_START;
	ms = cli_parse_duration(p);
	if (ms < 0 || ms > 1e15)
		return false;
	t->s = ms / 1e3;
	t->ns = (ms - t->s * 1e3) * 1e6 + 0.5;
	return true;
}

static void parse(struct window_time *t, const char *arg)
{
	bool (*const parsers[])(const char *, struct window_time *) = { parse_utc, parse_day,
									parse_distance };

	for (size_t i = 0; i < sizeof(parsers) / sizeof(*parsers); i++) {
		*t = (struct window_time){ .text = arg };
		if (parsers[i](arg, t))
			return;
	}
	cli_refuse(arg,
		   "a time: give UTC as in 2026-11-29T08:00:00.5Z, time since the start of the "
		   "trace as in 12.5, 90s or 10m, or time before its end as in -10s");
}

void window_option(struct window *w, int key, const char *arg)
{
	parse(key == WINDOW_FROM ? &w->from : &w->to, arg);
}

/* Times of the trace -------------------------------------------------------------------------- */

static wide nanoseconds(const struct window_time *t)
{
	return (wide)t->s * NSEC + t->ns;
}

static uint64_t clamp(wide ns)
{
	return ns < 0 ? 0 : ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

/* The time of day on the local day, days after that of a time of the trace; ns since 1970. */
static wide on_day(const struct window_time *t, wide trace_time, int days)
{
	time_t second = trace_time / NSEC;
	struct tm tm;

	localtime_r(&second, &tm);
	tm.tm_mday += days;
	tm.tm_hour = t->s / 3600;
	tm.tm_min = t->s / 60 % 60;
	tm.tm_sec = t->s % 60;
	tm.tm_isdst = -1;
	return (wide)mktime(&tm) * NSEC + t->ns;
}

/* The first of these times of day between first and last. If there is none, the nearest one, so
 * that the message about it, and what comes of it, make sense. All are ns since 1970. */
static wide nearest_day(const struct window_time *t, wide first, wide last)
{
	wide best = 0, distance = -1;

	for (int days = -1; days <= 1; days++) {
		wide at = on_day(t, first, days);
		wide off = at < first ? first - at : at > last ? at - last : 0;

		if (distance >= 0 && off >= distance)
			continue;
		best = at;
		distance = off;
	}
	return best;
}

/* after: what a time of day may not precede. */
static uint64_t resolve(const struct window_time *t, const struct window *w, uint64_t after,
			int64_t clock_offset)
{
	switch (t->base) {
	case WINDOW_EPOCH:
		return clamp(nanoseconds(t) - clock_offset);
	case WINDOW_DAY:
		return clamp(
			nearest_day(t, (wide)after + clock_offset, (wide)w->last + clock_offset) -
			clock_offset);
	case WINDOW_START:
		return clamp(w->first + nanoseconds(t));
	case WINDOW_END:
		return clamp(w->last - nanoseconds(t));
	default:
		return 0;
	}
}

static void say_span(const struct window *w, const struct nr_trace *trace, const char *dir,
		     const char *what)
{
	int64_t offset = nr_trace_clock_offset(trace);
	char first[40], last[40];

	cli_error("%s: %s spans %s to %s (%.3f s)", what, dir,
		  lines_utc(first, sizeof(first), w->first, offset),
		  lines_utc(last, sizeof(last), w->last, offset), (w->last - w->first) / 1e9);
}

/* Is there anything to read? */
static int check(const struct window *w, const struct nr_trace *trace, const char *dir)
{
	char what[256];
	int ret = CLI_FAILED;

	if (w->begin > w->last) {
		snprintf(what, sizeof(what), "--from %.80s is after the end", w->from.text);
	} else if (w->end <= w->first) {
		snprintf(what, sizeof(what), "--to %.80s is not after the start", w->to.text);
	} else if (w->begin >= w->end) {
		snprintf(what, sizeof(what), "--from %.80s is not before --to %.80s", w->from.text,
			 w->to.text);
		ret = CLI_USAGE;
	} else {
		return CLI_DONE;
	}
	say_span(w, trace, dir, what);
	return ret;
}

bool window_is_given(const struct window *w)
{
	return w->from.base || w->to.base;
}

int window_open(struct window *w, struct nr_trace *trace, const char *dir)
{
	int64_t offset = nr_trace_clock_offset(trace);
	int err, ret;

	w->end = UINT64_MAX;
	if (!window_is_given(w))
		return CLI_DONE;
	err = nr_trace_span(trace, &w->first, &w->last);
	if (err == -ENODATA)
		return CLI_DONE; /* nr_trace_next says what is wrong */
	if (!err) {
		if (w->from.base)
			w->begin = resolve(&w->from, w, w->first, offset);
		if (w->to.base)
			w->end = resolve(&w->to, w, w->begin > w->first ? w->begin : w->first,
					 offset);
		ret = check(w, trace, dir);
		if (ret)
			return ret;
		err = w->begin > w->first ? nr_trace_seek(trace, w->begin) : 0;
	}
	if (err)
		cli_error("cannot find the place in %s: %s", dir, strerror(-err));
	return err ? CLI_FAILED : CLI_DONE;
}

int window_next(const struct window *w, struct nr_trace *trace, struct nr_event *ev)
{
	int ret = nr_trace_next(trace, ev);

	return ret > 0 && ev->ts >= w->end ? 0 : ret;
}

bool window_is_whole(const struct window *w)
{
	return w->begin <= w->first && w->end > w->last;
}

uint64_t window_length(const struct window *w)
{
	uint64_t begin = w->begin > w->first ? w->begin : w->first;
	uint64_t end = w->end < w->last ? w->end : w->last;

	return end - begin;
}
