// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Adds tracepoints by name and probes to a collector. */
#include "collector.h"
#include "kernel/probes.h"
#include "kernel/tracepoints.h"

/* The object that takes the next one: the last one, or a new one. */
static int find_object(struct nr_collector *c, unsigned *at,
		       bool (*has_room)(const struct nr_object *o),
		       int (*open)(struct nr_object *o, const struct nr_logger *log))
{
	struct nr_object *o = NULL;
	int err;

	*at = c->n_objects - 1;
	if (c->n_objects && has_room(&c->objects[*at]))
		return 0;
	err = nr_collector_next_object(c, &o) ?: open(o, &c->log);
	if (!err)
		*at = c->n_objects++;
	return err;
}

int nr_collector_add_probe(struct nr_collector *c, const char *spec)
{
	unsigned at;
	int err = nr_collector_check_open(c)
			  ?: find_object(c, &at, nr_probes_have_room, nr_probes_open);

	return err ?: nr_probes_add(&c->objects[at], spec, at * NR_OBJECT_IDS, c->types, &c->log);
}

/* Adds one of several tracepoints of a pattern, or the only one. *added: it was added. */
static int add_one(struct nr_collector *c, struct nr_tracefs *fs, const char *name, bool is_pattern,
		   bool *added)
{
	const char *refusal = nr_tracepoint_refusal(fs, name);
	unsigned at;
	int err;

	if (nr_types_id(c->types, name) >= 0) {
		if (is_pattern)
			return 0;
		nr_log(&c->log, NR_LOG_ERROR, "tracepoint %s was already added", name);
		return -EEXIST;
	}
	if (refusal) {
		nr_log(&c->log, is_pattern ? NR_LOG_WARN : NR_LOG_ERROR,
		       is_pattern ? "tracepoint %s is left out: %s"
				  : "cannot record the tracepoint %s: %s",
		       name, refusal);
		return is_pattern ? 0 : -EOPNOTSUPP;
	}
	err = find_object(c, &at, nr_tracepoints_have_room, nr_tracepoints_open)
		      ?: nr_tracepoints_add(&c->objects[at], fs, name, at * NR_OBJECT_IDS, c->types,
					    &c->log);
	*added |= !err;
	return err;
}

static int seal(struct nr_collector *c, unsigned first)
{
	int err = 0;

	for (unsigned i = first; !err && i < c->n_objects; i++)
		if (nr_tracepoints_are_in(&c->objects[i]))
			err = nr_tracepoints_seal(&c->objects[i], &c->log);
	return err;
}

/* The kernel takes about this long to release a perf event. */
#define RELEASE_MS 40
#define MANY	   100

static void warn_of_many(const struct nr_collector *c, const char *spec, size_t n)
{
	if (n > MANY)
		nr_log(&c->log, NR_LOG_WARN,
		       "%s means %zu tracepoints: when the recording is over, the kernel needs "
		       "about %zu s to release them",
		       spec, n, n * RELEASE_MS / 1000);
}

static int add_list(struct nr_collector *c, struct nr_tracefs *fs,
		    const struct nr_tracepoint_list *list, const char *spec)
{
	bool is_pattern = nr_tracepoint_is_pattern(spec), added = false;
	unsigned first = c->n_objects ? c->n_objects - 1 : 0;
	int err = 0;

	warn_of_many(c, spec, list->n);
	for (size_t i = 0; !err && i < list->n; i++)
		err = add_one(c, fs, list->names[i], is_pattern, &added);
	if (!err && !added) {
		nr_log(&c->log, NR_LOG_ERROR,
		       "%s adds nothing: every tracepoint of it is left out or was already added",
		       spec);
		err = -EEXIST;
	}
	return err ?: seal(c, first);
}

int nr_collector_add_tracepoints(struct nr_collector *c, const char *spec)
{
	struct nr_tracepoint_list list = {};
	struct nr_tracefs fs = { .events = -1 };
	int err = nr_collector_check_open(c) ?: nr_tracefs_open(&fs, &c->log)
		  ?: nr_tracepoints_find(&list, &fs, spec, &c->log);

	if (!err)
		err = add_list(c, &fs, &list, spec);
	nr_tracepoint_list_free(&list);
	nr_tracefs_close(&fs);
	return err;
}
