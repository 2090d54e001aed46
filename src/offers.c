// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What this host offers to record. */
#include <numaring/numaring.h>
#include "base/opts.h"
#include "kernel/probes.h"
#include "kernel/sources.h"
#include "kernel/tracepoints.h"

int nr_tracepoints_each(const char *pattern, int (*fn)(void *ctx, const char *name), void *ctx,
			const struct nr_offer_opts *opts)
{
	struct nr_tracepoint_list list;
	struct nr_offer_opts copy;
	struct nr_logger log;
	struct nr_tracefs fs;
	int ret = NR_COPY_OPTS(nr_offer_opts, &copy, opts);

	if (ret)
		return ret;
	log = (struct nr_logger){ copy.log, copy.log_ctx };
	ret = nr_tracefs_open(&fs, &log) ?: nr_tracefs_list(&list, &fs, pattern);
	nr_tracefs_close(&fs);
	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < list.n; i++)
		ret = fn(ctx, list.names[i]);
	nr_tracepoint_list_free(&list);
	return ret;
}

static void warn_of_refusal(const struct nr_tracefs *fs, const char *name,
			    const struct nr_logger *log)
{
	const char *refusal = nr_tracepoint_refusal(fs, name);

	if (refusal)
		nr_log(log, NR_LOG_WARN, "cannot record the tracepoint %s: %s", name, refusal);
}

static int add_tracepoints(struct nr_types *types, const char *spec, const struct nr_logger *log)
{
	struct nr_tracepoint_list list = {};
	struct nr_tracefs fs;
	int err = nr_tracefs_open(&fs, log) ?: nr_tracepoints_find(&list, &fs, spec, log);

	for (size_t i = 0; !err && i < list.n; i++) {
		warn_of_refusal(&fs, list.names[i], log);
		err = nr_tracepoint_add_type(&fs, list.names[i], i, types, log);
	}
	nr_tracepoint_list_free(&list);
	nr_tracefs_close(&fs);
	return err;
}

static int add_object(struct nr_types *types, const struct nr_source *source, const char *args,
		      uint16_t id_base, const struct nr_logger *log)
{
	struct nr_object o;
	int err = nr_source_open(&o, source, args, log);

	if (err)
		return err;
	err = nr_object_types(&o, id_base, types, log);
	nr_object_close(&o);
	return err;
}

static int add_source(struct nr_types *types, const char *spec, const struct nr_logger *log)
{
	const char *args;
	const struct nr_source *source = nr_source_find(spec, &args),
			       *extra = nr_source_extra(spec);
	int err;

	if (!extra && nr_tracepoint_is_meant(spec, source, args))
		return add_tracepoints(types, spec, log);
	if (!source) {
		nr_log(log, NR_LOG_ERROR, "unknown source \"%s\"", spec);
		return -ENOENT;
	}
	err = extra ? add_object(types, extra, NULL, 0, log) : 0;
	return err ?: add_object(types, source, extra ? NULL : args, NR_OBJECT_IDS, log);
}

static int add_probe(struct nr_types *types, const char *spec, const struct nr_logger *log)
{
	struct nr_object o;
	int err = nr_probes_open(&o, log);

	if (err)
		return err;
	err = nr_probes_add(&o, spec, 0, types, log);
	nr_object_close(&o);
	return err;
}

int nr_source_types(struct nr_types **out, const char *spec, const struct nr_offer_opts *opts)
{
	struct nr_types *types = NULL;
	struct nr_offer_opts copy;
	struct nr_logger log;
	int err = NR_COPY_OPTS(nr_offer_opts, &copy, opts);

	log = (struct nr_logger){ copy.log, copy.log_ctx };
	err = err ?: nr_types_new(&types, copy.log, copy.log_ctx);
	if (!err)
		err = nr_probe_is_spec(spec) ? add_probe(types, spec, &log)
					     : add_source(types, spec, &log);
	if (err)
		nr_types_free(types);
	else
		*out = types;
	return err;
}
