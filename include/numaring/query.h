/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Expressions over events, as --filter takes them (docs/filters.md):
 *
 *	sched_switch.prev_state == SLEEPING && cpu in [0-7, 64]
 *	type == "sys_*" && comm == "postgres" && duration_ns > 5ms
 *
 * An expression is checked against event types before it is used. Any number of threads may use one
 * at the same time. Conventions: see plan.h.
 */
#ifndef NUMARING_QUERY_H
#define NUMARING_QUERY_H

#include <numaring/event.h>
#include <numaring/log.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nr_query;

struct nr_query_opts {
	size_t sz;
	nr_log_fn log; /* gets what is wrong with the expression, with its place */
	void *log_ctx;
	/* The NUMA node of each CPU, for `node`: nr_trace_nodes or nr_plan_nodes. Not copied.
	 * NULL: unknown, and `node` is refused. */
	const uint32_t *node_of_cpu;
	unsigned n_cpus;
	/* Allow `cgroup == "PATH"` and take it as true, because the kernel decides it. */
	bool recording;
};

/* Compiles text for these types, which must live as long as the query. -EINVAL: the text is wrong;
 * -ENOMEM. */
NR_API int nr_query_new(struct nr_query **out, const char *text, const struct nr_types *types,
			const struct nr_query_opts *opts);
NR_API void nr_query_free(struct nr_query *query);
/* Does the event match? An event of unknown type, or one shorter than its type, has no fields, so
 * comparisons of fields are false for it. Its `type` is "numaring:raw". */
NR_API bool nr_query_matches(const struct nr_query *query, const struct nr_event *ev);

#ifdef __cplusplus
}
#endif
#endif
