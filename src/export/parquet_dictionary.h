/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The different values of a column in a row group. */
#ifndef NR_PARQUET_DICTIONARY_H
#define NR_PARQUET_DICTIONARY_H

#include "parquet_values.h"

#define PARQUET_DICTIONARY_MAX 65536

struct parquet_dictionary {
	uint32_t *slots;      /* of a hash table: number of an entry + 1; 0: free */
	struct bytes first;   /* [n] uint32_t, the first value that is this entry */
	struct bytes indices; /* [values] uint32_t, the entry that each value is */
	size_t n;
};

/* Replaces what the struct holds. Returns 0, -ENOMEM, or -E2BIG: a dictionary does not pay, because
 * most values differ. */
int parquet_dictionary_make(struct parquet_dictionary *d, const struct parquet_values *v,
			    enum parquet_type type);
void parquet_dictionary_free(struct parquet_dictionary *d);

#endif
