/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The chunks of a series: subdirectories with numbers for names. While the trace is recorded, new ones
 * appear and the oldest may be removed. */
#ifndef NR_READ_CHUNKS_H
#define NR_READ_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nr_chunks {
	uint64_t *numbers; /* ascending */
	size_t n;
};

/* A subdirectory of the directory dir without metadata is no chunk yet. */
bool nr_chunk_exists(int dir, uint64_t number);
bool nr_chunk_has_stream(int dir, uint64_t number);
/* Lists the directory dir again. 0 or an error. */
int nr_chunks_list(struct nr_chunks *c, int dir);
void nr_chunks_free(struct nr_chunks *c);
/* Index of the first chunk whose number is not less than number; c->n: there is none. */
size_t nr_chunks_from(const struct nr_chunks *c, uint64_t number);

#endif
