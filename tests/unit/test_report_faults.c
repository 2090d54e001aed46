// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "faults" about made-up faults, stalls and migrations. */
#include <string.h>
#include "report_help.h"

#define MS 1000000ull

static struct story *begin(void)
{
	struct story *s = story_new();

	story_type(s, "page_fault", "address:u64 ip:u64 pid:u32 tid:u32 user:u8 write:u8 comm:t16");
	story_type(s, "memory_reclaim",
		   "duration_ns:u64 reclaimed:u64 order:u32 pid:u32 tid:u32 kind:e(DIRECT,MEMCG) "
		   "comm:t16");
	story_type(s, "memory_compact",
		   "duration_ns:u64 status:e(SKIPPED,COMPLETE) pid:u32 tid:u32 comm:t16");
	story_type(s, "memory_migrate",
		   "succeeded:u64 failed:u64 reason:e(COMPACTION,NUMA_MISPLACED) pid:u32 tid:u32 "
		   "comm:t16");
	story_type(s, "numa_move",
		   "pid:s32 tgid:u32 from_node:s32 to_node:s32 kind:e(MOVE,SWAP,STICK) comm:t16");
	story_begin(s, "faults", 0);
	return s;
}

static void fault(struct story *s, uint64_t ts, const char *comm, long long pid)
{
	story_event(s, ts, 0, "page_fault", 0LL, 0LL, pid, pid, 1LL, 0LL, comm);
}

static void test_stalls(void **state)
{
	struct story *s = begin();

	(void)state;
	for (unsigned i = 0; i < 90; i++)
		fault(s, i, "cc1", 33);
	for (unsigned i = 0; i < 10; i++)
		fault(s, 100 + i, "cat", 34);
	story_event(s, 50 * MS, 0, "memory_reclaim", 8 * MS, 32LL, 2LL, 5LL, 6LL, 1LL, "hungry");
	story_event(s, 60 * MS, 0, "memory_compact", 9 * MS, 1LL, 7LL, 4194303LL,
		    "elasticsearch[x");
	story_event(s, 60 * MS, 0, "memory_compact", 0LL, 1LL, 7LL, 8LL, "unknown");
	story_end(s, 1000 * MS);
	assert_contains(
		story_string(s, "verdict"),
		"faults: elasticsearch[x:4194303 waited 9.00 ms in compaction (COMPLETE); 2 "
		"stalls took 17.0 ms in all. 100 page faults, 100 per second; most are of cc1:33 "
		"(90 %).");
	assert_contains(story_text(s), "elasticsearch[x:4194303 compaction      COMPLETE\n");
	assert_contains(story_text(s),
			"hungry:6                direct reclaim  MEMCG, order 2, 32 pages "
			"freed\n");
	assert_int_equal(story_number(s, "worst.1.duration_ns"), 8 * MS);
	assert_int_equal(story_number(s, "worst.1.reclaimed"), 32);
	assert_int_equal(story_number(s, "faults"), 100);
	assert_int_equal(story_number(s, "processes.1.faults"), 10);
	story_free(s);
}

static void test_numa(void **state)
{
	struct story *s = begin();

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		story_event(s, i, 0, "numa_move", 5LL, 5LL, 0LL, 1LL, i == 2 ? 2LL : 0LL, "db");
	story_event(s, 4, 0, "memory_migrate", 500LL, 2LL, 1LL, 5LL, 5LL, "db");
	story_end(s, 1000 * MS);
	assert_contains(story_string(s, "verdict"),
			"faults: no task waited for memory. 500 pages migrated, 2 tasks "
			"moved by NUMA balancing.");
	assert_int_equal(story_number(s, "moves.0.n"), 2);
	assert_string_equal(story_string(s, "moves.1.kind"), "STICK");
	assert_int_equal(story_number(s, "migrations.0.failed"), 2);
	story_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stalls),
		cmocka_unit_test(test_numa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
