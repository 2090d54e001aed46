// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "io" about made-up requests. */
#include <string.h>
#include "report_help.h"
#include "seed.h"

#define MS	    1000000ull
#define vda_MINOR   0LL
#define vdb_MINOR   1LL
#define loop0_MINOR 2LL

static struct story *begin_filtered(const char *filter)
{
	struct story *s = story_new();

	story_type(
		s, "block_complete",
		"major:u32 minor:u32 device:t16 op:e(READ,WRITE,FLUSH) bytes:u32 sector:u64 "
		"latency_ns:u64 "
		"queue_ns:u64 error:e(OK,EPERM,ENOENT,ESRCH,EINTR,EIO) pid:u32 tid:u32 comm:t16");
	story_type(
		s, "block_issue",
		"major:u32 minor:u32 device:t16 op:e(READ,WRITE,FLUSH) sector:u64 pid:u32 tid:u32 "
		"comm:t16");
	story_begin_filtered(s, "io", 0, filter);
	return s;
}

static struct story *begin(void)
{
	return begin_filtered(NULL);
}

/* 100 fast requests of one device, and 12 slow ones of another, which waited in the device. */
static void test_slow(void **state)
{
	struct story *s = begin();
	uint64_t ts = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		story_event(s, ts += MS, 0, "block_complete", 7LL, vda_MINOR, "vda", 0LL, 4096LL,
			    8LL, 200000LL, 10000LL, 0LL, 5LL, 5LL, "cat");
	for (unsigned i = 0; i < 12; i++)
		story_event(s, ts += 50 * MS, 0, "block_complete", 7LL, loop0_MINOR, "loop0", 1LL,
			    8192LL, 16LL, 40 * MS + i, 1000LL, i == 3 ? 5LL : 0LL, 7LL, 7LL, "dd");
	story_end(s, 1000 * MS);
	assert_contains(story_string(s, "verdict"),
			"io: loop0 is slow: 99 % of its 12 requests took up to 40.0 ms, "
			"and 12 requests took longer than 10.0 ms, all of dd; 100 % of "
			"the time was spent in the device; 1 request failed.");
	assert_int_equal(story_number(s, "worst.0.duration_ns"), 40 * MS + 11 + 1000);
	assert_int_equal(story_number(s, "worst.0.device_ns"), 40 * MS + 11);
	assert_string_equal(story_string(s, "worst.0.comm"), "dd");
	assert_int_equal(story_number(s, "worst.0.begin_ns"), 700 * MS - 40 * MS - 11 - 1000);
	assert_string_equal(story_string(s, "worst.8.error"), "EIO");
	assert_string_equal(story_string(s, "devices.0.device"), "loop0");
	assert_int_equal(story_number(s, "devices.1.requests"), 100);
	assert_int_equal(story_number(s, "devices.1.bytes"), 409600);
	assert_int_equal(story_number(s, "devices.0.slow"), 12);
	story_free(s);
}

/* What waits in the queue is not the device's time. */
static void test_queue(void **state)
{
	struct story *s = begin();

	(void)state;
	story_event(s, 100 * MS, 0, "block_complete", 7LL, vda_MINOR, "vda", 0LL, 4096LL, 8LL,
		    1 * MS, 30 * MS, 0LL, 5LL, 5LL, "a");
	story_event(s, 200 * MS, 0, "block_complete", 7LL, vda_MINOR, "vda", 1LL, 4096LL, 8LL,
		    1 * MS, 30 * MS, 0LL, 6LL, 6LL, "b");
	story_filtered(s, 300 * MS, 0, "block_complete", 7LL, vda_MINOR, "vda", 1LL, 4096LL, 8LL,
		       1 * MS, 90 * MS, 0LL, 6LL, 6LL, "b");
	story_event(s, 400 * MS, 0, "block_complete", 7LL, vdb_MINOR, "vdb", 1LL, 4096LL, 8LL, 0LL,
		    0LL, 0LL, 6LL, 6LL, "b");
	story_end(s, 1000 * MS);
	assert_contains(story_string(s, "verdict"),
			"2 requests took longer than 10.0 ms, 1 of them of ");
	assert_contains(story_string(s, "verdict"), "; 97 % of the time was spent in the queue.");
	assert_int_equal(story_number(s, "histogram.n"), 2);
	assert_int_equal(json_array_size(story_json(s, "operations")), 2);
	assert_int_equal(json_array_size(story_json(s, "devices")), 1);
	story_free(s);
}

static void issue(struct story *s, uint64_t ts, long long minor, const char *device,
		  long long sector)
{
	story_event(s, ts, 0, "block_issue", 7LL, minor, device, 0LL, sector, 7LL, 7LL, "dd");
}

/* A disk that hangs completes nothing. */
static void test_pending(void **state)
{
	struct story *s = begin();

	(void)state;
	issue(s, 100 * MS, 1, "vdb", 8);
	issue(s, 200 * MS, 0, "vda", 8);
	issue(s, 250 * MS, 1, "vdb", 8); /* again: the device was busy */
	issue(s, 300 * MS, 1, "vdb", 16);
	story_event(s, 400 * MS, 0, "block_complete", 7LL, 0LL, "vda", 0LL, 4096LL, 8LL, 200 * MS,
		    0LL, 0LL, 7LL, 7LL, "dd");
	issue(s, 810 * MS, 0, "vda", 24); /* just issued */
	story_end(s, 1000 * MS);
	assert_contains(story_string(s, "verdict"),
			". 2 requests were not seen to complete, the oldest "
			"for 900 ms: READ on vdb of dd:7.");
	assert_int_equal(json_array_size(story_json(s, "pending")), 2);
	assert_int_equal(story_number(s, "pending.0.age_ns"), 900 * MS);
	assert_int_equal(story_number(s, "pending.1.sector"), 16);
	assert_contains(story_text(s), "Not seen to complete:\n");
	story_free(s);
}

/* A completion that was lost is no disk that hangs. */
static void test_lost_completion(void **state)
{
	struct story *s = begin();

	(void)state;
	issue(s, 100 * MS, 0, "vda", 8);
	issue(s, 110 * MS, 0, "vda", 24);
	story_lose(s, 0, 1);
	issue(s, 200 * MS, 0, "vda", 8);
	issue(s, 300 * MS, 0, "vda", 16);
	story_end(s, 1000 * MS);
	assert_string_equal(story_string(s, "verdict"),
			    "io: no request completed. 2 requests were not seen to complete, the "
			    "oldest for 800 ms: READ on vda of dd:7. The completion of 1 request "
			    "may be lost, or not recorded.");
	assert_int_equal(story_number(s, "pending_doubtful"), 1);
	story_free(s);
}

/* Nor is one on a CPU that was not recorded. */
static void test_other_cpu(void **state)
{
	static const struct {
		const char *filter;
		unsigned pending;
	} cases[] = {
		{ "(bytes > 4K) && cpu in [0]", 0 },
		{ "node==1", 0 },
		{ "comm == \"a cpu\\\" cpu\"", 1 },
		{ "target_cpu == 1 || block_issue.cpu", 1 },
		{ "comm == \"cpu", 1 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct story *s = begin_filtered(cases[i].filter);

		issue(s, 100 * MS, 0, "vda", 8);
		story_end(s, 1000 * MS);
		assert_int_equal(json_array_size(story_json(s, "pending")), cases[i].pending);
		assert_int_equal(story_number(s, "pending_doubtful"), !cases[i].pending);
		story_free(s);
	}
}

/* Many requests at a time, in any order: as a plain table has them. */
static void test_many_pending(void **state)
{
	static uint64_t issued[5000];
	struct seed seed = { seed_first("io") };
	struct story *s = begin();
	unsigned open = 0;

	(void)state;
	memset(issued, 0, sizeof(issued));
	for (unsigned i = 1; i <= 40000; i++) {
		unsigned n = seed_below(&seed, 5000);

		if (!issued[n]) {
			issued[n] = i * 1000;
			issue(s, i * 1000, 0, "vda", n * 8);
			continue;
		}
		story_event(s, i * 1000, 0, "block_complete", 7LL, 0LL, "vda", 0LL, 4096LL, n * 8LL,
			    i * 1000LL - (long long)issued[n], 0LL, 0LL, 7LL, 7LL, "dd");
		issued[n] = 0;
	}
	story_end(s, 10000 * MS);
	for (unsigned n = 0; n < 5000; n++)
		open += issued[n] != 0;
	assert_int_equal(json_array_size(story_json(s, "pending")), open);
	for (unsigned i = 0; i < open; i++) {
		const json_t *p = json_array_get(story_json(s, "pending"), i);
		uint64_t at = json_integer_value(json_object_get(p, "issued_ns"));
		uint64_t sector = json_integer_value(json_object_get(p, "sector"));

		assert_int_equal(issued[sector / 8], at);
		issued[sector / 8] = 0;
	}
	story_free(s);
}

static void test_none(void **state)
{
	struct story *s = begin();

	(void)state;
	story_end(s, 1000 * MS);
	assert_string_equal(story_text(s), "io: no request completed.\n");
	story_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow),	  cmocka_unit_test(test_queue),
		cmocka_unit_test(test_pending),	  cmocka_unit_test(test_lost_completion),
		cmocka_unit_test(test_other_cpu), cmocka_unit_test(test_many_pending),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
