// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "irq" about made-up interrupts. */
#include <string.h>
#include "report_help.h"
#include "seed.h"

#define MS 1000000ull

static struct story *begin(bool with_sched)
{
	struct story *s = story_new();

	story_type(s, "hardirq", "duration_ns:u64 irq:u32 name:t24");
	story_type(s, "softirq", "duration_ns:u64 vector:e(HI,TIMER,NET_TX,NET_RX)");
	if (with_sched)
		story_type(s, "sched_switch", "next_pid:s32 next_comm:t16");
	story_begin(s, "irq", 0);
	return s;
}

static void test_flood(void **state)
{
	struct story *s = begin(true);

	(void)state;
	story_event(s, 0, 1, "sched_switch", 77LL, "victim");
	for (unsigned i = 0; i < 100; i++) {
		/* 1 ms within the 4 ms of the softirq around it */
		story_event(s, i * 10 * MS + 3 * MS, 1, "hardirq", 1 * MS, 24LL, "eth0");
		story_event(s, i * 10 * MS + 5 * MS, 1, "softirq", 4 * MS, 3LL);
		story_event(s, i * 10 * MS + 6 * MS, 0, "softirq", 1000LL, 1LL);
	}
	story_event(s, 999 * MS, 0, "softirq", 9 * MS, 1LL);
	story_end(s, 1000 * MS);
	assert_contains(story_string(s, "verdict"),
			"irq: CPU 1 spent 40.0 % of its time in interrupts, most of it in softirq "
			"NET_RX (40.0 %); no CPU spent more. The longest one took 9.00 ms: softirq "
			"TIMER on CPU 0.");
	assert_int_equal(story_number(s, "cpus.0.sum_ns"), 400 * MS);
	assert_string_equal(story_string(s, "interrupts.0.name"), "NET_RX");
	assert_int_equal(story_number(s, "interrupts.1.took.n"), 100);
	assert_string_equal(story_string(s, "interrupted.0.name"), "victim");
	assert_int_equal(story_number(s, "worst.0.tid"), -1);
	assert_int_equal(story_number(s, "worst.1.tid"), 77);
	story_free(s);
}

static void test_few(void **state)
{
	struct story *s = begin(false);

	(void)state;
	story_event(s, 10 * MS, 0, "hardirq", 1 * MS, 24LL, "timer");
	story_end(s, 1000 * MS);
	assert_contains(story_string(s, "verdict"),
			"irq: CPU 0 spent only 0.1 % of its time in interrupts");
	assert_contains(story_text(s), "not recorded");
	story_free(s);
}

/* Interrupts that took no time are those of no CPU in particular. */
static void test_no_time(void **state)
{
	struct story *s = begin(true);

	(void)state;
	story_event(s, 1 * MS, 0, "sched_switch", 77LL, "victim");
	story_event(s, 10 * MS, 1, "hardirq", 0LL, 24LL, "timer");
	story_end(s, 1000 * MS);
	assert_contains(story_string(s, "verdict"),
			"irq: CPU 0 spent only 0.0 % of its time in interrupts; no CPU spent more. "
			"The longest one took 0 ns: hardirq timer on CPU 1.");
	story_free(s);
}

/* The share of a CPU is that of the union of its intervals: against a count of every tick. */
static void test_union(void **state)
{
	struct seed seed = { seed_first("irq") };

	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		struct story *s = begin(false);
		bool busy[1000] = {};
		uint64_t begins[8], ts = 0;
		unsigned open = 0, sum = 0;

		while (ts < 980) {
			ts += 1 + seed_below(&seed, 3);
			if (open < 8 && (!open || seed_below(&seed, 2))) {
				begins[open++] = ts;
				continue;
			}
			open--;
			story_event(s, ts, 0, "softirq", (long long)(ts - begins[open]), 1LL);
			memset(busy + begins[open], 1, ts - begins[open]);
		}
		for (unsigned i = 0; i < 1000; i++)
			sum += busy[i];
		story_end(s, 1000);
		assert_int_equal(story_number(s, "cpus.0.sum_ns"), sum);
		story_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_no_time),
		cmocka_unit_test(test_union),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
