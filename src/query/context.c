// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What all steps need: memory that lives as long as the query, and messages. */
#include <errno.h>
#include <stdlib.h>
#include "query.h"

struct nr_block {
	struct nr_block *next;
	max_align_t memory[];
};

void *nr_query_alloc(struct nr_query *q, size_t size)
{
	struct nr_block *block = calloc(1, sizeof(*block) + size);

	if (!block)
		return NULL;
	block->next = q->blocks;
	q->blocks = block;
	return block->memory;
}

void nr_query_free_after(struct nr_query *q, const struct nr_block *before)
{
	while (q->blocks != before) {
		struct nr_block *next = q->blocks->next;

		free(q->blocks);
		q->blocks = next;
	}
}

/* In characters, from 1. */
static unsigned column_of(const struct nr_query *q, const char *at)
{
	unsigned column = 1;

	for (const char *p = q->text; p < at; p++)
		column += ((unsigned char)*p & 0xc0) != 0x80;
	return column;
}

int nr_query_error(struct nr_query *q, const char *at, const char *format, ...)
{
	char text[700];
	va_list args;

	if (q->quiet)
		return -EINVAL;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	nr_log(&q->log, NR_LOG_ERROR, "filter, column %u: %s", column_of(q, at), text);
	return -EINVAL;
}
