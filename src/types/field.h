/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The layout of a payload: a tree of fields.
 *
 * Typedefs and qualifiers are resolved. Members of anonymous structs belong to the struct around
 * them. All code that reads or describes payloads uses the layout and no BTF.
 */
#ifndef NR_FIELD_H
#define NR_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nr_kind {
	NR_UINT,
	NR_INT,
	NR_BOOL,
	NR_ENUM,
	NR_FLOAT,
	NR_PTR,
	NR_TEXT,  /* array of char */
	NR_BYTES, /* a union, or a number that CTF lacks (128 bits, long double) */
	NR_STRUCT,
	NR_ARRAY,
};

struct nr_enum_value {
	uint64_t value; /* sign- or zero-extended, as the enum is signed or not */
	char *name;
};

struct nr_field {
	char *name; /* NULL for the element of an array */
	size_t name_len;
	enum nr_kind kind;
	bool is_signed; /* NR_INT, and NR_ENUM if one of its values is negative */
	bool tail; /* NR_TEXT, NR_ARRAY: data[], whose count is in the payload, see nr_layout.len */
	uint32_t off;	 /* bits from the start of the struct around it */
	uint32_t bits;	 /* of the whole field; 3 for a bit-field of 3 bits, 0 for a tail */
	uint32_t count;	 /* NR_TEXT, NR_BYTES, NR_ARRAY: elements */
	uint32_t stride; /* of the same: bits from one element to the next */
	unsigned n_kids;
	struct nr_field *kids; /* NR_STRUCT: members, by offset; NR_ARRAY: one, the element */
	unsigned n_values;
	/* NR_ENUM: by value, equal ones in the order of their declarations. */
	struct nr_enum_value *values;

	/* What makes CTF place the field at its offset (align.c), bits. */
	uint32_t pad;	   /* explicit padding before the field */
	uint32_t align;	   /* of the field, or of an array's elements */
	uint32_t last_pad; /* NR_STRUCT: explicit padding after the last member */

	/* Of its name among the words of the type. The names of its values have the next numbers. */
	uint32_t word;
};

struct nr_layout {
	struct nr_field root;	     /* NR_STRUCT */
	uint32_t size;		     /* bytes of the payload; with a tail, bytes before it */
	uint32_t end;		     /* bits up to the end of the last field as CTF sees it */
	const struct nr_field *tail; /* the last member if it is data[], else NULL */
	const struct nr_field *len;  /* the member that holds the number of the tail's elements */
	bool cut_enums;		     /* BTF has cut the values of an enum, which became a number */
	uint32_t n_words;	     /* names of fields and of their values */
};

/* The part of a payload from the start of a struct. */
struct nr_part {
	const uint8_t *base; /* of the struct */
	const uint8_t *end;  /* of the payload */
};

/* Extends a value of that many bits to 64. */
uint64_t nr_extend(uint64_t v, unsigned bits, bool is_signed);

/* The value of an NR_UINT, NR_INT, NR_BOOL, NR_ENUM or NR_PTR field whose struct is at base.
 * Extended to 64 bits by its sign. */
uint64_t nr_field_load(const struct nr_field *f, const uint8_t *base);

/* Stores the value of such a field. */
void nr_field_store(const struct nr_field *f, uint8_t *base, uint64_t v);

/* The first of an enum's values that is v; NULL: v has no name. */
const struct nr_enum_value *nr_field_value(const struct nr_field *f, uint64_t v);

/* The number of elements in the tail. The payload has at least layout->size bytes. */
static inline uint64_t nr_layout_tail_count(const struct nr_layout *layout, const void *payload)
{
	return nr_field_load(layout->len, payload);
}

/* The number of f's elements in the payload. The payload may claim more elements in a tail. */
uint32_t nr_field_count(const struct nr_layout *layout, const struct nr_field *f, struct nr_part s);
/* A field is present if all of it is in the payload, a struct if its first member is present. */
bool nr_field_is_present(const struct nr_layout *layout, const struct nr_field *f,
			 struct nr_part s);

/* The bytes that a payload must have. avail bytes of it are present; if these are too few to tell,
 * the result is larger than avail. */
static inline uint64_t nr_layout_size(const struct nr_layout *layout, const void *payload,
				      uint64_t avail)
{
	uint64_t count;

	if (!layout->tail || avail < layout->size)
		return layout->size;
	count = nr_layout_tail_count(layout, payload);
	if (count > UINT32_MAX)
		return UINT64_MAX;
	return layout->size + count * (layout->tail->stride / 8);
}

/* Finds a field by its path, names joined by dots, and adds the offsets on the way to *base, in bits: those of
 * the structs that hold it. NULL: there is none. */
const struct nr_field *nr_field_find(const struct nr_field *st, const char *path, uint32_t *base);

#endif
