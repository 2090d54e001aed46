// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "json.h"
#include "types.h"

#define NSEC 1000000000ll

void nr_text_add(struct nr_text *t, const char *fmt, ...)
{
	size_t left = t->len < t->size ? t->size - t->len : 0;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(left ? t->buf + t->len : NULL, left, fmt, args);
	va_end(args);
	t->len += n > 0 ? n : 0;
}

/* The time of day. Adds seconds and ns separately, because a sum in ns would overflow in 2262. */
static struct timespec utc(uint64_t ts, int64_t clock_offset)
{
	int64_t ns = clock_offset % NSEC + (int64_t)(ts % NSEC);
	int64_t carry = ns < 0 ? -1 : ns / NSEC;

	return (struct timespec){
		.tv_sec = (int64_t)(ts / NSEC) + clock_offset / NSEC + carry,
		.tv_nsec = ns - carry * NSEC,
	};
}

/* Keeps the text of the last second, because many events share it. */
static const char *format_second(time_t second)
{
	static _Thread_local char text[32];
	static _Thread_local time_t kept;
	struct tm tm;

	if (*text && kept == second)
		return text;
	kept = second;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", gmtime_r(&second, &tm));
	return text;
}

void nr_json_u64(struct nr_text *text, const char *name, uint64_t v)
{
	const char *quote = v > 1ull << 53 ? "\"" : "";

	nr_text_add(text, "\"%s\":%s%" PRIu64 "%s", name, quote, v, quote);
}

size_t nr_time_text(char buf[NR_TIME_TEXT], uint64_t ts, int64_t clock_offset)
{
	struct timespec at = utc(ts, clock_offset);
	const char *second = format_second(at.tv_sec);
	size_t n = strlen(second);
	char *digit = buf + n + sizeof(".012345678Z") - 1;

	memcpy(buf, second, n);
	buf[n] = '.';
	*digit = 0;
	for (*--digit = 'Z'; digit > buf + n + 1; at.tv_nsec /= 10)
		*--digit = '0' + at.tv_nsec % 10;
	return n + sizeof(".012345678Z") - 1;
}

void nr_json_time(struct nr_text *text, uint64_t ts, int64_t clock_offset)
{
	char time[NR_TIME_TEXT];

	nr_time_text(time, ts, clock_offset);
	nr_text_add(text, "\"time\":\"%s\",", time);
	nr_json_u64(text, "ts", ts);
	nr_text_add(text, ",");
}

/* Adds a record of unknown type: its id and bytes, as a trace has them. */
static void add_raw(struct nr_text *text, const struct nr_event *ev)
{
	const unsigned char *data = ev->data;

	nr_text_add(text, "{\"id\":%u,\"data\":\"", ev->rec->id);
	for (uint32_t i = 0; i < ev->size; i++)
		nr_text_add(text, "%02x", data[i]);
	nr_text_add(text, "\"}");
}

static int add_fields(struct nr_text *text, const struct nr_types *types, const struct nr_event *ev)
{
	size_t left = text->len < text->size ? text->size - text->len : 0;
	int n = nr_types_format(types, ev, NR_FORMAT_JSON, left ? text->buf + text->len : NULL,
				left);

	if (n >= 0)
		text->len += n;
	else if (n == -ENOENT)
		add_raw(text, ev);
	else
		return n;
	return 0;
}

int nr_types_json_line(const struct nr_types *types, const struct nr_event *ev,
		       int64_t clock_offset, char *buf, size_t size)
{
	const char *name = nr_types_name(types, ev->rec->id);
	struct nr_text text = { buf, size, 0 };
	int err;

	nr_text_add(&text, "{");
	nr_json_time(&text, ev->ts, clock_offset);
	nr_text_add(&text, "\"cpu\":%u,\"event\":\"%s\",\"lost\":%u,", ev->rec->cpu,
		    name ? name : NR_RAW_NAME, ev->rec->lost);
	if (ev->flags & NR_EVENT_LATE) {
		nr_json_u64(&text, "late_ts", ev->rec->ts);
		nr_text_add(&text, ",");
	}
	nr_text_add(&text, "\"fields\":");
	err = add_fields(&text, types, ev);
	nr_text_add(&text, "}\n");
	if (err)
		return err;
	return text.len > INT_MAX ? -EOVERFLOW : (int)text.len;
}
