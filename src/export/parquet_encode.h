/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parquet's encodings of numbers. */
#ifndef NR_PARQUET_ENCODE_H
#define NR_PARQUET_ENCODE_H

#include "bytes.h"

/* The bits that a number up to max needs. */
unsigned parquet_width(uint64_t max);
/* RLE: runs of equal numbers, and bit-packed groups of eight for the rest. width: bits, 0 to 32. */
void parquet_put_rle(struct bytes *out, const uint32_t *values, size_t n, unsigned width);
/* The same, all bit-packed. With whole bytes, zstd finds what repeats. */
void parquet_put_packed(struct bytes *out, const uint32_t *values, size_t n, unsigned width);
/* DELTA_BINARY_PACKED: differences in blocks of 128. bits: 32 or 64, those of the column. */
void parquet_put_delta(struct bytes *out, const uint64_t *values, size_t n, unsigned bits);
/* PLAIN: size bytes of each number; of booleans one bit, with size 0. */
void parquet_put_plain(struct bytes *out, const uint64_t *values, size_t n, unsigned size);

#endif
