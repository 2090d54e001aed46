/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How this room speaks: one sentence to the caller's log function, if there is one. */
#ifndef NR_TRACE_SAY_H
#define NR_TRACE_SAY_H

#include <stdarg.h>
#include <stdio.h>
#include <numaring/log.h>

struct nr_say {
	nr_log_fn fn;
	void *ctx;
};

__attribute__((format(printf, 3, 4))) static inline void
nr_say(const struct nr_say *say, enum nr_log_level level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!say->fn)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say->fn(say->ctx, level, text);
}

#endif
