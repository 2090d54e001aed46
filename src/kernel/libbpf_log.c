// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "libbpf_log.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned n_capturing; /* threads between begin and end */
static _Atomic(libbpf_print_fn_t) previous_print;
/* Of this thread. NULL: its messages are not captured. */
static _Thread_local const struct nr_logger *capture_log;
static _Thread_local struct nr_libbpf_warnings *capture_warnings;

/* The end of a verifier's log says why it refused the program, so the oldest text is dropped. */
static void append(struct nr_libbpf_warnings *w, const char *text, size_t len)
{
	size_t room = sizeof(w->text) - 1, keep;

	if (len > room) {
		text += len - room;
		len = room;
	}
	keep = w->len < room - len ? w->len : room - len;
	memmove(w->text, w->text + w->len - keep, keep);
	memcpy(w->text + keep, text, len);
	w->len = keep + len;
	w->text[w->len] = '\0';
}

static void capture(enum libbpf_print_level level, char *text, size_t len)
{
	if (level == LIBBPF_WARN && capture_warnings)
		append(capture_warnings, text, len);
	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	if (capture_log->fn)
		capture_log->fn(capture_log->ctx, NR_LOG_DEBUG, text);
}

/* A verifier's log may have 16 MiB. It is truncated if there is no memory for it. */
__attribute__((format(printf, 2, 0))) static int print_message(enum libbpf_print_level level,
							       const char *format, va_list args)
{
	libbpf_print_fn_t previous = atomic_load(&previous_print);
	char text[4096], *whole = NULL;
	va_list again;
	int len;

	if (!capture_log)
		return previous ? previous(level, format, args) : 0;
	va_copy(again, args);
	len = vsnprintf(text, sizeof(text), format, args);
	if (len >= (int)sizeof(text))
		whole = malloc(len + 1);
	if (whole)
		vsnprintf(whole, len + 1, format, again);
	va_end(again);
	if (len >= 0)
		capture(level, whole ?: text, strlen(whole ?: text));
	free(whole);
	return 0;
}

void nr_libbpf_log_begin(const struct nr_logger *log, struct nr_libbpf_warnings *warnings)
{
	capture_log = log;
	capture_warnings = warnings;
	pthread_mutex_lock(&lock);
	if (!n_capturing++)
		atomic_store(&previous_print, libbpf_set_print(print_message));
	pthread_mutex_unlock(&lock);
}

void nr_libbpf_log_end(void)
{
	pthread_mutex_lock(&lock);
	if (!--n_capturing)
		libbpf_set_print(atomic_load(&previous_print));
	pthread_mutex_unlock(&lock);
	capture_log = NULL;
	capture_warnings = NULL;
}
