// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "diff" about two made-up traces. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include "report/diff.h"
#include "report_help.h"
#include "seed.h"

#define SECOND 1000000000ull

static struct seed seed;

static double uniform(void)
{
	return (double)(seed_next(&seed) >> 11) / (1ull << 53);
}

/* 5 us at least, with a long tail. */
static long long some_ns(double factor)
{
	return factor * (5000 - 20000 * log(1 - uniform()));
}

/* A diff of two stories. */
struct two {
	struct diff diff;
	struct story *s[2];
	struct teller {
		struct diff *diff;
		unsigned i;
	} to[2];
	json_t *json;
	char *text;
};

static void tell(void *ctx, const struct nr_event *ev)
{
	const struct teller *to = ctx;

	diff_event(to->diff, to->i, ev, true);
}

/* calls: the names of calls by number, which differ between machines. */
static void begin(struct two *t, const char *calls_a, const char *calls_b, const char *kind)
{
	struct diff_trace traces[2];

	*t = (struct two){};
	for (unsigned i = 0; i < 2; i++) {
		char fields[128];

		snprintf(fields, sizeof(fields), "duration_ns:u64 nr:%s", i ? calls_b : calls_a);
		t->s[i] = story_new();
		story_type(t->s[i], "sys_exit", fields);
		story_type(t->s[i], "page_fault", "tid:u32 comm:t16");
		if (!i)
			story_type(t->s[i], "softirq", "duration_ns:u64 vector:e(HI,TIMER)");
		t->to[i] = (struct teller){ &t->diff, i };
		story_tell(t->s[i], tell, &t->to[i]);
		traces[i] = (struct diff_trace){ story_types(t->s[i]), i * SECOND,
						 i * SECOND + 2 * SECOND };
	}
	assert_int_equal(diff_open(&t->diff, traces, kind), 0);
}

/* n calls at random times of the 2 s, in order. */
static void calls(struct two *t, unsigned i, long long nr, unsigned n, double factor)
{
	uint64_t step = 2 * SECOND / n;

	for (unsigned k = 0; k < n; k++)
		story_event(t->s[i], i * SECOND + k * step + seed_below(&seed, step), 0, "sys_exit",
			    some_ns(factor), nr);
}

static void end(struct two *t)
{
	size_t size;
	FILE *out = open_memstream(&t->text, &size);

	diff_compare(&t->diff);
	diff_print(&t->diff, out, 10);
	fclose(out);
	t->json = diff_json(&t->diff);
	assert_non_null(t->json);
}

static void finish(struct two *t)
{
	json_decref(t->json);
	free(t->text);
	diff_close(&t->diff);
	for (unsigned i = 0; i < 2; i++)
		story_free(t->s[i]);
}

/* The row of a name. */
static json_t *row(const struct two *t, const char *name)
{
	json_t *r;
	size_t i;

	json_array_foreach(
		json_object_get(t->json, "rows"), i,
		r) if (!strcmp(json_string_value(json_object_get(r, "name")), name)) return r;
	fail_msg("no row %s", name);
	return NULL;
}

static json_t *get(const struct two *t, const char *name, const char *of, const char *key)
{
	return json_object_get(json_object_get(row(t, name), of), key);
}

/* Two traces of the same 24 calls. Without an adjustment for their number, almost every round would find
 * a change; 1 in 20 may find one by chance. */
static void test_same(void **state)
{
	static const char names[] = "e(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x)";
	unsigned found = 0;

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		struct two t;

		begin(&t, names, names, NULL);
		for (unsigned i = 0; i < 2; i++)
			for (unsigned nr = 0; nr < 24; nr++)
				calls(&t, i, nr, 60, 1 + nr);
		end(&t);
		found += t.diff.took || t.diff.tails || t.diff.rates;
		finish(&t);
	}
	assert_in_range(found, 0, 12); /* 3 are expected; 12 is 5 standard deviations more */
}

/* One of three calls takes 20 % longer. Numbers differ, and names tell. */
static void test_shifted(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		struct two t;

		begin(&t, "e(read,write,open)", "e(open,read,write)", NULL);
		for (unsigned nr = 0; nr < 3; nr++) {
			calls(&t, 0, nr, 4000, 1 + nr);
			calls(&t, 1, (nr + 1) % 3, 4000, nr == 1 ? 2.4 : 1 + nr);
		}
		end(&t);
		assert_true(json_is_true(get(&t, "write", "duration", "changed")));
		assert_float_equal(json_real_value(get(&t, "write", "duration", "ratio")), 1.2,
				   0.12);
		assert_true(json_is_false(get(&t, "read", "duration", "changed")));
		assert_true(json_is_false(get(&t, "open", "duration", "changed")));
		assert_contains(t.text, "diff: of 3 distributions, 1 changed as a whole, and ");
		assert_contains(t.text, "largest change: syscalls write took 1.");
		finish(&t);
	}
}

static void test_rates(void **state)
{
	struct two t;

	(void)state;
	begin(&t, "e(read,write,open)", "e(read,write,open)", NULL);
	calls(&t, 0, 0, 2000, 1);
	calls(&t, 1, 0, 3000, 1);
	calls(&t, 1, 1, 500, 1);
	calls(&t, 0, 2, 10, 1);
	calls(&t, 1, 2, 10, 1);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = 0; k < 2000; k++)
			story_event(t.s[i], i * SECOND + k * 1000000, 1, "page_fault", 1LL, "task");
	end(&t);
	assert_int_equal(t.diff.rates, 2);
	assert_int_equal(t.diff.took, 0);
	assert_float_equal(json_real_value(get(&t, "read", "rate", "ratio")), 1.5, 1e-9);
	assert_true(json_is_null(get(&t, "write", "rate", "ratio")));
	assert_float_equal(json_real_value(get(&t, "write", "b", "per_s")), 250, 1e-9);
	assert_float_equal(json_real_value(get(&t, "fault task", "a", "per_s")), 1000, 1e-9);
	assert_true(json_is_null(json_object_get(row(&t, "open"), "duration")));
	assert_contains(t.text, "1.50");
	assert_contains(t.text, "   new");
	assert_contains(t.text,
			"2 names with fewer than 20 durations in a trace were not compared.");
	assert_contains(t.text, "Only one of the traces has the events for: irq.");
	finish(&t);
}

/* A table that is cut says so. */
static void test_more(void **state)
{
	static const char names[] = "e(a,b,c,d,e,f,g,h,i,j,k,l)";
	struct two t;

	(void)state;
	begin(&t, names, names, NULL);
	for (unsigned nr = 0; nr < 12; nr++) {
		calls(&t, 0, nr, 400, 1);
		calls(&t, 1, nr, 400, 3);
	}
	end(&t);
	assert_int_equal(t.diff.took, 12);
	assert_contains(t.text, "\nand 2 more\n");
	finish(&t);
}

static void test_kind(void **state)
{
	struct two t;

	(void)state;
	begin(&t, "e(read)", "e(read)", "faults");
	calls(&t, 0, 0, 100, 1);
	calls(&t, 1, 0, 100, 1);
	story_event(t.s[0], SECOND, 1, "page_fault", 1LL, "task");
	story_lose(t.s[0], 1, 7);
	story_event(t.s[0], SECOND, 1, "page_fault", 1LL, "task");
	story_lose(t.s[0], 1, -3); /* in the order, a record may step back */
	story_event(t.s[0], SECOND, 1, "page_fault", 1LL, "task");
	story_lose(t.s[0], 1, 3);
	story_event(t.s[0], SECOND, 1, "page_fault", 1LL, "task");
	end(&t);
	assert_int_equal(json_array_size(json_object_get(t.json, "rows")), 1);
	assert_contains(t.text, "A lost 7 records, B lost 0 records");
	finish(&t);
	assert_true(diff_knows("io") && !diff_knows("weather"));
	assert_string_equal(diff_kinds(), "offcpu, runq, syscalls, irq, io, net, faults");
}

static void test_nothing(void **state)
{
	struct story *s = story_new();
	struct diff_trace traces[2];
	struct diff d;

	(void)state;
	story_type(s, "other", "x:u64");
	traces[0] = traces[1] = (struct diff_trace){ story_types(s), 0, SECOND };
	assert_int_equal(diff_open(&d, traces, NULL), -ENOENT);
	story_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same), cmocka_unit_test(test_shifted),
		cmocka_unit_test(test_more), cmocka_unit_test(test_rates),
		cmocka_unit_test(test_kind), cmocka_unit_test(test_nothing),
	};

	seed.state = seed_first("diff");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
