/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The log callback with a format. */
#ifndef NR_LOG_H
#define NR_LOG_H

#include <stdarg.h>
#include <stdio.h>
#include <numaring/log.h>

struct nr_logger {
	nr_log_fn fn;
	void *ctx;
};

__attribute__((format(printf, 3, 4))) static inline void
nr_log(const struct nr_logger *log, enum nr_log_level level, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (!log->fn)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log->fn(log->ctx, level, text);
}

#endif
