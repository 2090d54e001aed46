/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Taking in an option struct of the public API, for all rooms. It begins with its size, sz, and may
 * grow at its end: a caller built with an older header gives less, which leaves the rest at its
 * defaults; one built with a newer header gives more, which is fine as long as it asks for nothing
 * we do not know.
 *
 * The first version of each ends with log and log_ctx. No header had less, so those two are there
 * to be read whatever sz says.
 */
#ifndef NR_OPTS_H
#define NR_OPTS_H

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "log.h"

/* TYPE of the tag nr_..._opts from from, which may be NULL, into *to. 0 or -EINVAL, explained. */
#define NR_COPY_OPTS(TYPE, to, from)                                                               \
	nr_copy_opts((to), sizeof(struct TYPE), offsetof(struct TYPE, log), (from), #TYPE)

static inline void nr_opts_refused(const char *from, size_t log_at, const char *type, size_t sz,
				   const char *why)
{
	struct nr_logger log;

	memcpy(&log.fn, from + log_at, sizeof(log.fn));
	memcpy(&log.ctx, from + log_at + sizeof(log.fn), sizeof(log.ctx));
	nr_log(&log, NR_LOG_ERROR, "struct %s with sz %zu: %s", type, sz, why);
}

static inline int nr_copy_opts(void *to, size_t size, size_t log_at, const void *from,
			       const char *type)
{
	size_t first = log_at + sizeof(nr_log_fn) + sizeof(void *), sz;
	const char *bytes = from;

	memset(to, 0, size);
	if (!from)
		return 0;
	memcpy(&sz, from, sizeof(sz));
	if (sz < first) {
		nr_opts_refused(from, log_at, type, sz, "set it to the struct's sizeof");
		return -EINVAL;
	}
	for (size_t i = size; i < sz; i++) {
		if (bytes[i]) {
			nr_opts_refused(
				from, log_at, type, sz,
				"it asks for something that only a newer libnumaring knows");
			return -EINVAL;
		}
	}
	memcpy(to, from, sz < size ? sz : size);
	return 0;
}

#endif
