// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "base/opts.h"
#include "query.h"

static int prepare(struct nr_query *q, const char *text)
{
	size_t len = strnlen(text, NR_QUERY_MAX_TEXT + 1);
	char *copy;

	if (len > NR_QUERY_MAX_TEXT) {
		nr_log(&q->log, NR_LOG_ERROR, "the filter is longer than %d bytes",
		       NR_QUERY_MAX_TEXT);
		return -EINVAL;
	}
	copy = nr_query_alloc(q, len + 1);
	if (!copy)
		return -ENOMEM;
	q->text = memcpy(copy, text, len);
	return 0;
}

int nr_query_new(struct nr_query **out, const char *text, const struct nr_types *types,
		 const struct nr_query_opts *opts)
{
	struct nr_query *q = calloc(1, sizeof(*q));
	int err = q ? NR_COPY_OPTS(nr_query_opts, &q->opts, opts) : -ENOMEM;

	if (!err) {
		q->log = (struct nr_logger){ q->opts.log, q->opts.log_ctx };
		q->types = types;
		err = prepare(q, text);
	}
	err = err ?: nr_lex(q) ?: nr_parse(q) ?: nr_check(q, q->root);
	err = err ?: nr_compile(q) ?: nr_check_possible(q);
	if (err) {
		nr_query_free(q);
		return err;
	}
	*out = q;
	return 0;
}

void nr_query_free(struct nr_query *q)
{
	if (!q)
		return;
	nr_query_free_after(q, NULL);
	free(q);
}

bool nr_query_matches(const struct nr_query *q, const struct nr_event *ev)
{
	const struct nr_program *program = &q->other;

	if (nr_types_name(q->types, ev->rec->id) && ev->size >= q->programs[ev->rec->id].size)
		program = &q->programs[ev->rec->id];
	return nr_run(program, ev);
}
