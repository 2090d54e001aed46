/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a report keeps for each key: a device, an interrupt of a CPU, a reason. */
#ifndef NR_REPORT_ROWS_H
#define NR_REPORT_ROWS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* At most ROWS_MAX keys are kept apart; the rest share a row. */
#define ROWS_MAX 65536

struct rows {
	/* Bytes of a row and of its key, which is its first member; a multiple of 8. Keys are
	 * compared byte by byte, so fill them up with 0. */
	size_t size, key_size;
	const void *others; /* the key of the row that the rest share; NULL: all bytes are 0xff */
	/* Adds a row to the shared one: then the rest is what ranks lowest so far. NULL: the rest is
	 * what comes last. */
	void (*fold)(void *others, const void *row);
	uint64_t (*rank)(const void *row); /* for fold */

	void **list; /* [n] */
	unsigned n, room;
	void *shared;	 /* of these; NULL: there is none */
	uint32_t *table; /* indexes into list + 1, by the hash of the key; 0: free */
	unsigned table_size;
};

/* clear frees what a row holds; NULL: nothing. */
void rows_close(struct rows *r, void (*clear)(void *row));

/* The row of a key. A new one is all 0 but its key. It is valid until the next rows_get; without fold,
 * until rows_close. */
void *rows_get(struct rows *r, const void *key);

/* Sorts the list by rank, the highest first; the shared row is the last. No rows_get after that. */
void rows_sort(struct rows *r, uint64_t (*rank)(const void *row));
/* What json makes of each row, as a list. */
json_t *rows_json(const struct rows *r, json_t *(*json)(const void *row, const void *ctx),
		  const void *ctx);

#endif
