// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The filter of a recording: checked when it is set, compiled for all event types by the start. */
#include <errno.h>
#include <numaring/query.h>
#include <stdlib.h>
#include <string.h>
#include "collector.h"
#include "query/tests.h"

static int find_nodes(struct nr_collector *c)
{
	struct nr_filtering *f = &c->filtering;

	if (!f->node_of_cpu)
		f->node_of_cpu = calloc(c->maps.n_cpus, sizeof(*f->node_of_cpu));
	if (!f->node_of_cpu)
		return -ENOMEM;
	for (uint32_t cpu = 0; cpu < c->maps.n_cpus; cpu++)
		f->node_of_cpu[cpu] = c->maps.cpus[cpu].node;
	return 0;
}

static int compile(struct nr_collector *c, const char *text, struct nr_query **out)
{
	int err = find_nodes(c);
	const struct nr_query_opts opts = {
		.sz = sizeof(opts),
		.log = c->log.fn,
		.log_ctx = c->log.ctx,
		.node_of_cpu = c->filtering.node_of_cpu,
		.n_cpus = c->maps.n_cpus,
		.recording = true,
	};

	return err ?: nr_query_new(out, text, c->types, &opts);
}

int nr_collector_filter(struct nr_collector *c, const char *text)
{
	struct nr_query *query = NULL;
	char *copy = NULL;
	struct nr_cgroup cgroup = {};
	int err = nr_collector_check_open(c);

	if (!err && text)
		err = compile(c, text, &query);
	if (!err && query && nr_query_cgroup(query))
		err = nr_cgroup_find(&cgroup, nr_query_cgroup(query), &c->log);
	nr_query_free(query); /* more types may follow */
	if (!err && text) {
		copy = strdup(text);
		err = copy ? 0 : -ENOMEM;
	}
	if (err)
		return err;
	free(c->filtering.text);
	c->filtering.text = copy;
	c->filtering.cgroup = cgroup;
	return 0;
}

int nr_filtering_begin(struct nr_collector *c)
{
	struct nr_filtering *f = &c->filtering;
	int err;

	if (!f->text)
		return 0;
	err = compile(c, f->text, &f->query);
	f->tested = calloc(c->types->n_ids + 1, sizeof(*f->tested));
	if (!err && !f->tested)
		err = -ENOMEM;
	if (err)
		return err;
	nr_delivery_filter(&c->stream.delivery,
			   &(struct nr_filter){ f->query, f->tested, c->types->n_ids });
	return 0;
}

static void tell(const struct nr_collector *c, const char *type, bool is_false,
		 enum nr_tests_part part)
{
	nr_log(&c->log, NR_LOG_INFO, "filter of %s: %s", type,
	       is_false		       ? "no event matches"
	       : part == NR_TESTS_ALL  ? "in the kernel"
	       : part == NR_TESTS_SOME ? "a part in the kernel, all of it on the stream"
				       : "on the stream");
}

/* Returns whether an event of this type can match. */
static bool set_tests(struct nr_collector *c, const struct nr_object *o, uint16_t id,
		      struct nr_test *tests)
{
	const struct nr_filtering *f = &c->filtering;
	enum nr_tests_part part = NR_TESTS_NONE;
	bool is_false = nr_query_is_false(f->query, id);

	if (tests)
		part = nr_query_tests(f->query, id, tests);
	f->tested[id] = o->tests && part == NR_TESTS_ALL;
	tell(c, nr_types_name(c->types, id), is_false, o->tests ? part : NR_TESTS_NONE);
	return !is_false;
}

void nr_filtering_tests(struct nr_collector *c, unsigned i, struct nr_object_config *config)
{
	struct nr_object *o = &c->objects[i];
	bool any = false;

	memset(config->tests, 0, sizeof(config->tests));
	for (unsigned t = 0; c->filtering.query && t < NR_OBJECT_IDS; t++) {
		uint16_t id = i * NR_OBJECT_IDS + t;
		struct nr_test *tests = &config->tests[t * NR_FILTER_TESTS];

		if (nr_types_name(c->types, id))
			any |= set_tests(c, o, id, t < NR_FILTER_TYPES ? tests : NULL);
	}
	o->idle = c->filtering.query && o->tests && !any;
}

void nr_filtering_destroy(struct nr_filtering *f)
{
	nr_query_free(f->query);
	free(f->node_of_cpu);
	free(f->tested);
	free(f->text);
}
