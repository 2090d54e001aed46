// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "query.h"

#define BIAS (1ull << 63)

/* ---- tails, bit-fields, texts, floating point ---- */

/* Is the element of the tail there? */
static bool is_present(const struct nr_place *place, const struct nr_event *ev)
{
	const struct nr_layout *layout = place->layout;
	uint64_t end = layout->size + (place->tail_index + 1ull) * (layout->tail->stride / 8);

	return end <= ev->size && place->tail_index < nr_layout_tail_count(layout, ev->data);
}

static bool text_matches(const struct nr_insn *insn, const struct nr_event *ev)
{
	const struct nr_place *place = insn->place;
	const char *text = (const char *)ev->data + insn->offset;
	size_t n = place->leaf.count;

	if (place->leaf.tail) {
		uint64_t said = nr_layout_tail_count(place->layout, ev->data);

		n = ev->size - place->layout->size;
		n = said < n ? said : n;
	}
	n = strnlen(text, n);
	for (unsigned i = 0; i < insn->match.n; i++)
		if (nr_text_matches(insn->match.texts[i], text, n))
			return true;
	return false;
}

static bool is_in_reals(const struct nr_real_range *r, double value)
{
	return (r->low_open ? value > r->low : value >= r->low) &&
	       (r->high_open ? value < r->high : value <= r->high);
}

static bool real_matches(const struct nr_insn *insn, const uint8_t *p)
{
	double value;
	float narrow;

	if (insn->place->leaf.bits == 32) {
		memcpy(&narrow, p, sizeof(narrow));
		value = narrow;
	} else {
		memcpy(&value, p, sizeof(value));
	}
	for (unsigned i = 0; i < insn->match.n; i++)
		if (is_in_reals(&insn->match.reals[i], value))
			return true;
	return false;
}

static uint64_t load_bits(const struct nr_place *place, const struct nr_event *ev)
{
	return nr_field_load(&place->leaf, ev->data) + (place->leaf.is_signed ? BIAS : 0);
}

/* ---- integers ---- */

static bool is_in_ranges(const struct nr_match *match, uint64_t value)
{
	unsigned low = 0, high = match->n;

	while (low < high) { /* the first range that does not end before the value */
		unsigned mid = (low + high) / 2;

		if (match->ranges[mid].high < value)
			low = mid + 1;
		else
			high = mid;
	}
	return low < match->n && match->ranges[low].low <= value;
}

#define LOAD(type, p)                                                                              \
	({                                                                                         \
		type v_;                                                                           \
		memcpy(&v_, (p), sizeof(v_));                                                      \
		v_;                                                                                \
	})

static inline bool insn_matches(const struct nr_insn *insn, const struct nr_event *ev)
{
	const uint8_t *p = (const uint8_t *)ev->data + insn->offset;
	uint64_t value;

	if (insn->place && insn->place->in_tail && !is_present(insn->place, ev))
		return false;
	switch (insn->load) {
	case NR_LOAD_8:
		value = *p;
		break;
	case NR_LOAD_16:
		value = LOAD(uint16_t, p);
		break;
	case NR_LOAD_32:
		value = LOAD(uint32_t, p);
		break;
	case NR_LOAD_64:
		value = LOAD(uint64_t, p);
		break;
	case NR_LOAD_S8:
		value = (uint64_t)(int8_t)*p + BIAS;
		break;
	case NR_LOAD_S16:
		value = (uint64_t)LOAD(int16_t, p) + BIAS;
		break;
	case NR_LOAD_S32:
		value = (uint64_t)LOAD(int32_t, p) + BIAS;
		break;
	case NR_LOAD_S64:
		value = LOAD(uint64_t, p) + BIAS;
		break;
	case NR_LOAD_CPU:
		value = ev->rec->cpu;
		break;
	case NR_LOAD_BITS:
		value = load_bits(insn->place, ev);
		break;
	case NR_LOAD_REAL:
		return real_matches(insn, p);
	default:
		return text_matches(insn, ev);
	}
	return insn->is_one ? value - insn->low <= insn->span : is_in_ranges(&insn->match, value);
}

bool nr_run(const struct nr_program *program, const struct nr_event *ev)
{
	uint32_t at = program->entry;

	while (at < NR_REJECT) {
		const struct nr_insn *insn = &program->code[at];

		at = insn_matches(insn, ev) ? insn->yes : insn->no;
	}
	return at == NR_ACCEPT;
}
