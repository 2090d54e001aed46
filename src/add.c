// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a collector records, and where to. */
#include <errno.h>
#include <stdlib.h>
#include "base/opts.h"
#include "collector.h"
#include "kernel/sources.h"
#include "output/batch.h"
#include "output/trace.h"

/* What comes before the start comes before the start. */
int nr_collector_check_open(const struct nr_collector *c)
{
	if (c->state == NR_OPEN)
		return 0;
	nr_log(&c->log, NR_LOG_ERROR, "this collector was started already: open another one");
	return -EBUSY;
}

/* Makes room for one more object. */
static int next_object(struct nr_collector *c, struct nr_object **o)
{
	struct nr_object *grown;
	int err = nr_collector_check_open(c);

	if (err)
		return err;
	if ((c->n_objects + 1) * NR_OBJECT_IDS > NR_LATE_ID) {
		nr_log(&c->log, NR_LOG_ERROR, "too many BPF objects: %u at most", c->n_objects);
		return -E2BIG;
	}
	grown = realloc(c->objects, (c->n_objects + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->objects = grown;
	*o = &grown[c->n_objects];
	return 0;
}

/* The new object is open: enters its events. */
static int enter_object(struct nr_collector *c, struct nr_object *o)
{
	int err;

	c->entering = o;
	err = nr_object_types(o, c->n_objects * NR_OBJECT_IDS, c->types, &c->log);
	c->entering = NULL;
	if (err)
		nr_object_close(o);
	else
		c->n_objects++;
	return err;
}

int nr_collector_add_object(struct nr_collector *c, const char *path)
{
	struct nr_object *o = NULL;
	int err = next_object(c, &o) ?: nr_object_open(o, path, &c->log);

	return err ?: enter_object(c, o);
}

int nr_collector_add_object_mem(struct nr_collector *c, const char *name, const void *data,
				size_t size)
{
	struct nr_object *o = NULL;
	int err = next_object(c, &o) ?: nr_object_open_mem(o, name, data, size, &c->log);

	return err ?: enter_object(c, o);
}

int nr_collector_add_bpf_object(struct nr_collector *c, struct bpf_object *obj)
{
	struct nr_object *o = NULL;
	int err = next_object(c, &o);

	for (unsigned i = 0; !err && i < c->n_objects; i++) {
		if (c->objects[i].obj != obj)
			continue;
		nr_log(&c->log, NR_LOG_ERROR, "%s was added already", c->objects[i].name);
		return -EBUSY;
	}
	err = err ?: nr_object_adopt(o, obj, &c->log);
	return err ?: enter_object(c, o);
}

int nr_collector_add_source(struct nr_collector *c, const char *name)
{
	const struct nr_source *source = nr_source_find(name);
	struct nr_object *o = NULL;
	const void *data;
	char list[256];
	size_t size;
	int err;

	if (!source) {
		nr_log(&c->log, NR_LOG_ERROR, "there is no source \"%s\"; the sources are: %s",
		       name, nr_source_list(list, sizeof(list)));
		return -ENOENT;
	}
	if (c->sources & 1u << nr_source_bit(source)) {
		nr_log(&c->log, NR_LOG_ERROR,
		       "the source %s is added already: each of its events would come twice", name);
		return -EEXIST;
	}
	data = source->elf(&size);
	err = next_object(c, &o) ?: nr_object_open_own(o, source->name, data, size, &c->log);
	err = err ?: enter_object(c, o);
	if (!err)
		c->sources |= 1u << nr_source_bit(source);
	return err;
}

/* The defaults of an output, and what the caller wants. */
static int copy_output_opts(const struct nr_collector *c, struct nr_output_opts *to,
			    const struct nr_output_opts *from)
{
	int err = nr_collector_check_open(c);

	return err ? err : NR_COPY_OPTS_TO(nr_output_opts, group, to, from, &c->log);
}

/* err: of making it. */
static int add_output(struct nr_collector *c, struct nr_output *output, int err)
{
	if (!err)
		err = nr_delivery_add(&c->stream.delivery, output);
	if (err)
		nr_log(&c->log, NR_LOG_ERROR, "cannot add an output: %s", nr_reason(err));
	return err ? err : (int)c->stream.delivery.n_feeds - 1;
}

int nr_collector_add_trace(struct nr_collector *c, const char *dir,
			   const struct nr_output_opts *opts)
{
	struct nr_output *output = NULL;
	struct nr_output_opts copy;
	int err = copy_output_opts(c, &copy, opts);

	if (err)
		return err;
	err = nr_trace_output_new(&output, dir, &copy);
	return add_output(c, output, err);
}

static int refuse_no_function(const struct nr_collector *c)
{
	nr_log(&c->log, NR_LOG_ERROR, "the output needs a function: it is NULL");
	return -EINVAL;
}

int nr_collector_add_batch(struct nr_collector *c, nr_batch_fn fn, void *ctx,
			   const struct nr_output_opts *opts)
{
	struct nr_output *output = NULL;
	struct nr_output_opts copy;
	int err = copy_output_opts(c, &copy, opts);

	if (!err && !fn)
		err = refuse_no_function(c);
	if (err)
		return err;
	err = nr_batch_output_new(&output, fn, ctx, &copy);
	return add_output(c, output, err);
}

int nr_collector_add_json_lines(struct nr_collector *c, nr_lines_fn fn, void *ctx,
				const struct nr_output_opts *opts)
{
	struct nr_output *output = NULL;
	struct nr_output_opts copy;
	int err = copy_output_opts(c, &copy, opts);

	if (!err && !fn)
		err = refuse_no_function(c);
	if (err)
		return err;
	err = nr_lines_output_new(&output, fn, ctx, &copy);
	return add_output(c, output, err);
}
