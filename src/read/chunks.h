/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The chunks of a series: subdirectories with numbers for names. While the trace is recorded, new ones
 * appear and the oldest may be removed. */
#ifndef NR_READ_CHUNKS_H
#define NR_READ_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NR_CHUNK_NAME 16 /* bytes of a name, with its 0 */

struct nr_chunks {
	unsigned *numbers; /* ascending */
	size_t n;
};

/* Lists the directory dir again. A subdirectory without metadata is no chunk yet. 0 or an error. */
int nr_chunks_list(struct nr_chunks *c, int dir);
void nr_chunks_free(struct nr_chunks *c);
/* The least number of a chunk above number, which may be -1 for any. -1: none. */
int64_t nr_chunks_after(const struct nr_chunks *c, int64_t number);

void nr_chunk_name(char name[NR_CHUNK_NAME], unsigned number);
/* The number that a chunk's name stands for; -1: it is no name of a chunk. */
int64_t nr_chunk_number(const char *name);

#endif
