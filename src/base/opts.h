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
	({                                                                                         \
		const struct nr_logger log_ = nr_opts_log((from), offsetof(struct TYPE, log));     \
		NR_COPY_OPTS_TO(TYPE, log_ctx, (to), (from), &log_);                               \
	})

/* The same for a struct whose first version ends with the member LAST. */
#define NR_COPY_OPTS_TO(TYPE, last, to, from, log)                                                 \
	nr_copy_opts((to), sizeof(struct TYPE),                                                    \
		     offsetof(struct TYPE, last) + sizeof(((struct TYPE *)NULL)->last), (from),    \
		     #TYPE, (log))

static inline struct nr_logger nr_opts_log(const void *from, size_t log_at)
{
	struct nr_logger log = {};

	if (from) {
		memcpy(&log.fn, (const char *)from + log_at, sizeof(log.fn));
		memcpy(&log.ctx, (const char *)from + log_at + sizeof(log.fn), sizeof(log.ctx));
	}
	return log;
}

static inline int nr_opts_refused(const struct nr_logger *log, const char *type, size_t sz,
				  const char *why)
{
	nr_log(log, NR_LOG_ERROR, "struct %s with sz %zu: %s", type, sz, why);
	return -EINVAL;
}

/* first: bytes of the struct's first version. */
static inline int nr_copy_opts(void *to, size_t size, size_t first, const void *from,
			       const char *type, const struct nr_logger *log)
{
	const char *bytes = from;
	size_t sz;

	memset(to, 0, size);
	if (!from)
		return 0;
	memcpy(&sz, from, sizeof(sz));
	if (sz < first)
		return nr_opts_refused(log, type, sz, "set it to the struct's sizeof");
	for (size_t i = size; i < sz; i++)
		if (bytes[i])
			return nr_opts_refused(
				log, type, sz,
				"it asks for something that only a newer libnumaring knows");
	memcpy(to, from, sz < size ? sz : size);
	return 0;
}

#endif
