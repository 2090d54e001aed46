// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What this host offers to record. */
#include <numaring/numaring.h>
#include <unistd.h>
#include "base/opts.h"
#include "kernel/tracepoints.h"

int nr_tracepoints_each(const char *pattern, int (*fn)(void *ctx, const char *name), void *ctx,
			const struct nr_offer_opts *opts)
{
	struct nr_tracepoint_list list;
	struct nr_offer_opts copy;
	struct nr_logger log;
	int events, ret = NR_COPY_OPTS(nr_offer_opts, &copy, opts);

	if (ret)
		return ret;
	log = (struct nr_logger){ copy.log, copy.log_ctx };
	events = nr_tracefs_open(&log);
	if (events < 0)
		return events;
	ret = nr_tracefs_list(&list, events, pattern);
	close(events);
	for (size_t i = 0; !ret && i < list.n; i++)
		ret = fn(ctx, list.names[i]);
	nr_tracepoint_list_free(&list);
	return ret;
}
