// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Repairs a trace: plans what to keep, then writes it. */
#include <errno.h>
#include <string.h>
#include "base/file.h"
#include "base/opts.h"
#include "copy.h"

static void copy_result(struct nr_repair *result, struct nr_repair found)
{
	found.sz = result->sz < sizeof(found) ? result->sz : sizeof(found);
	memcpy(result, &found, found.sz);
}

static int repair(struct nr_repair_plan *plan, const char *copy)
{
	int err = nr_repair_plan(plan);

	if (err || !plan->found.needed)
		return err;
	return copy ? nr_repair_copy(plan, copy) : nr_repair_in_place(plan);
}

int nr_trace_repair(const char *dir, const struct nr_repair_opts *opts, struct nr_repair *result)
{
	struct nr_repair_opts o;
	struct nr_trace_opts trace_opts = { .sz = sizeof(trace_opts) };
	struct nr_repair_plan plan = {};
	sigset_t old;
	int err = NR_COPY_OPTS(nr_repair_opts, &o, opts);

	if (err)
		return err;
	if (result &&
	    result->sz < offsetof(struct nr_repair, left_out) + sizeof(plan.found.left_out))
		return -EINVAL;
	trace_opts.log = o.log;
	trace_opts.log_ctx = o.log_ctx;
	trace_opts.skip_damaged = o.skip_damaged;
	nr_hold_file_limit(&old);
	err = nr_trace_open(&plan.trace, dir, &trace_opts) ?: repair(&plan, o.copy);
	nr_release_file_limit(&old);
	if (!err && result)
		copy_result(result, plan.found);
	nr_repair_plan_free(&plan);
	nr_trace_close(plan.trace);
	return err;
}
