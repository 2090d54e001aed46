// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Parquet's encodings against readers that follow the specification step by step. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "export/parquet_encode.h"
#include "export/thrift.h"
#include "seed.h"

#define MOST 1000

static struct seed seed;

struct reader {
	const uint8_t *at, *end;
};

static uint8_t read_byte(struct reader *r)
{
	assert_true(r->at < r->end);
	return *r->at++;
}

static uint64_t read_varint(struct reader *r)
{
	uint64_t v = 0;
	uint8_t byte;
	unsigned shift = 0;

	do {
		byte = read_byte(r);
		v |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return v;
}

static int64_t read_zigzag(struct reader *r)
{
	uint64_t v = read_varint(r);

	return (int64_t)(v >> 1 ^ -(v & 1));
}

static uint64_t read_bits(const uint8_t *from, size_t bit, unsigned width)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < width; i++)
		v |= (uint64_t)(from[(bit + i) / 8] >> (bit + i) % 8 & 1) << i;
	return v;
}

static uint32_t read_le(struct reader *r, unsigned n)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v |= (uint32_t)read_byte(r) << 8 * i;
	return v;
}

static void read_rle(struct reader *r, uint32_t *values, size_t n, unsigned width)
{
	for (size_t i = 0; i < n;) {
		uint64_t head = read_varint(r), count = head >> 1;

		if (head & 1) {
			for (size_t k = 0; k < count * 8; k++)
				if (i < n)
					values[i++] = read_bits(r->at, k * width, width);
			r->at += count * width;
		} else {
			uint32_t v = read_le(r, (width + 7) / 8);

			assert_true(count && i + count <= n);
			while (count--)
				values[i++] = v;
		}
	}
}

static void test_rle(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		unsigned width = seed_below(&seed, 33), shape = seed_below(&seed, 3);
		uint32_t in[MOST], out[MOST], last = 0;
		size_t n = seed_below(&seed, MOST);
		struct bytes b = {};
		struct reader r;

		for (size_t i = 0; i < n; i++) {
			if (shape == 0 || !i || seed_once_in(&seed, shape == 1 ? 3 : 20))
				last = width ? seed_next(&seed) >> (64 - width) : 0;
			in[i] = last;
		}
		parquet_put_rle(&b, in, n, width);
		r = (struct reader){ b.at, b.at + b.len };
		read_rle(&r, out, n, width);
		assert_ptr_equal(r.at, r.end);
		assert_memory_equal(in, out, n * sizeof(*in));
		bytes_free(&b);
	}
}

static void read_delta(struct reader *r, uint64_t *values, size_t n, unsigned bits)
{
	uint64_t block = read_varint(r), minis = read_varint(r);
	uint64_t mask = bits == 32 ? UINT32_MAX : UINT64_MAX;
	size_t i = 1;

	assert_int_equal(block % 128, 0);
	assert_int_equal(block / minis % 32, 0);
	assert_int_equal(read_varint(r), n);
	values[0] = (uint64_t)read_zigzag(r) & mask;
	while (i < n) {
		int64_t least = read_zigzag(r);
		const uint8_t *widths = r->at;

		r->at += minis;
		for (size_t m = 0; m < minis && i < n; m++) {
			for (size_t k = 0; k < block / minis; k++) {
				uint64_t above = read_bits(r->at, k * widths[m], widths[m]);

				if (i < n) {
					values[i] = (values[i - 1] + least + above) & mask;
					i++;
				}
			}
			r->at += block / minis * widths[m] / 8;
		}
	}
}

static void test_delta(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		unsigned bits = round % 2 ? 32 : 64, narrow = seed_below(&seed, bits);
		uint64_t in[MOST], out[MOST] = {};
		size_t n = 1 + seed_below(&seed, MOST - 1);
		struct bytes b = {};
		struct reader r;

		for (size_t i = 0; i < n; i++) {
			in[i] = seed_next(&seed) >> (64 - bits) >> narrow;
			if (seed_once_in(&seed, 50))
				in[i] = bits == 32 ? INT32_MAX : INT64_MAX;
			if (seed_once_in(&seed, 50))
				in[i] = bits == 32 ? (uint32_t)INT32_MIN : (uint64_t)INT64_MIN;
		}
		parquet_put_delta(&b, in, n, bits);
		r = (struct reader){ b.at, b.at + b.len };
		read_delta(&r, out, n, bits);
		assert_ptr_equal(r.at, r.end);
		assert_memory_equal(in, out, n * sizeof(*in));
		bytes_free(&b);
	}
}

static void test_plain(void **state)
{
	const uint64_t values[] = { 1, 0, 0, 1, 1, 0, 0, 0, 1 };
	const uint8_t bits[] = { 0x19, 0x01 };
	struct bytes b = {};

	(void)state;
	parquet_put_plain(&b, values, 9, 0);
	assert_int_equal(b.len, 2);
	assert_memory_equal(b.at, bits, 2);
	b.len = 0;
	parquet_put_plain(&b, (const uint64_t[]){ 0xfffffffffffffffe }, 1, 4);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.at, "\xfe\xff\xff\xff", 4);
	bytes_free(&b);
}

/* Bytes worked out by hand from the protocol's description. */
static void test_thrift(void **state)
{
	static const uint8_t want[] = {
		0x15, 0x03,		/* field 1, i32: -2 */
		0x06, 0x28, 0x80, 0x01, /* field 20, i64: 64 */
		0x18, 2,    'o',  'k',	/* field 21, binary */
		0x1c, 0x12, 0x00,	/* field 22, struct { field 1: false } */
		0x19, 0x25, 0x02, 0x01, /* field 23, list of i32: 1, -1 */
		0x19, 0x1c, 0x11, 0x00, /* field 24, list of struct { field 1: true } */
		0x19, 0xf8, 0x0f,	/* field 25, list of 15 texts */
		0x00,
	};
	struct bytes b = {};
	struct thrift t = { .out = &b };

	(void)state;
	thrift_i32(&t, 1, -2);
	thrift_i64(&t, 20, 64);
	thrift_text(&t, 21, "ok");
	thrift_struct(&t, 22);
	thrift_bool(&t, 1, false);
	thrift_end(&t);
	thrift_list(&t, 23, THRIFT_I32, 2);
	thrift_element_i32(&t, 1);
	thrift_element_i32(&t, -1);
	thrift_list(&t, 24, THRIFT_STRUCT, 1);
	thrift_element_struct(&t);
	thrift_bool(&t, 1, true);
	thrift_end(&t);
	thrift_list(&t, 25, THRIFT_BINARY, 15);
	thrift_end(&t);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.at, want, sizeof(want));
	bytes_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rle),
		cmocka_unit_test(test_delta),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_thrift),
	};

	seed.state = seed_first("parquet_encode");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
