// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The filter of a recording: checked when it is set, compiled for all event types by the start. */
#include <errno.h>
#include <numaring/query.h>
#include <stdlib.h>
#include <string.h>
#include "collector.h"

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
	int err = nr_collector_check_open(c);

	if (!err && text)
		err = compile(c, text, &query);
	nr_query_free(query); /* more types may follow */
	if (!err && text) {
		copy = strdup(text);
		err = copy ? 0 : -ENOMEM;
	}
	if (err)
		return err;
	free(c->filtering.text);
	c->filtering.text = copy;
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

void nr_filtering_destroy(struct nr_filtering *f)
{
	nr_query_free(f->query);
	free(f->node_of_cpu);
	free(f->tested);
	free(f->text);
}
