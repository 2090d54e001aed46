// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "syscalls" about made-up calls. */
#include <string.h>
#include "report/calls.h"
#include "report_help.h"

#define MS 1000000ull

enum { READ, NANOSLEEP, OPENAT };

static struct story *begin(bool with_sched)
{
	struct story *s = story_new();

	/* the first of the arguments stands for all */
	story_type(s, "sys_enter", "nr:e(read,nanosleep,openat) pid:u32 tid:u32 args:a6 comm:t16");
	story_type(s, "sys_exit",
		   "ret:s64 duration_ns:u64 nr:e(read,nanosleep,openat) pid:u32 tid:u32 "
		   "error:e(OK,EPERM,ENOENT) comm:t16");
	if (with_sched) {
		story_type(s, "sched_switch", "prev_pid:s32 next_pid:s32 off_ns:u64 wait_ns:u64");
		story_type(s, "sched_wakeup",
			   "pid:s32 waker_pid:s32 context:e(WAKE_TASK,WAKE_SOFTIRQ) "
			   "waker_comm:t16");
	}
	story_begin(s, "syscalls", 0);
	return s;
}

static void enter(struct story *s, uint64_t ts, long long nr, long long tid, long long arg)
{
	story_event(s, ts, 0, "sys_enter", nr, tid, tid, arg, "task");
}

static void leave(struct story *s, uint64_t ts, long long nr, long long tid, long long ns,
		  long long error)
{
	story_event(s, ts, 0, "sys_exit", 0LL, ns, nr, tid, tid, error, "task");
}

/* A read of 40 ms ends when another task writes; a sleep is longer, but sleeps by design. */
static void test_read(void **state)
{
	struct story *s = begin(true);

	(void)state;
	story_event(s, 1, 1, "sched_switch", 9LL, 0LL, 0LL, 0LL);
	enter(s, 100 * MS, READ, 7, 3);
	enter(s, 101 * MS, NANOSLEEP, 8, 0x1000);
	story_event(s, 139 * MS, 1, "sched_wakeup", 7LL, 5LL, 0LL, "writer");
	story_event(s, 140 * MS, 0, "sched_switch", 0LL, 7LL, 39 * MS + MS / 2, 1 * MS);
	leave(s, 140 * MS + MS / 4, READ, 7, 40 * MS, 0);
	story_event(s, 300 * MS, 1, "sched_wakeup", 8LL, 0LL, 1LL, "swapper");
	story_event(s, 301 * MS, 0, "sched_switch", 0LL, 8LL, 199 * MS, 0LL);
	leave(s, 302 * MS, NANOSLEEP, 8, 201 * MS, 0);
	story_end(s, 1000 * MS);
	assert_contains(story_string(s, "verdict"),
			"syscalls: read of task:7 took 40.0 ms: off its CPU for 39.5 ms, "
			"woken up by writer:5. 2 calls, 0 failed.");
	assert_contains(story_text(s), "fd 3; off its CPU for 39.5 ms,");
	assert_contains(story_text(s), "0x1000, 0, 0; off its CPU for");
	assert_int_equal(story_number(s, "worst.0.duration_ns"), 40 * MS);
	assert_int_equal(story_number(s, "worst.0.off_cpu_ns"), 39 * MS + MS / 2);
	assert_int_equal(story_number(s, "worst.0.ready_ns"), MS);
	assert_string_equal(story_string(s, "worst.0.waker.comm"), "writer");
	assert_string_equal(story_string(s, "worst.0.args.0"), "0x3");
	assert_string_equal(story_string(s, "worst.1.call"), "nanosleep");
	assert_true(json_is_true(story_json(s, "worst.1.waker.interrupt")));
	story_free(s);
}

/* Whatever a thread did before a call is not part of it. */
static void test_before(void **state)
{
	struct story *s = begin(true);

	(void)state;
	story_event(s, 99 * MS, 1, "sched_wakeup", 7LL, 5LL, 0LL, "writer");
	story_event(s, 100 * MS, 0, "sched_switch", 0LL, 7LL, 90 * MS, 1 * MS);
	enter(s, 100 * MS + 1, READ, 7, 3);
	leave(s, 101 * MS, READ, 7, MS - 1, 0);
	story_end(s, 1000 * MS);
	assert_int_equal(story_number(s, "worst.0.off_cpu_ns"), 0);
	assert_true(json_is_null(story_json(s, "worst.0.waker")));
	assert_contains(story_text(s), "it ran on its CPU");
	story_free(s);
}

static void test_errors(void **state)
{
	struct story *s = begin(false);

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		leave(s, i * MS + MS, OPENAT, 7, 1000 + i, i < 6 ? 2 : i < 8 ? 1 : 0);
	leave(s, 20 * MS, READ, 7, 0, 1); /* of unknown duration */
	story_filtered(s, 21 * MS, 0, "sys_exit", 0LL, 9000LL, 0LL, 7LL, 7LL, 0LL, "task");
	story_end(s, 1000 * MS);
	assert_contains(story_string(s, "verdict"),
			"what it waited for was not recorded (-e sched). 11 calls, 9 "
			"failed, most with ENOENT in openat (6).");
	assert_contains(story_text(s), "  ENOENT 6, EPERM 2\n");
	assert_int_equal(story_number(s, "calls.0.errors.ENOENT"), 6);
	assert_int_equal(story_number(s, "calls.0.took.n"), 10);
	assert_int_equal(story_number(s, "calls.1.took.n"), 0);
	assert_int_equal(story_number(s, "calls.1.failed"), 1);
	story_free(s);
}

/* A long call that may contain a loss is not shown: what it waited for may be missing. */
static void test_losses(void **state)
{
	struct story *s = begin(true);

	(void)state;
	enter(s, 100 * MS, READ, 7, 3);
	story_event(s, 110 * MS, 1, "sched_switch", 9LL, 0LL, 0LL, 0LL);
	story_lose(s, 1, 5);
	story_event(s, 120 * MS, 1, "sched_switch", 0LL, 9LL, 0LL, 0LL);
	leave(s, 140 * MS, READ, 7, 40 * MS, 0);
	enter(s, 200 * MS, READ, 7, 3);
	leave(s, 203 * MS, READ, 7, 3 * MS, 0);
	story_end(s, 1000 * MS);
	assert_int_equal(story_number(s, "left_out"), 1);
	assert_int_equal(story_number(s, "worst.0.duration_ns"), 3 * MS);
	assert_int_equal(story_number(s, "histogram.max_ns"), 40 * MS);
	assert_contains(story_text(s), "1 long call left out because of losses\n");
	story_free(s);
}

/* The exit of the read and the entry of the sleep are not recorded. */
static void test_other_call(void **state)
{
	struct story *s = begin(true);

	(void)state;
	enter(s, 100 * MS, READ, 7, 3);
	leave(s, 110 * MS, NANOSLEEP, 7, 5 * MS, 0);
	enter(s, 200 * MS, READ, 7, 4);
	leave(s, 203 * MS, READ, 7, 3 * MS, 0);
	story_end(s, 1000 * MS);
	assert_string_equal(story_string(s, "worst.0.args.0"), "0x4");
	assert_string_equal(story_string(s, "worst.1.call"), "nanosleep");
	assert_int_equal(json_array_size(story_json(s, "worst.1.args")), 0);
	assert_true(json_is_null(story_json(s, "worst.1.off_cpu_ns")));
	assert_null(strstr(story_text(s), "(-e"));
	story_free(s);
}

/* ---- many calls ---- */

static void *calls_new(const struct report_env *env, struct pairs *pairs)
{
	struct calls *c = calloc(1, sizeof(*c));

	(void)pairs;
	assert_non_null(c);
	calls_open(c, env->types);
	return c;
}

static void calls_judge(void *state)
{
	struct calls *c = state;

	assert_true(c->n <= CALLS_MAX_OPEN);
	assert_null(calls_leave(c, 1, -1));
	for (int32_t i = 0; i < 1000; i++)
		assert_int_equal(calls_leave(c, 2 * CALLS_MAX_OPEN - i, -1)->args[0], i);
	calls_close(c);
	free(c);
}

static void give_event(void *run, const struct nr_event *ev)
{
	report_run_event(run, ev, true);
}

/* Threads that end in a call do not fill the memory, nor do those that leave it. */
static void test_many_calls(void **state)
{
	static const struct feed_type types[] = { CALLS_EVENTS, {} };
	static const struct report calls = {
		.events = types,
		.pair_size = sizeof(struct pair),
		.open = calls_new,
		.close = calls_judge,
	};
	const struct report *const list[] = { &calls };
	struct story *s = begin(false);
	const struct report_env env = { .types = story_types(s) };
	struct report_run *run = report_run_open(list, 1, &env, NULL, 0);
	const long long n = 2 * CALLS_MAX_OPEN;

	(void)state;
	assert_non_null(run);
	story_tell(s, give_event, run);
	for (long long i = 1; i <= n; i++)
		enter(s, i, READ, i, n - i);
	report_run_close(run);
	story_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),	   cmocka_unit_test(test_before),
		cmocka_unit_test(test_errors),	   cmocka_unit_test(test_losses),
		cmocka_unit_test(test_other_call), cmocka_unit_test(test_many_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
