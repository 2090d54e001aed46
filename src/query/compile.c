// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "query.h"

struct compiler {
	struct nr_generator g;
	struct nr_insn *code; /* of one type; room for every comparison */
	unsigned n;
};

static enum nr_load load_of(const struct nr_place *place)
{
	const struct nr_field *f = &place->leaf;
	unsigned is_signed = f->is_signed ? NR_LOAD_S8 - NR_LOAD_8 : 0;

	if (place->is_cpu)
		return NR_LOAD_CPU;
	if (f->kind == NR_TEXT)
		return NR_LOAD_TEXT;
	if (f->kind == NR_FLOAT)
		return NR_LOAD_REAL;
	if (place->in_tail || f->off % 8)
		return NR_LOAD_BITS;
	switch (f->bits) {
	case 8:
		return NR_LOAD_8 + is_signed;
	case 16:
		return NR_LOAD_16 + is_signed;
	case 32:
		return NR_LOAD_32 + is_signed;
	case 64:
		return NR_LOAD_64 + is_signed;
	default:
		return NR_LOAD_BITS;
	}
}

static unsigned add_insn(struct nr_generator *g, const struct nr_place *place,
			 const struct nr_match *match, unsigned yes, unsigned no, bool upward)
{
	struct compiler *c = (struct compiler *)g;
	struct nr_insn *insn = &c->code[c->n];
	struct nr_place *kept;

	(void)upward;
	if (yes == no)
		return yes;
	*insn = (struct nr_insn){
		.load = load_of(place),
		.yes = yes,
		.no = no,
		.offset = place->leaf.off / 8,
		.match = *match,
	};
	if (insn->load < NR_LOAD_REAL && match->n == 1) {
		insn->is_one = true;
		insn->low = match->ranges[0].low;
		insn->span = match->ranges[0].high - match->ranges[0].low;
	}
	if (insn->load >= NR_LOAD_BITS) {
		kept = nr_query_alloc(g->query, sizeof(*kept));
		if (!kept) {
			g->err = -ENOMEM;
			return no;
		}
		*kept = *place;
		insn->place = kept;
	}
	return c->n++;
}

static int compile(struct compiler *c, uint16_t id, struct nr_program *program)
{
	const struct nr_layout *layout = nr_types_layout(c->g.query->types, id);
	struct nr_insn *code;

	c->n = 0;
	c->g.id = id;
	program->size = layout ? layout->size : 0;
	program->entry = nr_generate(&c->g, c->g.query->root);
	if (c->g.err || !c->n)
		return c->g.err;
	code = nr_query_alloc(c->g.query, c->n * sizeof(*code));
	if (!code)
		return -ENOMEM;
	memcpy(code, c->code, c->n * sizeof(*code));
	program->code = code;
	return 0;
}

int nr_compile(struct nr_query *q)
{
	struct compiler c = { .g = { .query = q, .add = add_insn } };
	int err;

	/* A comparison has a token at least. */
	c.code = calloc((size_t)q->n_tokens * NR_MAX_PLACES, sizeof(*c.code));
	q->programs = nr_query_alloc(q, (q->types->n_ids + 1) * sizeof(*q->programs));
	err = c.code && q->programs ? 0 : -ENOMEM;
	for (uint32_t id = 0; !err && id < q->types->n_ids; id++)
		if (nr_types_name(q->types, id))
			err = compile(&c, id, &q->programs[id]);
	if (!err)
		err = compile(&c, NR_NO_TYPE, &q->other);
	free(c.code);
	return err;
}
