/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A column chunk: the pages of one column in one row group, compressed. */
#ifndef NR_PARQUET_CHUNK_H
#define NR_PARQUET_CHUNK_H

#include "parquet_dictionary.h"
#include "thrift.h"

struct parquet_chunks;

/* Memory that all chunks use, one after another. Returns 0 or -ENOMEM. */
int parquet_chunks_new(struct parquet_chunks **out);
void parquet_chunks_free(struct parquet_chunks *c); /* takes NULL */

/* The column of these rows. Of the encodings that suit a column, the shortest one is used, also for
 * the next chunks. Returns 0 or a negative errno. */
int parquet_chunk_make(struct parquet_chunks *c, struct parquet_column *col,
		       const struct rows *rows, int64_t clock_offset);
/* The pages of the chunk made last. */
const struct bytes *parquet_chunk_pages(const struct parquet_chunks *c);
/* Adds its ColumnChunk, an element of a list. offset: of its pages in the file. */
void parquet_chunk_describe(const struct parquet_chunks *c, const struct parquet_column *col,
			    struct thrift *t, uint64_t offset);
/* Its bytes before compression. */
uint64_t parquet_chunk_size(const struct parquet_chunks *c);

#endif
