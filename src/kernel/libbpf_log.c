// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "libbpf_log.h"

static pthread_mutex_t listen_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned listening; /* threads that do */
static _Atomic(libbpf_print_fn_t) print_before;
/* Of this thread; NULL: it does not listen. */
static _Thread_local const struct nr_logger *libbpf_log;
static _Thread_local struct nr_libbpf_log *libbpf_heard;

/* The end of a verifier's log says why: of what is too long the beginning goes. */
static void hear(struct nr_libbpf_log *heard, const char *text, size_t len)
{
	size_t room = sizeof(heard->text) - 1, keep;

	if (len > room) {
		text += len - room;
		len = room;
	}
	keep = heard->len < room - len ? heard->len : room - len;
	memmove(heard->text, heard->text + heard->len - keep, keep);
	memcpy(heard->text + keep, text, len);
	heard->len = keep + len;
	heard->text[heard->len] = '\0';
}

static void take(enum libbpf_print_level level, char *text, size_t len)
{
	if (level == LIBBPF_WARN && libbpf_heard)
		hear(libbpf_heard, text, len);
	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	if (libbpf_log->fn)
		libbpf_log->fn(libbpf_log->ctx, NR_LOG_DEBUG, text);
}

/* A verifier's log has up to 16 MiB; where memory is short, it is cut. */
__attribute__((format(printf, 2, 0))) static int forward_libbpf(enum libbpf_print_level level,
								const char *format, va_list args)
{
	libbpf_print_fn_t before = atomic_load(&print_before);
	char text[4096], *whole = NULL;
	va_list again;
	int len;

	if (!libbpf_log)
		return before ? before(level, format, args) : 0;
	va_copy(again, args);
	len = vsnprintf(text, sizeof(text), format, args);
	if (len >= (int)sizeof(text))
		whole = malloc(len + 1);
	if (whole)
		vsnprintf(whole, len + 1, format, again);
	va_end(again);
	if (len >= 0)
		take(level, whole ?: text, strlen(whole ?: text));
	free(whole);
	return 0;
}

void nr_libbpf_log_begin(const struct nr_logger *log, struct nr_libbpf_log *heard)
{
	libbpf_log = log;
	libbpf_heard = heard;
	pthread_mutex_lock(&listen_lock);
	if (!listening++)
		atomic_store(&print_before, libbpf_set_print(forward_libbpf));
	pthread_mutex_unlock(&listen_lock);
}

void nr_libbpf_log_end(void)
{
	pthread_mutex_lock(&listen_lock);
	if (!--listening)
		libbpf_set_print(atomic_load(&print_before));
	pthread_mutex_unlock(&listen_lock);
	libbpf_log = NULL;
	libbpf_heard = NULL;
}
