/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hand-made event types with every kind of field, and one event of them. */
#ifndef NR_TESTS_TYPES_HELP_H
#define NR_TESTS_TYPES_HELP_H

#include <bpf/btf.h>
#include "trace_help.h"

enum { ID_POINT = 1, ID_KINDS = 7, ID_TAIL = 300, ID_BYTE = 0x7ffe };

struct point {
	uint32_t x;
	int16_t y;
};

struct kinds {
	uint8_t u8;
	int8_t i8;
	uint16_t u16;
	int16_t i16;
	uint32_t u32;
	int32_t i32;
	uint64_t u64;
	int64_t i64;
	_Bool flag;
	char text[11];
	uint32_t color; /* enum { RED, GREEN = 5, ALSO_GREEN = 5, NONE = -1 } */
	uint64_t big;	/* enum of 64 bits, unsigned */
	float f;
	double d;
	void *ptr;
	union {
		uint32_t word;
		uint8_t byte[4];
	} u;
	uint32_t b3 : 3; /* the old form: the width is in the integer */
	int32_t b5 : 5;
	uint32_t b24 : 24;
	struct point p;
	struct point ps[2];
	int16_t m[2][3];
	unsigned __int128 wide;
} __attribute__((packed, aligned(1)));

struct tail {
	uint64_t when;
	uint16_t data_len;
	uint16_t data[];
} __attribute__((packed, aligned(8)));

/* The BTF that a group of tests uses, and the ids of its types. */
extern struct btf *btf;
extern struct made_types {
	int u8, i8, u16, i16, u32, i32, u64, i64, ch, boolean, f32, f64, ptr, wide;
	int color, big, u, point, kinds, tail, byte;
} T;

int make_btf(void **state);
int free_btf(void **state);
int array(int type, unsigned n);
void field(const char *name, int type, size_t byte);

struct nr_types *make_types(void);

extern const struct kinds sample;
extern const char *const sample_text; /* the same as NR_FORMAT_TEXT */

#endif
