// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests.h"
#include "query.h"

/* More than fit, so that it shows. */
#define ROOM 128

/* The longest text that is tested, bytes. */
#define MAX_TEXT 64

/* Of a target of a jump: a comparison on the way there is left out. */
#define LEFT_OUT 0x10000u

struct translator {
	struct nr_generator g;
	struct nr_test tests[ROOM]; /* from the last to the first */
	bool is_part[ROOM]; /* it is weaker than its comparison, or one behind it is left out */
	unsigned n;
	unsigned comparisons; /* so far, from the last to the first */
	unsigned skip;	      /* comparisons at the end of the expression that are left out */
};

/* A test of one range of an integer. False: BPF programs cannot do it. */
static bool test_of_integer(struct nr_test *test, const struct nr_place *place)
{
	const struct nr_field *f = &place->leaf;
	uint32_t offset = f->off / 8, size = f->bits / 8;

	*test = (struct nr_test){ .what = NR_TEST_CPU, .mask = UINT64_MAX };
	if (place->is_cpu)
		return true;
	*test = (struct nr_test){
		.what = NR_TEST_FIELD,
		.mask = UINT64_MAX,
		.offset = offset,
		.size = size,
		.bias = f->is_signed,
	};
	return nr_field_is_integer(f) && !place->in_tail && offset <= UINT16_MAX &&
	       f->off % 8 == 0 &&
	       (f->bits == 8 || f->bits == 16 || f->bits == 32 || f->bits == 64) &&
	       offset % size == 0;
}

static uint8_t number_of(unsigned target)
{
	return target & ~LEFT_OUT; /* of NR_ACCEPT and NR_REJECT: NR_TEST_ACCEPT, NR_TEST_REJECT */
}

static unsigned push(struct translator *t, const struct nr_test *test, unsigned yes, unsigned no)
{
	if ((yes | LEFT_OUT) == (no | LEFT_OUT))
		return yes | no;
	if (t->n == ROOM)
		return no; /* too many already */
	t->tests[t->n] = *test;
	t->tests[t->n].yes = number_of(yes);
	t->tests[t->n].no = number_of(no);
	t->is_part[t->n] = (yes | no) & LEFT_OUT;
	return t->n++;
}

static unsigned push_ranges(struct translator *t, const struct nr_test *test,
			    const struct nr_match *match, unsigned yes, unsigned no)
{
	for (unsigned i = match->n; i--;) {
		struct nr_test one = *test;

		one.low = match->ranges[i].low;
		one.high = match->ranges[i].high;
		no = push(t, &one, yes, no);
	}
	return no;
}

/* ---- texts ---- */

/* The largest aligned word at the offset that is not larger than needed by far, and lies in the
 * payload. */
static uint32_t word_size(uint32_t offset, uint32_t left, uint32_t end)
{
	uint32_t size = 8;

	while (size > 1 && (offset % size || offset + size > end || size / 2 >= left))
		size /= 2;
	return size;
}

/* A test of the first bytes of one word. */
static struct nr_test test_of_word(const char *bytes, uint32_t n, uint32_t offset, uint32_t size)
{
	struct nr_test test = { .what = NR_TEST_FIELD, .offset = offset, .size = size };
	uint8_t value[8] = {}, mask[8] = {};
	uint64_t v64, m64;
	uint32_t v32, m32;
	uint16_t v16, m16;

	memcpy(value, bytes, n);
	memset(mask, 0xff, n);
	memcpy(&v64, value, 8);
	memcpy(&m64, mask, 8);
	memcpy(&v32, value, 4);
	memcpy(&m32, mask, 4);
	memcpy(&v16, value, 2);
	memcpy(&m16, mask, 2);
	test.low = size == 8 ? v64 : size == 4 ? v32 : size == 2 ? v16 : value[0];
	test.mask = size == 8 ? m64 : size == 4 ? m32 : size == 2 ? m16 : mask[0];
	test.high = test.low;
	return test;
}

/* All of the first n bytes of the field are these. */
static unsigned push_bytes(struct translator *t, const struct nr_place *place, const char *bytes,
			   uint32_t n, unsigned yes, unsigned no)
{
	uint32_t offset = place->leaf.off / 8, size;
	struct nr_test words[MAX_TEXT];
	unsigned n_words = 0;

	for (uint32_t i = 0; i < n && n_words < MAX_TEXT; i += size, n_words++) {
		uint32_t left = n - i;

		size = word_size(offset + i, left, place->layout->size);
		words[n_words] =
			test_of_word(bytes + i, left < size ? left : size, offset + i, size);
	}
	for (unsigned i = n_words; i--;)
		yes = push(t, &words[i], yes, no);
	return yes;
}

/* Bytes from the start of the field that decide, or help to decide, whether it is the text. With
 * the 0 byte after a whole text, if there is room for it. */
static uint32_t telling_bytes(const struct nr_place *place, const struct nr_text *text)
{
	if (text->is_glob)
		return text->n_prefix;
	return text->n_bytes < place->leaf.count ? text->n_bytes + 1 : text->n_bytes;
}

/* Do the tests of its bytes say all about the text? */
static bool is_exact(const struct nr_match *match)
{
	for (unsigned i = 0; i < match->n; i++)
		if (match->texts[i]->is_glob && !match->texts[i]->is_prefix)
			return false;
	return true;
}

static bool has_telling_bytes(const struct nr_place *place, const struct nr_match *match)
{
	for (unsigned i = 0; i < match->n; i++) {
		uint32_t n = telling_bytes(place, match->texts[i]);

		if (!n || n > MAX_TEXT || place->leaf.off / 8 + n > UINT16_MAX)
			return false;
	}
	return !place->in_tail && !place->leaf.tail && place->leaf.off % 8 == 0;
}

static unsigned push_texts(struct translator *t, const struct nr_place *place,
			   const struct nr_match *match, unsigned yes, unsigned no)
{
	unsigned before = t->n;

	for (unsigned i = match->n; i--;)
		no = push_bytes(t, place, match->texts[i]->bytes,
				telling_bytes(place, match->texts[i]), yes, no);
	for (unsigned i = before; !is_exact(match) && i < t->n; i++)
		t->is_part[i] = true;
	return no;
}

/* ---- the expression ---- */

/* A comparison that is left out is taken as what makes the expression accept more. */
static unsigned leave_out(unsigned yes, unsigned no, bool upward)
{
	return (upward ? yes : no) | LEFT_OUT;
}

/* Returns where the tests of the comparison begin. */
static unsigned push_comparison(struct translator *t, const struct nr_place *place,
				const struct nr_match *match, unsigned yes, unsigned no,
				bool upward)
{
	struct nr_test test;

	if (place->leaf.kind == NR_TEXT) {
		if (!has_telling_bytes(place, match) || (!upward && !is_exact(match)))
			return leave_out(yes, no, upward);
		return push_texts(t, place, match, yes, no);
	}
	if (!test_of_integer(&test, place))
		return leave_out(yes, no, upward);
	return push_ranges(t, &test, match, yes, no);
}

/* A comparison that takes more tests than there are is left out, so that others have room. */
static unsigned add_tests(struct nr_generator *g, const struct nr_place *place,
			  const struct nr_match *match, unsigned yes, unsigned no, bool upward)
{
	struct translator *t = (struct translator *)g;
	unsigned before = t->n, at;

	if (t->comparisons++ < t->skip)
		return leave_out(yes, no, upward);
	at = push_comparison(t, place, match, yes, no, upward);
	if (t->n - before <= NR_FILTER_TESTS)
		return at;
	t->n = before;
	return leave_out(yes, no, upward);
}

/* Writes what can be reached from the entry, from the first to the last. Returns how many tests
 * that are; more than there is room for are not written. */
static unsigned write_tests(const struct translator *t, unsigned entry, struct nr_test *tests,
			    bool *is_part)
{
	bool used[ROOM] = {};
	uint8_t place[256];
	unsigned n = 0;

	place[NR_TEST_ACCEPT] = NR_TEST_ACCEPT;
	place[NR_TEST_REJECT] = NR_TEST_REJECT;
	used[entry] = true;
	for (unsigned i = entry + 1; i--;) {
		if (!used[i])
			continue;
		place[i] = n++;
		*is_part |= t->is_part[i];
		if (t->tests[i].yes < ROOM)
			used[t->tests[i].yes] = true;
		if (t->tests[i].no < ROOM)
			used[t->tests[i].no] = true;
	}
	for (unsigned i = 0; n <= NR_FILTER_TESTS && i <= entry; i++) {
		if (!used[i])
			continue;
		tests[place[i]] = t->tests[i];
		tests[place[i]].yes = place[t->tests[i].yes];
		tests[place[i]].no = place[t->tests[i].no];
	}
	return n;
}

static void reject_all(struct nr_test *test)
{
	*test = (struct nr_test){
		.what = NR_TEST_CPU,
		.low = 1,
		.yes = NR_TEST_REJECT,
		.no = NR_TEST_REJECT,
	};
}

/* False: too many tests. */
static bool translate(struct translator *t, struct nr_test *tests, enum nr_tests_part *part)
{
	struct nr_block *before = t->g.query->blocks;
	unsigned entry;
	bool is_part;

	t->n = 0;
	t->comparisons = 0;
	entry = nr_generate(&t->g, t->g.query->root);
	nr_query_free_after(t->g.query, before);
	memset(tests, 0, NR_FILTER_TESTS * sizeof(*tests));
	is_part = entry & LEFT_OUT && (entry & ~LEFT_OUT) != NR_REJECT;
	entry &= ~LEFT_OUT;
	if (entry == NR_REJECT)
		reject_all(tests);
	else if (entry != NR_ACCEPT &&
		 (t->n == ROOM || write_tests(t, entry, tests, &is_part) > NR_FILTER_TESTS))
		return false;
	*part = !is_part ? NR_TESTS_ALL : entry == NR_ACCEPT ? NR_TESTS_NONE : NR_TESTS_SOME;
	return true;
}

enum nr_tests_part nr_query_tests(const struct nr_query *query, uint16_t id,
				  struct nr_test tests[NR_FILTER_TESTS])
{
	struct translator t = {
		.g = { .query = (struct nr_query *)query, .id = id, .add = add_tests },
	};
	enum nr_tests_part part = NR_TESTS_NONE;
	bool fits = translate(&t, tests, &part);

	while (!fits) {
		t.skip += 1 + t.comparisons / 16;
		fits = translate(&t, tests, &part);
	}
	return part;
}

bool nr_query_is_false(const struct nr_query *q, uint16_t id)
{
	return !nr_types_name(q->types, id) || q->programs[id].entry == NR_REJECT;
}

const char *nr_query_cgroup(const struct nr_query *query)
{
	return query->cgroup;
}
