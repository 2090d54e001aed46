/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Formats messages for the log callback. */
#ifndef NR_LOG_H
#define NR_LOG_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <numaring/log.h>

struct nr_logger {
	nr_log_fn fn;
	void *ctx;
};

/* Messages quote names and source lines of other people's objects. Without control characters they
 * cannot begin a line or control the terminal. */
static inline void nr_log_sanitize(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 127)
			*text = *text == '\t' ? ' ' : '?';
}

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
	nr_log_sanitize(text);
	log->fn(log->ctx, level, text);
}

/* Returns what a negative errno means and what to do, where the number of files, threads and bytes
 * depends on the number of shards. */
static inline const char *nr_reason(int err)
{
	switch (err) {
	case -EMFILE:
		return "Too many open files: raise ulimit -n, or use a policy with fewer shards";
	case -ENOMEM:
		return "Out of memory: free some, raise ulimit -v, or use smaller rings";
	case -EAGAIN: /* pthread_create: no memory for the stack, or too many threads */
		return "Out of memory or threads: raise ulimit -v and -u, or use a policy with "
		       "fewer shards";
	default:
		return strerror(-err);
	}
}

#endif
