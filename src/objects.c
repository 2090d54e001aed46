// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Adds BPF objects to a collector. */
#include <errno.h>
#include <stdlib.h>
#include "collector.h"
#include "kernel/constants.h"
#include "kernel/show_map.h"
#include "kernel/targets.h"

int nr_collector_check_open(const struct nr_collector *c)
{
	if (c->state == NR_OPEN)
		return 0;
	nr_log(&c->log, NR_LOG_ERROR, "this collector was already started: open another one");
	return -EBUSY;
}

int nr_collector_next_object(struct nr_collector *c, struct nr_object **o)
{
	struct nr_object *grown;
	int err = nr_collector_check_open(c);

	if (err)
		return err;
	if ((c->n_objects + 1) * NR_OBJECT_IDS > NR_LATE_ID) {
		nr_log(&c->log, NR_LOG_ERROR, "too many BPF objects: use at most %u", c->n_objects);
		return -E2BIG;
	}
	grown = realloc(c->objects, (c->n_objects + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->objects = grown;
	*o = &grown[c->n_objects];
	return 0;
}

int nr_collector_add_types(struct nr_collector *c, struct nr_object *o)
{
	int err;

	c->adding = o;
	err = nr_object_types(o, c->n_objects * NR_OBJECT_IDS, c->types, &c->log);
	c->adding = NULL;
	if (err)
		nr_object_close(o);
	else
		c->n_objects++;
	return err;
}

/* Adds the types of an object that is not built in. */
static int add_user_types(struct nr_collector *c, struct nr_object *o)
{
	o->user = true;
	return nr_collector_add_types(c, o);
}

int nr_collector_add_object(struct nr_collector *c, const char *path)
{
	struct nr_object *o = NULL;
	int err = nr_collector_next_object(c, &o) ?: nr_object_open(o, path, &c->log);

	return err ?: add_user_types(c, o);
}

int nr_collector_add_object_mem(struct nr_collector *c, const char *name, const void *data,
				size_t size)
{
	struct nr_object *o = NULL;
	int err =
		nr_collector_next_object(c, &o) ?: nr_object_open_mem(o, name, data, size, &c->log);

	return err ?: add_user_types(c, o);
}

int nr_collector_add_bpf_object(struct nr_collector *c, struct bpf_object *obj)
{
	struct nr_object *o = NULL;
	int err = nr_collector_next_object(c, &o);

	for (unsigned i = 0; !err && i < c->n_objects; i++) {
		if (c->objects[i].obj != obj)
			continue;
		nr_log(&c->log, NR_LOG_ERROR, "%s was already added", c->objects[i].name);
		return -EBUSY;
	}
	err = err ?: nr_object_adopt(o, obj, &c->log);
	return err ?: add_user_types(c, o);
}

/* Object i of those that are not built in. */
static struct nr_object *find_object(const struct nr_collector *c, unsigned i)
{
	for (unsigned k = 0; k < c->n_objects; k++)
		if (c->objects[k].user && !i--)
			return &c->objects[k];
	return NULL;
}

/* The same, to change it before the start. */
static int open_object(const struct nr_collector *c, unsigned i, struct nr_object **o)
{
	int err = nr_collector_check_open(c);

	*o = err ? NULL : find_object(c, i);
	if (err || *o)
		return err;
	nr_log(&c->log, NR_LOG_ERROR, "there is no object %u: add it first", i);
	return -ENOENT;
}

struct bpf_object *nr_collector_object(const struct nr_collector *c, unsigned i)
{
	const struct nr_object *o = find_object(c, i);

	return o ? o->obj : NULL;
}

int nr_collector_set(struct nr_collector *c, unsigned object, const char *name, const char *value)
{
	struct nr_object *o;
	int err = open_object(c, object, &o);

	return err ?: nr_object_check_unloaded(o, &c->log) ?: nr_constant_set(o, name, value, &c->log);
}

int nr_collector_attach(struct nr_collector *c, unsigned object, const char *program,
			const char *target)
{
	struct nr_object *o;
	int err = open_object(c, object, &o);

	return err ?: nr_object_check_unloaded(o, &c->log) ?: nr_targets_add(o, program, target, &c->log);
}

/* Prints the map, and passes the text on. */
static int print_map(const struct nr_collector *c, const struct nr_object *o, const char *name,
		     nr_lines_fn fn, void *ctx)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int err = out ? nr_show_map(o, &c->maps, name, out, &c->log) : -ENOMEM;

	if (out && fclose(out) && !err)
		err = -ENOMEM;
	err = err ?: fn(ctx, text, size);
	free(text);
	return err;
}

int nr_collector_show_map(struct nr_collector *c, unsigned object, const char *name, nr_lines_fn fn,
			  void *ctx)
{
	const struct nr_object *o = find_object(c, object);

	if (o)
		return fn ? print_map(c, o, name, fn, ctx)
			  : nr_show_map(o, &c->maps, name, NULL, &c->log);
	nr_log(&c->log, NR_LOG_ERROR, "there is no object %u: add it first", object);
	return -ENOENT;
}
