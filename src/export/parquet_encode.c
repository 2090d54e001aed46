// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "parquet_encode.h"

#define GROUP	   8 /* numbers that are packed together */
#define BLOCK	   128
#define MINI_BLOCK 32 /* numbers of a block that have one width */
#define MINIS	   (BLOCK / MINI_BLOCK)

unsigned parquet_width(uint64_t max)
{
	return max ? 64 - __builtin_clzll(max) : 0;
}

/* Bits that do not fill a byte yet. */
struct packer {
	struct bytes *out;
	unsigned __int128 bits;
	unsigned n;
};

static void pack(struct packer *p, uint64_t v, unsigned width)
{
	p->bits |= (unsigned __int128)v << p->n;
	p->n += width;
	for (; p->n >= 8; p->n -= 8, p->bits >>= 8)
		bytes_add_u8(p->out, p->bits);
}

static size_t run_length(const uint32_t *values, size_t n)
{
	size_t run = 1;

	while (run < n && values[run] == values[0])
		run++;
	return run;
}

static void put_run(struct bytes *out, uint32_t value, size_t n, unsigned width)
{
	bytes_add_varint(out, n << 1);
	bytes_add_le(out, value, (width + 7) / 8);
}

/* The last group is filled with zeros. */
void parquet_put_packed(struct bytes *out, const uint32_t *values, size_t n, unsigned width)
{
	size_t groups = (n + GROUP - 1) / GROUP;
	struct packer p = { .out = out };

	bytes_add_varint(out, groups << 1 | 1);
	for (size_t i = 0; i < groups * GROUP; i++)
		pack(&p, i < n ? values[i] : 0, width);
}

/* Numbers up to the next run that is worth it: whole groups, or all. */
static size_t mixed_length(const uint32_t *values, size_t n)
{
	size_t mixed = GROUP;

	while (mixed < n && run_length(values + mixed, n - mixed) < GROUP)
		mixed += GROUP;
	return mixed < n ? mixed : n;
}

void parquet_put_rle(struct bytes *out, const uint32_t *values, size_t n, unsigned width)
{
	for (size_t i = 0, step; i < n; i += step) {
		step = run_length(values + i, n - i);
		if (step >= GROUP || step == n - i) {
			put_run(out, values[i], step, width);
			continue;
		}
		step = mixed_length(values + i, n - i);
		parquet_put_packed(out, values + i, step, width);
	}
}

/* The difference of two numbers of that many bits, which wraps as the reader's sum does. */
static int64_t difference(uint64_t a, uint64_t b, unsigned bits)
{
	return bits == 32 ? (int32_t)((uint32_t)a - (uint32_t)b) : (int64_t)(a - b);
}

/* above: what the numbers are above the block's least; unused ones are 0. */
static void put_minis(struct bytes *out, const uint64_t above[BLOCK], size_t n)
{
	uint8_t widths[MINIS] = {};

	for (size_t i = 0; i < n; i++) {
		unsigned width = parquet_width(above[i]);

		if (width > widths[i / MINI_BLOCK])
			widths[i / MINI_BLOCK] = width;
	}
	bytes_add(out, widths, MINIS);
	for (size_t m = 0; m * MINI_BLOCK < n; m++) {
		struct packer p = { .out = out };

		for (size_t i = 0; i < MINI_BLOCK; i++)
			pack(&p, above[m * MINI_BLOCK + i], widths[m]);
	}
}

static void put_block(struct bytes *out, const uint64_t *values, size_t n, unsigned bits)
{
	uint64_t above[BLOCK] = {}, mask = bits == 32 ? UINT32_MAX : UINT64_MAX;
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < n; i++) {
		int64_t d = difference(values[i], values[(ptrdiff_t)i - 1], bits);

		above[i] = d;
		least = d < least ? d : least;
	}
	for (size_t i = 0; i < n; i++)
		above[i] = (above[i] - (uint64_t)least) & mask;
	bytes_add_zigzag(out, least);
	put_minis(out, above, n);
}

void parquet_put_delta(struct bytes *out, const uint64_t *values, size_t n, unsigned bits)
{
	bytes_add_varint(out, BLOCK);
	bytes_add_varint(out, MINIS);
	bytes_add_varint(out, n);
	bytes_add_zigzag(out, n ? difference(values[0], 0, bits) : 0);
	for (size_t i = 1; i < n; i += BLOCK)
		put_block(out, values + i, n - i < BLOCK ? n - i : BLOCK, bits);
}

void parquet_put_plain(struct bytes *out, const uint64_t *values, size_t n, unsigned size)
{
	struct packer p = { .out = out };

	for (size_t i = 0; i < n; i++) {
		if (size)
			bytes_add_le(out, values[i], size);
		else
			pack(&p, !!values[i], 1);
	}
	if (p.n)
		pack(&p, 0, 8 - p.n);
}
