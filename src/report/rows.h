/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a report keeps for each key: a device, an interrupt of a CPU, a reason. */
#ifndef NR_REPORT_ROWS_H
#define NR_REPORT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At most ROWS_MAX keys are kept apart; the rest share a row whose key is all 0xff. */
#define ROWS_MAX 65536

struct rows {
	/* Bytes of a row and of its key, which is its first member; a multiple of 8. Keys are
	 * compared byte by byte, so fill them up with 0. */
	size_t size, key_size;

	void **list; /* [n], in the order in which they came */
	unsigned n, room;
	uint32_t *table; /* indexes into list + 1, by the hash of the key; 0: free */
	unsigned table_size;
};

/* clear frees what a row holds; NULL: nothing. */
void rows_close(struct rows *r, void (*clear)(void *row));

/* The row of a key. A new one is all 0 but its key. It does not move. */
void *rows_get(struct rows *r, const void *key);
/* Is it the row that many keys share? */
bool rows_is_shared(const struct rows *r, const void *row);

/* Sorts the list by rank, the highest first. No rows_get after that. */
void rows_sort(struct rows *r, uint64_t (*rank)(const void *row));

#endif
