// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "listen.h"

static pthread_mutex_t listen_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned listening; /* threads that do */
static _Atomic(libbpf_print_fn_t) print_before;
static _Thread_local const struct nr_logger *libbpf_log; /* of this thread; NULL: it does not */

__attribute__((format(printf, 2, 0))) static int forward_libbpf(enum libbpf_print_level level,
								const char *format, va_list args)
{
	libbpf_print_fn_t before = atomic_load(&print_before);
	char text[4096];
	size_t len;

	if (!libbpf_log)
		return before ? before(level, format, args) : 0;
	if (!libbpf_log->fn)
		return 0;
	vsnprintf(text, sizeof(text), format, args);
	len = strlen(text);
	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	libbpf_log->fn(libbpf_log->ctx, NR_LOG_DEBUG, text);
	return 0;
}

void nr_listen_begin(const struct nr_logger *log)
{
	libbpf_log = log;
	pthread_mutex_lock(&listen_lock);
	if (!listening++)
		atomic_store(&print_before, libbpf_set_print(forward_libbpf));
	pthread_mutex_unlock(&listen_lock);
}

void nr_listen_end(void)
{
	pthread_mutex_lock(&listen_lock);
	if (!--listening)
		libbpf_set_print(atomic_load(&print_before));
	pthread_mutex_unlock(&listen_lock);
	libbpf_log = NULL;
}
