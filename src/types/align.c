// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Makes CTF place every field at its offset in BTF.
 *
 * CTF places a field at the next multiple of its alignment, counted from the start of the packet.
 * An array has the alignment of its element, a struct that of its most aligned member. For every
 * field we look for the smallest alignment that leads to the field's offset. A field may only have
 * the alignment A if its struct always starts at a multiple of A; `grant` is the largest power of
 * two for which that is known. If no alignment leads to the offset, explicit padding fills the gap.
 */
#include "align.h"

/* Payloads start at a multiple of 64 bits in the packet; no larger one is known. */
#define PAYLOAD_GRANT 64u

static uint32_t round_up(uint32_t v, uint32_t align)
{
	return (v + align - 1) / align * align;
}

/* The grant at an offset from a place that has one. */
static uint32_t grant_at(uint32_t grant, uint32_t off)
{
	uint32_t low = off & -off;

	return off && low < grant ? low : grant;
}

static uint32_t align_struct(struct nr_field *st, uint32_t grant);

/* Makes elements follow each other at their stride. Returns the bits of an element without the gap.
 */
static uint32_t align_element(struct nr_field *f, uint32_t stride, uint32_t grant);

static uint32_t align_array(struct nr_field *f, uint32_t grant)
{
	uint32_t end = align_element(f->kids, f->stride, grant_at(grant, f->stride));

	f->align = f->kids->align;
	return f->count ? (f->count - 1) * f->stride + end : 0;
}

static uint32_t align_element(struct nr_field *f, uint32_t stride, uint32_t grant)
{
	uint32_t end, align;

	f->align = 8;
	if (f->kind == NR_ARRAY)
		return align_array(f, grant);
	if (f->kind != NR_STRUCT)
		return f->bits;
	end = align_struct(f, grant);
	for (align = f->align; align <= grant; align *= 2)
		if (round_up(end, align) == stride) {
			f->align = align;
			return end;
		}
	f->last_pad = stride - end;
	return stride;
}

/* Places what is inside the field. Sets f->align to the smallest alignment that it needs and *most
 * to the largest that it allows. Returns its bits. */
static uint32_t align_inside(struct nr_field *f, uint32_t grant, uint32_t *most)
{
	const struct nr_field *elem;
	uint32_t end;

	*most = grant;
	switch (f->kind) {
	case NR_STRUCT:
		return align_struct(f, grant);
	case NR_TEXT:
	case NR_BYTES:
		f->align = *most = 8;
		return f->bits;
	case NR_ARRAY:
		end = align_array(f, grant);
		for (elem = f->kids; elem->kind == NR_ARRAY;)
			elem = elem->kids;
		/* A larger alignment would move the elements apart. */
		*most = elem->kind == NR_TEXT || elem->kind == NR_BYTES || elem->kind == NR_STRUCT
				? f->align
				: grant_at(grant, elem->bits);
		return end;
	default:
		f->align = f->off % 8 || f->bits % 8 ? 1 : 8;
		return f->bits;
	}
}

static void spread_align(struct nr_field *f)
{
	for (; f->kind == NR_ARRAY; f = f->kids)
		f->kids->align = f->align;
}

static uint32_t align_field(struct nr_field *f, uint32_t pos, uint32_t grant)
{
	uint32_t most, bits = align_inside(f, grant_at(grant, f->off), &most);

	for (uint32_t align = f->align; align <= most; align *= 2)
		if (round_up(pos, align) == f->off) {
			f->align = align;
			spread_align(f);
			return f->off + bits;
		}
	f->pad = f->off - pos;
	return f->off + bits;
}

static uint32_t align_struct(struct nr_field *st, uint32_t grant)
{
	uint32_t pos = 0;

	st->align = 1;
	for (unsigned i = 0; i < st->n_kids; i++) {
		pos = align_field(&st->kids[i], pos, grant);
		if (st->kids[i].align > st->align)
			st->align = st->kids[i].align;
	}
	return pos;
}

void nr_layout_align(struct nr_layout *layout)
{
	struct nr_field *root = &layout->root;

	layout->end = align_struct(root, PAYLOAD_GRANT);
	if (layout->tail || round_up(layout->end, 64) == round_up(layout->size * 8, 64))
		return;
	root->last_pad = layout->size * 8 - layout->end;
	layout->end = layout->size * 8;
}

static uint32_t element_end(const struct nr_field *f)
{
	const struct nr_field *last;

	if (f->kind == NR_ARRAY)
		return (f->count - 1) * f->stride + element_end(f->kids);
	if (f->kind != NR_STRUCT || f->last_pad)
		return f->bits;
	last = &f->kids[f->n_kids - 1];
	return last->off + element_end(last);
}

uint64_t nr_layout_end(const struct nr_layout *layout, const void *payload)
{
	const struct nr_field *tail = layout->tail;
	uint64_t count;

	if (!tail)
		return layout->end;
	count = nr_layout_tail_count(layout, payload);
	if (!count)
		return tail->off;
	return tail->off + (count - 1) * tail->stride +
	       (tail->kind == NR_TEXT ? 8 : element_end(tail->kids));
}
