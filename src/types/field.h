/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a payload looks like: a tree of fields.
 *
 * typedefs and qualifiers are resolved and members of anonymous structs belong to the struct around
 * them. Everything that reads or describes payloads works from here and never looks at BTF again.
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
	NR_BYTES, /* a union, or a number no trace format knows (128 bits, long double) */
	NR_STRUCT,
	NR_ARRAY,
};

struct nr_enum_value {
	uint64_t value; /* extended to 64 bits by the sign of the enum */
	char *name;
};

struct nr_field {
	char *name; /* NULL for the element of an array */
	size_t name_len;
	enum nr_kind kind;
	bool is_signed;	 /* NR_INT, and NR_ENUM if one of its values is negative */
	bool tail;	 /* NR_TEXT, NR_ARRAY: data[]; count is in the payload, see nr_layout.len */
	uint32_t off;	 /* bits from the start of the struct around it */
	uint32_t bits;	 /* of the whole field, 3 for a bit-field of 3, 0 for a tail */
	uint32_t count;	 /* NR_TEXT, NR_BYTES, NR_ARRAY: elements */
	uint32_t stride; /* and bits from one to the next */
	unsigned n_kids;
	struct nr_field *kids; /* NR_STRUCT: members, by offset; NR_ARRAY: one, the element */
	unsigned n_values;
	struct nr_enum_value
		*values; /* NR_ENUM: by value; of equal ones the first declared first */

	/* How CTF's rule of alignment is made to land on the offset (align.c), in bits. */
	uint32_t pad;	   /* explicit padding before the field */
	uint32_t align;	   /* of the field, of its elements if it is an array */
	uint32_t last_pad; /* NR_STRUCT: explicit padding behind the last member */
};

struct nr_layout {
	struct nr_field root;	     /* NR_STRUCT */
	uint32_t size;		     /* bytes of payload; with a tail: bytes before it */
	uint32_t end;		     /* bits up to the end of the last field as CTF sees it */
	const struct nr_field *tail; /* the last member, if it is data[]; else NULL */
	const struct nr_field *len;  /* the member that counts the elements of tail */
	bool cut_enums;		     /* enums whose values BTF does not have: numbers here */
};

/* A value of so many bits as one of 64. */
uint64_t nr_extend(uint64_t v, unsigned bits, bool is_signed);

/* Value of a UINT, INT, BOOL, ENUM or PTR field whose struct is at base; sign-extended. */
uint64_t nr_field_load(const struct nr_field *f, const uint8_t *base);

/* Elements in the tail of a payload of at least layout->size bytes. */
static inline uint64_t nr_layout_tail_count(const struct nr_layout *layout, const void *payload)
{
	return nr_field_load(layout->len, payload);
}

/* Bytes a payload must have of which avail are there; more than avail if it is too short to tell.
 */
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

#endif
