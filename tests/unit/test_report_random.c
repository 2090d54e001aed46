// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any object may declare events with the names that reports read, and fields of any kind, and a trace may
 * hold anything: no report fails, and its JSON is valid. Meant for the address sanitizer.
 */
#include <string.h>
#include "report_help.h"
#include "seed.h"

#define EVENTS 400

static struct seed seed;

static const char *some_kind(void)
{
	static const char *const kinds[] = { "u8",  "u16", "u32", "u64",      "s32", "s64",
					     "t16", "t4",  "a6",  "e(A,B,C)", "t40" };

	return kinds[seed_below(&seed, sizeof(kinds) / sizeof(kinds[0]))];
}

/* A type with the fields that the report wants. */
static void add_type(struct story *s, const struct feed_type *t)
{
	char fields[1024] = "";

	for (unsigned i = 0; i < FEED_FIELDS_MAX && t->fields[i]; i++)
		sprintf(fields + strlen(fields), "%s%s:%s", i ? " " : "",
			t->fields[i] + (*t->fields[i] == '?'), some_kind());
	story_type(s, t->name + (*t->name == '?'), fields);
}

/* Small numbers and large ones, text without an end. */
static void some_bytes(unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] =
			seed_below(&seed, 3) ? seed_below(&seed, 4) * !(i % 8) : seed_next(&seed);
}

static void tell(struct story *s, const struct feed_type *types, unsigned n)
{
	uint64_t ts = seed_once_in(&seed, 4) ? seed_next(&seed) / 2 : 1000;

	for (unsigned i = 0; i < EVENTS; i++) {
		const struct feed_type *t = &types[seed_below(&seed, n)];
		unsigned cpu = seed_below(&seed, 4);
		unsigned char bytes[512];

		some_bytes(bytes, sizeof(bytes));
		if (seed_once_in(&seed, 50))
			story_lose(s, cpu, 1 + seed_below(&seed, 9));
		ts += seed_below(&seed, seed_once_in(&seed, 20) ? 1000000000 : 5000);
		story_bytes(s, ts, cpu, t->name + (*t->name == '?'), bytes,
			    seed_once_in(&seed, 5) ? seed_below(&seed, sizeof(bytes))
						   : sizeof(bytes));
	}
	story_end(s, ts);
}

static void test_random(void **state)
{
	const struct report *r;

	(void)state;
	for (unsigned i = 0; (r = report_at(i)); i++) {
		for (unsigned round = 0; round < 20; round++) {
			struct story *s = story_new();
			unsigned n = 0;

			for (; r->events[n].name; n++)
				add_type(s, &r->events[n]);
			story_begin(s, r->name, 0);
			tell(s, r->events, n);
			assert_string_equal(story_string(s, "report"), r->name);
			assert_true(*story_text(s));
			story_free(s);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

	seed.state = seed_first("report_random");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
