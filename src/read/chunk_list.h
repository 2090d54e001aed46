/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The chunks of a series: subdirectories with numbers for names. While the trace is recorded, new ones
 * appear and the oldest may be removed. */
#ifndef NR_READ_CHUNK_LIST_H
#define NR_READ_CHUNK_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nr_chunk_list {
	uint64_t *numbers; /* ascending */
	size_t n;
};

/* A subdirectory of the directory dir without metadata is no chunk yet. */
bool nr_chunk_exists(int dir, uint64_t number);
bool nr_chunk_has_stream(int dir, uint64_t number);
/* Lists the directory dir again. 0 or an error. */
int nr_chunk_list_read(struct nr_chunk_list *c, int dir);
void nr_chunk_list_free(struct nr_chunk_list *c);
/* Index of the first chunk whose number is greater; c->n: there is none. */
size_t nr_chunk_list_after(const struct nr_chunk_list *c, uint64_t number);

#endif
