// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reports offcpu, runq and wakeups: stories whose answer is known, and random ones against a slow look at all
 * events. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "report/sched_tasks.h"
#include "report_help.h"
#include "seed.h"

#define MS	1000000ull
#define BEGIN	(1000 * MS)
#define RUNNING 0LL
#define SLEEPS	1LL
#define BLOCKED 2LL
#define STOPPED 4LL
#define TRACED	8LL
#define DEAD	128LL

enum { READ, FUTEX, NANOSLEEP, FSYNC };

static struct seed seed;

#define SWITCH                                                                                     \
	"prev_pid:s32 prev_tgid:u32 prev_state:u32 prev_syscall:e(read,futex,"                     \
	"clock_nanosleep,fsync) preempt:u8 prev_comm:t16 next_pid:s32 next_tgid:u32 "              \
	"next_comm:t16"

#define WAKEUP                                                                                     \
	"pid:s32 tgid:u32 target_cpu:u32 comm:t16 waker_pid:s32 waker_comm:t16 "                   \
	"context:u32 is_new:u8"

static struct story *begin_with(const char *report, const char *switch_fields)
{
	struct story *s = story_new();

	story_type(s, "sched_switch", switch_fields);
	story_type(s, "sched_wakeup", WAKEUP);
	story_type(s, "sched_migrate", "pid:s32 from_cpu:u32 to_cpu:u32");
	story_type(s, "sys_enter", "nr:e(read,futex,clock_nanosleep,fsync) tid:u32 args:a2");
	story_type(s, "hardirq", "duration_ns:u64 name:t24");
	story_type(s, "softirq", "duration_ns:u64 vector:e(HI,TIMER,NET_TX,NET_RX)");
	story_begin(s, report, BEGIN);
	return s;
}

static struct story *begin(const char *report)
{
	return begin_with(report, SWITCH);
}

static const char *name_of(long long tid)
{
	static char names[4][16];
	static unsigned n;
	char *name = names[n++ % 4];

	if (!tid)
		return "swapper";
	snprintf(name, sizeof(names[0]), "task%lld", tid);
	return name;
}

/* At so many us after the begin. */
static uint64_t at(uint64_t us)
{
	return BEGIN + us * 1000;
}

static void change(struct story *s, uint64_t us, unsigned cpu, long long prev, long long state,
		   long long call, long long next)
{
	story_event(s, at(us), cpu, "sched_switch", prev, prev, state, call, 0LL, name_of(prev),
		    next, next, name_of(next));
}

static void wake(struct story *s, uint64_t us, unsigned cpu, long long tid, long long target,
		 long long waker, long long context)
{
	story_event(s, at(us), cpu, "sched_wakeup", tid, tid, target, name_of(tid), waker,
		    name_of(waker), context, 0LL);
}

/* Task 2 holds a lock and sleeps; task 1 waits for it. */
static void mutex(struct story *s)
{
	change(s, 100, 0, 2, SLEEPS, NANOSLEEP, 0);
	change(s, 1000, 1, 1, SLEEPS, FUTEX, 0);
	wake(s, 40100, 0, 2, 0, 0, 2);
	change(s, 40110, 0, 0, RUNNING, 0, 2);
	wake(s, 40200, 0, 1, 1, 2, 0);
	change(s, 40210, 1, 0, RUNNING, 0, 1);
}

static void test_mutex(void **state)
{
	struct story *s = begin("offcpu");

	(void)state;
	mutex(s);
	story_end(s, at(50000));
	assert_int_equal(story_number(s, "pairs"), 2);
	assert_int_equal(story_number(s, "worst.0.tid"), 1);
	assert_int_equal(story_number(s, "worst.0.duration_ns"), 39210000);
	assert_int_equal(story_number(s, "worst.0.wait_ns"), 10000);
	assert_string_equal(story_string(s, "worst.0.waker.comm"), "task2");
	assert_string_equal(story_string(s, "worst.0.chain.0.call"), "clock_nanosleep");
	assert_int_equal(story_number(s, "worst.0.chain.0.ns"), 40 * MS);
	assert_string_equal(story_string(s, "worst.0.cause"),
			    "slept 39.2 ms in futex until task2:2 woke it; task2:2 had slept 40.0 "
			    "ms in clock_nanosleep until a timer woke it");
	assert_contains(story_text(s), "offcpu: task1:1 stalled for 39.2 ms: it slept 39.2 ms in");
	assert_string_equal(story_string(s, "verdict"),
			    "offcpu: task1:1 stalled for 39.2 ms: it slept 39.2 ms in futex until "
			    "task2:2 woke it; task2:2 had slept 40.0 ms in clock_nanosleep until a "
			    "timer woke it.");
	assert_string_equal(story_string(s, "waits.0.comm"), "task2");
	story_free(s);
}

/* The holder of a lock was stopped, in whichever call. */
static void test_stopped(void **state)
{
	struct story *s = begin("offcpu");

	(void)state;
	change(s, 100, 0, 2, STOPPED, NANOSLEEP, 0);
	change(s, 200, 2, 3, TRACED, READ, 0);
	change(s, 1000, 1, 1, SLEEPS, FUTEX, 0);
	wake(s, 40100, 2, 2, 0, 4, 0);
	change(s, 40110, 0, 0, RUNNING, 0, 2);
	wake(s, 40200, 0, 1, 1, 2, 0);
	change(s, 40210, 1, 0, RUNNING, 0, 1);
	wake(s, 41000, 0, 3, 2, 4, 0);
	change(s, 41010, 2, 0, RUNNING, 0, 3);
	story_end(s, at(50000));
	assert_string_equal(story_string(s, "worst.0.cause"),
			    "slept 39.2 ms in futex until task2:2 woke it; task2:2 had slept 40.0 "
			    "ms in a stop by a signal until task4:4 woke it");
	assert_string_equal(story_string(s, "waits.0.cause"),
			    "slept 40.8 ms in a stop by its tracer until task4:4 woke it");
	assert_string_equal(story_string(s, "waits.1.call"), "a stop by a signal");
	story_free(s);
}

/* A loss on any CPU while it waits: what is left is not its cause. */
static void test_loss(void **state)
{
	struct story *s = begin("offcpu");

	(void)state;
	change(s, 100, 0, 2, SLEEPS, NANOSLEEP, 0);
	change(s, 1000, 1, 1, SLEEPS, FUTEX, 0);
	change(s, 2000, 2, 0, RUNNING, 0, 9);
	story_lose(s, 2, 3);
	wake(s, 40100, 0, 2, 0, 0, 2);
	change(s, 40110, 0, 0, RUNNING, 0, 2);
	wake(s, 40200, 0, 1, 1, 2, 0);
	change(s, 40210, 1, 0, RUNNING, 0, 1);
	change(s, 41000, 2, 9, SLEEPS, READ, 0); /* shows the loss, after the pairs */
	story_end(s, at(50000));
	assert_int_equal(story_number(s, "pairs"), 0);
	assert_int_equal(story_number(s, "left_out"), 2);
	assert_contains(story_text(s), "0 stalls; 2 left out because of losses\n");
	story_free(s);
}

/* What was lost before the part that is read is no loss in it, and hides none. */
static void test_lost_before(void **state)
{
	struct story *s = begin("offcpu");

	(void)state;
	story_lost_before(s, 2, 5);
	mutex(s);
	change(s, 45000, 2, 0, RUNNING, 0, 9);
	story_end(s, at(50000));
	assert_int_equal(story_number(s, "pairs"), 2);
	assert_int_equal(story_number(s, "left_out"), 0);
	story_free(s);

	s = begin("offcpu");
	story_lost_before(s, 2, 5);
	change(s, 10, 2, 0, RUNNING, 0, 9);
	mutex(s);
	story_lose(s, 3, 1); /* a CPU that writes nothing */
	story_end(s, at(50000));
	assert_int_equal(story_number(s, "pairs"), 0);
	assert_int_equal(story_number(s, "left_out"), 2);
	story_free(s);
}

/* What seems to go on at the end may have ended where records are missing. */
static void test_loss_before_end(void **state)
{
	struct story *s = begin("offcpu");

	(void)state;
	change(s, 100, 0, 1, BLOCKED, FSYNC, 0);
	change(s, 200, 1, 3, RUNNING, 0, 4);
	story_lose(s, 0, 1);
	change(s, 300, 0, 0, RUNNING, 0, 5);
	change(s, 400, 0, 5, BLOCKED, FSYNC, 0);
	story_end(s, at(90000));
	assert_int_equal(story_number(s, "open"), 1);
	assert_int_equal(story_number(s, "not_over.0.tid"), 5);
	story_free(s);

	s = begin("runq");
	change(s, 200, 1, 3, RUNNING, 0, 4);
	story_lose(s, 0, 1);
	change(s, 300, 0, 7, RUNNING, 0, 5);
	story_end(s, at(90000));
	assert_int_equal(story_number(s, "open"), 1);
	assert_contains(story_text(s), "1 wait did not end, the longest: task7:7");
	story_free(s);
}

/* As the kernel measures it, the task was off its CPU only since then. */
static void come_back(struct story *s, uint64_t us, long long tid, long long since_us)
{
	story_event(s, at(us), 0, "sched_switch", 0LL, 0LL, 0LL, 0LL, 0LL, name_of(0), tid, tid,
		    name_of(tid), (us - since_us) * 1000LL);
}

static void go(struct story *s, uint64_t us, long long tid, long long state)
{
	story_event(s, at(us), 0, "sched_switch", tid, tid, state, (long long)FSYNC, 0LL,
		    name_of(tid), 0LL, 0LL, name_of(0), 0LL);
}

/* Only CPU 0 is recorded, and the task ran on another one meanwhile. */
static void test_other_cpus(void **state)
{
	static const char *const reports[] = { "offcpu", "runq", "wakeups" };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct story *s = begin_with(reports[i], SWITCH " off_ns:u64");

		go(s, 1000, 1, BLOCKED);
		wake(s, 2000, 0, 1, 0, 0, 2);
		come_back(s, 30000, 1, 25000);
		go(s, 31000, 1, BLOCKED);
		wake(s, 35000, 0, 1, 0, 0, 2);
		come_back(s, 36000, 1, 31000);
		story_end(s, at(50000));
		assert_int_equal(story_number(s, "pairs"), 1);
		assert_int_equal(story_number(s, "split"), 1);
		assert_int_equal(story_number(s, "left_out"), 0);
		assert_int_equal(story_number(s, "worst.0.duration_ns"), (i ? 1 : 5) * MS);
		assert_contains(story_text(s), "; 1 left out because the task ran meanwhile");
		story_free(s);
	}
}

/* What is not over on these CPUs may be so on another one, and whoever waits may run there. */
static void test_other_cpus_end(void **state)
{
	static const char *const reports[] = { "offcpu", "runq" };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct story *s = story_new();

		story_type(s, "sched_switch", SWITCH);
		story_type(s, "sched_wakeup", WAKEUP);
		story_type(s, "sched_migrate", "pid:s32 from_cpu:u32 to_cpu:u32");
		story_begin_filtered(s, reports[i / 2], BEGIN, i % 2 ? "cpu in [0]" : NULL);
		change(s, 100, 0, 1, BLOCKED, FSYNC, 2);
		change(s, 200, 0, 2, RUNNING, 0, 3);
		change(s, 300, 0, 3, BLOCKED, FSYNC, 0);
		story_end(s, at(90000));
		assert_int_equal(story_number(s, "open"), i % 2 ? 0 : i ? 1 : 2);
		if (i == 3)
			assert_true(json_is_null(story_json(s, "while_ran")));
		story_free(s);
	}
}

/* The waker was ready, and a hog had its CPU. */
static void test_chain_to_hog(void **state)
{
	struct story *s = begin("offcpu");

	(void)state;
	change(s, 900, 0, 0, RUNNING, 0, 2);
	change(s, 1000, 1, 1, SLEEPS, FUTEX, 0);
	change(s, 1100, 0, 2, RUNNING, 0, 7);
	change(s, 41100, 0, 7, SLEEPS, READ, 2);
	wake(s, 41200, 0, 1, 1, 2, 0);
	change(s, 41210, 1, 0, RUNNING, 0, 1);
	story_end(s, at(50000));
	assert_contains(story_text(s), "task2:2 had waited 40.0 ms for a CPU while task7:7 ran");
	story_free(s);
}

/* Task 3 waits for task 2, which waited for task 1; that one ends before task 2 wakes task 3. */
static void ended_waker(struct story *s, uint64_t us)
{
	change(s, us + 100, 0, 1, SLEEPS, NANOSLEEP, 0);
	change(s, us + 1000, 1, 2, SLEEPS, FUTEX, 0);
	change(s, us + 1000, 2, 3, SLEEPS, FUTEX, 0);
	wake(s, us + 40100, 0, 1, 0, 0, 2);
	change(s, us + 40110, 0, 0, RUNNING, 0, 1);
	wake(s, us + 40200, 0, 2, 1, 1, 0);
	change(s, us + 40210, 1, 0, RUNNING, 0, 2);
	change(s, us + 40300, 0, 1, DEAD, 0, 0);
}

static void wake_third(struct story *s, uint64_t us)
{
	wake(s, us, 1, 3, 2, 2, 0);
	change(s, us + 10, 2, 0, RUNNING, 0, 3);
}

static void test_ended_waker(void **state)
{
	struct story *s = begin("offcpu");

	(void)state;
	ended_waker(s, 0);
	wake_third(s, 41000);
	story_end(s, at(50000));
	assert_string_equal(story_string(s, "worst.0.cause"),
			    "slept 40.0 ms in futex until task2:2 woke it; task2:2 had slept 39.2 "
			    "ms in futex until task1:1 woke it; task1:1 had slept 40.0 ms in "
			    "clock_nanosleep until a timer woke it");
	story_free(s);
}

/* What a task did is not taken for what an earlier one of its number did; and not all is kept for ever. */
static void test_ended_waker_forgotten(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct story *s = begin("offcpu");

		ended_waker(s, 0);
		for (long long tid = 1000; !i && tid < 1000 + 1024; tid++) {
			change(s, 40400, 3, 0, RUNNING, 0, tid);
			change(s, 40400, 3, tid, DEAD, 0, 0);
		}
		if (i)
			story_event(s, at(40400), 0, "sched_wakeup", 1LL, 1LL, 0LL, name_of(1), 0LL,
				    name_of(0), 0LL, 1LL);
		wake_third(s, 41000);
		story_end(s, at(50000));
		assert_string_equal(story_string(s, "worst.0.cause"),
				    "slept 40.0 ms in futex until task2:2 woke it; task2:2 had "
				    "slept 39.2 ms in futex until task1:1 woke it");
		story_free(s);
	}
}

/* Asleep by design, but then it got no CPU. */
static void test_wait_after_sleep(void **state)
{
	struct story *s = begin("offcpu");

	(void)state;
	change(s, 1000, 0, 1, SLEEPS, READ, 0);
	change(s, 2000, 0, 0, RUNNING, 0, 7);
	wake(s, 91000, 1, 1, 0, 3, 0);
	change(s, 99000, 0, 7, RUNNING, 0, 1);
	story_end(s, at(100000));
	assert_int_equal(story_number(s, "worst.0.stall_ns"), 8 * MS);
	assert_int_equal(story_number(s, "waits.0.duration_ns"), 98 * MS);
	assert_string_equal(story_string(s, "worst.0.cause"),
			    "waited 8.00 ms for a CPU while task7:7 ran (100 %); before, it slept "
			    "90.0 ms in read until task3:3 woke it");
	story_free(s);
}

/* The arguments of futex tell a lock from a condition; a timer ends no wait for a lock. */
static void test_futex(void **state)
{
	struct story *s = begin("offcpu");

	(void)state;
	story_event(s, at(900), 0, "sys_enter", (long long)FUTEX, 1LL, 0LL);
	change(s, 1000, 0, 1, SLEEPS, FUTEX, 0);
	wake(s, 5000, 1, 1, 0, 3, 0);
	change(s, 5000, 0, 0, RUNNING, 0, 1);
	change(s, 6000, 0, 1, SLEEPS, FUTEX, 0);
	wake(s, 9000, 1, 1, 0, 0, 2);
	change(s, 9000, 0, 0, RUNNING, 0, 1);
	story_end(s, at(10000));
	assert_int_equal(story_number(s, "pairs"), 2);
	assert_int_equal(story_number(s, "by_design"), 1);
	assert_int_equal(story_number(s, "worst.0.stall_ns"), 4 * MS);
	story_free(s);
}

/* The first event of task 1 ends a pair; that of task 2 begins one that does not end. */
static void test_ends(void **state)
{
	struct story *s = begin("offcpu");

	(void)state;
	change(s, 100, 0, 0, RUNNING, 0, 1);
	change(s, 200, 1, 2, BLOCKED, FSYNC, 0);
	change(s, 300, 0, 1, DEAD, FSYNC, 0);
	change(s, 400, 0, 0, RUNNING, 0, 1); /* another task of this number */
	change(s, 500, 2, 3, SLEEPS, READ, 0);
	story_end(s, at(60200));
	assert_int_equal(story_number(s, "pairs"), 0);
	assert_int_equal(story_number(s, "open"), 1);
	assert_string_equal(story_string(s, "not_over.0.call"), "fsync");
	assert_int_equal(story_number(s, "not_over.0.duration_ns"), 60 * MS);
	assert_contains(story_text(s),
			"1 stall did not end, the longest: task2:2, in fsync for 60.0 ms");
	story_free(s);
}

/* The wake-up is before the switch-out in the order. */
static void test_early_wake(void **state)
{
	struct story *s = begin("offcpu");

	(void)state;
	change(s, 100, 0, 0, RUNNING, 0, 1);
	wake(s, 999, 1, 1, 0, 4, 0);
	change(s, 1000, 0, 1, BLOCKED, FSYNC, 7);
	change(s, 9000, 0, 7, RUNNING, 0, 1);
	story_end(s, at(10000));
	assert_int_equal(story_number(s, "worst.0.wait_ns"), 8 * MS);
	assert_string_equal(story_string(s, "worst.0.waker.comm"), "task4");
	story_free(s);
}

static void test_irq(void **state)
{
	struct story *s = begin("offcpu");

	(void)state;
	change(s, 100, 0, 1, BLOCKED, FSYNC, 0);
	wake(s, 8000, 1, 1, 0, 0, 2);
	story_event(s, at(8010), 1, "hardirq", 20000LL, "nvme0q1");
	change(s, 8020, 0, 0, RUNNING, 0, 1);
	story_end(s, at(10000));
	assert_contains(story_text(s),
			"slept 7.90 ms in fsync until the interrupt nvme0q1 woke it");
	story_free(s);
}

/* More interrupts than are kept, some inside of others. It is moved in between. */
static void test_flood(void **state)
{
	struct story *s = begin("runq");

	(void)state;
	change(s, 100, 0, 0, RUNNING, 0, 1);
	change(s, 200, 1, 0, RUNNING, 0, 8);
	change(s, 1000, 0, 1, RUNNING, 0, 7);
	for (unsigned us = 1050; us <= 41000; us += 50) {
		unsigned cpu = us > 21000;

		if (us == 21050)
			story_event(s, at(21000), 1, "sched_migrate", 1LL, 0LL, 1LL);
		if (us % 100 == 0)
			story_event(s, at(us) - 5000, cpu, "hardirq", 2000LL, "eth0");
		story_event(s, at(us), cpu, "softirq", 10000LL, 3LL);
	}
	change(s, 41000, 1, 8, SLEEPS, READ, 1);
	story_end(s, at(50000));
	assert_int_equal(story_number(s, "worst.0.duration_ns"), 40 * MS);
	assert_int_equal(story_number(s, "worst.0.irq_ns"), 8 * MS);
	assert_string_equal(
		story_string(s, "worst.0.cause"),
		"lost its CPU, and waited while task7:7 ran (50 %), task8:8 ran (50 %), "
		"with 8.00 ms in interrupts, most in NET_RX");
	story_free(s);
}

static void test_moved(void **state)
{
	struct story *s = begin("runq");

	(void)state;
	change(s, 100, 0, 0, RUNNING, 0, 1);
	change(s, 200, 1, 0, RUNNING, 0, 8);
	change(s, 1000, 0, 1, RUNNING, 0, 7);
	story_event(s, at(31000), 1, "sched_migrate", 1LL, 0LL, 1LL);
	change(s, 41000, 1, 8, SLEEPS, READ, 1);
	story_end(s, at(50000));
	assert_int_equal(story_number(s, "worst.0.duration_ns"), 40 * MS);
	assert_string_equal(story_string(s, "worst.0.instead.0.comm"), "task7");
	assert_int_equal(story_number(s, "worst.0.instead.0.ns"), 30 * MS);
	assert_int_equal(story_number(s, "worst.0.instead.1.ns"), 10 * MS);
	assert_string_equal(story_string(s, "while_ran.0.name"), "task7");
	assert_int_equal(story_number(s, "while_ran.0.sum_ns"), 30 * MS);
	assert_int_equal(story_number(s, "while_ran.1.sum_ns"), 10 * MS);
	assert_contains(story_text(s),
			"task7:7 ran (75 %), task8:8 ran (25 %), and then\nran on CPU 1.");
	story_free(s);
}

/* It waits on three CPUs, longest on the first. */
static void test_moved_twice(void **state)
{
	struct story *s = begin("runq");

	(void)state;
	change(s, 100, 0, 0, RUNNING, 0, 1);
	change(s, 200, 1, 0, RUNNING, 0, 8);
	change(s, 300, 2, 0, RUNNING, 0, 9);
	change(s, 1000, 0, 1, RUNNING, 0, 7);
	story_event(s, at(31000), 1, "sched_migrate", 1LL, 0LL, 1LL);
	story_event(s, at(32000), 2, "sched_migrate", 1LL, 1LL, 2LL);
	change(s, 41000, 2, 9, SLEEPS, READ, 1);
	story_end(s, at(50000));
	assert_contains(story_text(s), "while task7:7 ran (75 %), task9:9 ran (23 %),");
	assert_int_equal(story_number(s, "worst.0.instead.0.ns"), 30 * MS);
	assert_int_equal(story_number(s, "worst.0.instead.1.ns"), 9 * MS);
	assert_int_equal(story_number(s, "worst.0.instead.2.ns"), 1 * MS);
	story_free(s);
}

static void test_throttled(void **state)
{
	struct story *s = begin("runq");

	(void)state;
	change(s, 100, 0, 0, RUNNING, 0, 1);
	change(s, 1000, 0, 1, RUNNING, 0, 0);
	change(s, 81000, 0, 0, RUNNING, 0, 1);
	change(s, 82000, 0, 1, RUNNING, 0, 2);
	story_end(s, at(90000));
	assert_int_equal(story_number(s, "worst.0.idle_ns"), 80 * MS);
	assert_contains(story_text(s), "its cgroup has used up cpu.max");
	assert_contains(story_text(s), "1 wait did not end, the longest: task1:1, for 8.00 ms");
	story_free(s);
}

/* Two tasks wait for the hog, one of them longer, and the hog changes its name meanwhile. */
static void test_hog(void **state)
{
	struct story *s = begin("runq");

	(void)state;
	change(s, 100, 0, 0, RUNNING, 0, 7);
	wake(s, 1000, 1, 1, 0, 3, 0);
	wake(s, 2000, 1, 2, 0, 3, 0);
	story_event(s, at(12000), 0, "sched_switch", 7LL, 7LL, RUNNING, 0LL, 1LL, "hog", 1LL, 1LL,
		    "task1");
	change(s, 13000, 0, 1, SLEEPS, READ, 2);
	story_end(s, at(20000));
	assert_string_equal(story_string(s, "while_ran.0.name"), "hog");
	assert_int_equal(story_number(s, "while_ran.0.sum_ns"), 21 * MS);
	assert_int_equal(story_number(s, "while_ran.1.sum_ns"), 7 * MS); /* for the hog */
	assert_int_equal(story_number(s, "while_ran.2.sum_ns"), 2 * MS);
	assert_contains(story_text(s),
			"While hog:7 ran, others waited 21.0 ms in all, 70 % of all");
	assert_contains(story_text(s), "while hog:7 ran");
	story_free(s);
}

/* -p and --comm */
static void test_wanted(void **state)
{
	const struct report_env all = {}, some = { .pids = "12,345", .comm = "work*" };

	(void)state;
	assert_true(report_wants(&all, 7, "any"));
	assert_true(report_wants(&some, 12, "worker"));
	assert_true(report_wants(&some, 345, "work"));
	assert_false(report_wants(&some, 34, "worker"));
	assert_false(report_wants(&some, 345, "idle"));
}

/* It was about to sleep, but is ready to run. */
static void test_preempted(void **state)
{
	struct story *s = begin("runq");

	(void)state;
	change(s, 100, 0, 0, RUNNING, 0, 1);
	story_event(s, at(1000), 0, "sched_switch", 1LL, 1LL, SLEEPS, (long long)READ, 1LL, "task1",
		    7LL, 7LL, "task7");
	change(s, 9000, 0, 7, SLEEPS, READ, 1);
	story_end(s, at(10000));
	assert_int_equal(story_number(s, "worst.0.duration_ns"), 8 * MS);
	assert_string_equal(story_string(s, "worst.0.cause"),
			    "lost its CPU, and waited while task7:7 ran (100 %)");
	story_free(s);
}

static void test_softirqs(void **state)
{
	struct story *s = begin("runq");

	(void)state;
	change(s, 100, 0, 0, RUNNING, 0, 7);
	wake(s, 1000, 1, 1, 0, 3, 0);
	story_event(s, at(10000), 0, "softirq", 5000000LL, 3LL);
	change(s, 11000, 0, 7, RUNNING, 0, 1);
	story_end(s, at(20000));
	assert_contains(story_text(s), "with 5.00 ms in interrupts, most in NET_RX");
	assert_contains(story_text(s), "task3:3 woke it, and it waited");
	story_free(s);
}

/* One interrupts the other. */
static void test_nested_irqs(void **state)
{
	struct story *s = begin("runq");

	(void)state;
	change(s, 100, 0, 0, RUNNING, 0, 7);
	wake(s, 1000, 1, 1, 0, 3, 0);
	story_event(s, at(2000), 0, "hardirq", 500000LL, "nvme0q1");
	story_event(s, at(8000), 0, "hardirq", 2000000LL, "eth0");
	story_event(s, at(8500), 0, "hardirq", 100000LL, "eth0");
	story_event(s, at(10000), 0, "softirq", 5000000LL, 3LL);
	change(s, 11000, 0, 7, RUNNING, 0, 1);
	story_end(s, at(20000));
	assert_int_equal(story_number(s, "worst.0.irq_ns"), 5500000);
	assert_contains(story_text(s), "with 5.50 ms in interrupts, most in NET_RX");
	story_free(s);
}

/* More than are kept. */
static void test_many_irqs(void **state)
{
	struct story *s = begin("runq");

	(void)state;
	change(s, 100, 0, 0, RUNNING, 0, 7);
	wake(s, 1000, 1, 1, 0, 3, 0);
	for (unsigned i = 0; i < 1000; i++)
		story_event(s, at(1100 + 10 * i), 0, "softirq", 9000LL, 3LL);
	change(s, 11100, 0, 7, RUNNING, 0, 1);
	story_end(s, at(20000));
	assert_contains(story_text(s), "with 9.00 ms in interrupts");
	story_free(s);

	s = begin("runq");
	change(s, 100, 0, 0, RUNNING, 0, 7);
	for (unsigned i = 0; i < 1000; i++)
		story_event(s, at(1100 + 10 * i), 0, "softirq", 9000LL, 3LL);
	wake(s, 11100, 1, 1, 0, 3, 0);
	story_event(s, at(12000), 0, "softirq", 500000LL, 3LL);
	change(s, 12100, 0, 7, RUNNING, 0, 1);
	story_end(s, at(20000));
	assert_contains(story_text(s), "with 500 us in interrupts");
	story_free(s);
}

/* Task 2 wakes task 1 from CPU 0, whose event comes from CPU 1; then a timer does. */
static void test_wakeups(void **state)
{
	struct story *s = begin("wakeups");

	(void)state;
	change(s, 100, 0, 0, RUNNING, 0, 2);
	wake(s, 200, 1, 1, 1, 2, 0);
	change(s, 205, 1, 0, RUNNING, 0, 1);
	change(s, 300, 1, 1, SLEEPS, NANOSLEEP, 0);
	wake(s, 400, 1, 1, 1, 0, 2);
	change(s, 407, 1, 0, RUNNING, 0, 1);
	change(s, 500, 1, 1, SLEEPS, READ, 0);
	wake(s, 600, 0, 1, 1, 2, 0);
	change(s, 603, 1, 0, RUNNING, 0, 1);
	story_end(s, at(1000));
	assert_int_equal(story_number(s, "pairs"), 3);
	assert_string_equal(story_string(s, "routes.0.waker"), "task2");
	assert_int_equal(story_number(s, "routes.0.n"), 2);
	assert_int_equal(story_number(s, "routes.0.other_cpu"), 2);
	assert_int_equal(story_number(s, "routes.0.sum_ns"), 8000);
	assert_string_equal(story_string(s, "routes.1.waker"), "(interrupt)");
	assert_int_equal(story_number(s, "routes.1.other_cpu"), 0);
	assert_int_equal(story_number(s, "worst.0.duration_ns"), 7000);
	assert_contains(story_text(s),
			"wakeups: task2 woke task1 most often: 2 of 3 wake-ups; 100 %");
	story_free(s);
}

/* Some kernels do not tell whether an interrupt woke the task: then nobody is to blame. */
static void test_unknown_context(void **state)
{
	struct story *s = begin("offcpu");

	(void)state;
	change(s, 100, 0, 0, RUNNING, 0, 2);
	change(s, 1000, 1, 1, BLOCKED, FSYNC, 0);
	wake(s, 40200, 0, 1, 1, 2, 3);
	change(s, 40210, 1, 0, RUNNING, 0, 1);
	story_end(s, at(50000));
	assert_string_equal(story_string(s, "worst.0.cause"),
			    "slept 39.2 ms in fsync until task2:2 or an interrupt woke it");
	assert_string_equal(story_string(s, "worst.0.waker.context"), "unknown");
	assert_int_equal(json_array_size(story_json(s, "worst.0.chain")), 0);
	story_free(s);
}

/* A program's own sys_enter may have arguments of another size. */
static void test_other_args(void **state)
{
	const uint32_t words[] = { FUTEX, 0, 1, 0, 0, 9, 9, 0, 0, 0 }; /* nr, tid, args */
	struct story *s = story_new();

	(void)state;
	story_type(s, "sched_switch", SWITCH);
	story_type(s, "sched_wakeup", WAKEUP);
	story_type(s, "sched_migrate", "pid:s32 from_cpu:u32 to_cpu:u32");
	story_type(s, "sys_enter", "nr:e(read,futex,clock_nanosleep,fsync) tid:u32 args:w4");
	story_begin(s, "offcpu", BEGIN);
	story_bytes(s, at(50), 1, "sys_enter", words, sizeof(words));
	mutex(s);
	story_end(s, at(50000));
	assert_int_equal(story_number(s, "worst.0.tid"), 1);
	assert_int_equal(story_number(s, "worst.0.stall_ns"), 39210000);
	story_free(s);
}

/* ---- stacks ---- */

struct stacks {
	struct story *story;
	struct saved_stack *saved;
};

static void save(void *ctx, const struct nr_event *ev)
{
	struct stacks *s = ctx;

	saved_stack_take(&s->saved, story_types(s->story), ev);
}

/* Of a stack of n, the first three are the kernel's. */
static uint64_t address(unsigned n, unsigned i)
{
	return (i < 3 ? 1ull << 63 : 0) + 1000 * n + i;
}

static void tell_stack(struct story *s, unsigned n, const char *type)
{
	uint64_t words[2 + 200] = { 7 }; /* pid */

	for (unsigned i = 0; i < n; i++)
		words[2 + i] = address(n, i);
	story_bytes(s, at(n), 0, type, words, (2 + n) * 8);
}

static void check_stack(const struct saved_stack *s, unsigned n)
{
	assert_int_equal(s->n, n);
	assert_int_equal(s->n_kernel, 3);
	assert_int_equal(s->pid, 7);
	assert_int_equal(s->ts, at(n));
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(s->addresses[i], address(n, i));
}

/* All of it is kept, also the outermost functions. */
static void test_deep_stacks(void **state)
{
	struct stacks s = { .story = story_new() };
	struct saved_stack *copy;

	(void)state;
	story_type(s.story, "flat", "pid:u64 unused:u64 stack:a10");
	story_type(s.story, "deep", "pid:u64 unused:u64 stack:a200");
	story_tell(s.story, save, &s);
	tell_stack(s.story, 10, "flat");
	check_stack(s.saved, 10);
	tell_stack(s.story, 200, "deep");
	check_stack(s.saved, 200);
	tell_stack(s.story, 10, "flat");
	check_stack(s.saved, 10);
	copy = saved_stack_copy(s.saved);
	tell_stack(s.story, 200, "deep");
	check_stack(copy, 10);
	free(copy);
	free(s.saved);
	story_free(s.story);
}

/* ---- many tasks ---- */

static void no_start(void *ctx, struct sched_task *t, const struct feed_event *e)
{
	(void)ctx;
	(void)t;
	(void)e;
}

static void *tasks_open(const struct report_env *env, struct pairs *pairs)
{
	struct sched *s = calloc(1, sizeof(*s));

	(void)pairs;
	assert_non_null(s);
	s->starts = no_start;
	sched_open(s, env->types);
	return s;
}

/* The latest tasks are known, and no more than there is room for. */
static void tasks_close(void *state)
{
	struct sched *s = state;

	assert_true(s->n_tasks <= SCHED_TASKS_MAX && s->n_tasks >= SCHED_TASKS_MAX / 2);
	for (int32_t i = 0; i < 1000; i++)
		assert_non_null(sched_find(s, 2 * SCHED_TASKS_MAX - i));
	assert_null(sched_find(s, 1));
	sched_close(s);
	free(s);
}

static void give_event(void *run, const struct nr_event *ev)
{
	report_run_event(run, ev, true);
}

/* Tasks whose ends were lost do not fill the memory. */
static void test_many_tasks(void **state)
{
	static const struct feed_type types[] = { SCHED_SWITCH, {} };
	static const struct report tasks = {
		.events = types,
		.pair_size = sizeof(struct pair),
		.open = tasks_open,
		.close = tasks_close,
	};
	const struct report *const list[] = { &tasks };
	struct story *s = begin("offcpu");
	const struct report_env env = { .types = story_types(s) };
	struct report_run *run = report_run_open(list, 1, &env, NULL, 0);

	(void)state;
	assert_non_null(run);
	story_tell(s, give_event, run);
	for (unsigned i = 0; i < 2 * SCHED_TASKS_MAX; i++)
		change(s, i, 0, i, SLEEPS, READ, i + 1);
	report_run_close(run);
	story_free(s);
}

/* ---- random ---- */

#define CPUS  4
#define TASKS 12
#define STEPS 4000

/* What happened to a task, and was recorded. */
struct entry {
	uint64_t ts;
	long long tid;
	enum { OUT_TO_SLEEP, OUT_READY, IN, WOKEN } what;
};

struct world {
	struct story *s;
	uint64_t us;
	long long runs[CPUS]; /* the task of each CPU, 0: idle */
	enum { ASLEEP, READY, RUNS } state[TASKS + 1];
	struct entry list[2 * STEPS];
	unsigned n;
	struct {
		uint64_t begin, end;
	} losses[STEPS];
	unsigned n_losses;
	uint64_t last[CPUS];
	unsigned pending[CPUS]; /* lost since its last record */
};

/* Is the next record of the CPU lost? If not, what was lost before it is a loss of the world. */
static bool is_lost(struct world *w, unsigned cpu)
{
	if (seed_once_in(&seed, 40)) {
		story_lose(w->s, cpu, 1);
		w->pending[cpu]++;
		return true;
	}
	if (w->pending[cpu]) {
		w->losses[w->n_losses].begin = w->last[cpu];
		w->losses[w->n_losses++].end = at(w->us);
	}
	w->pending[cpu] = 0;
	w->last[cpu] = at(w->us);
	return false;
}

static void add(struct world *w, long long tid, int what)
{
	if (tid)
		w->list[w->n++] = (struct entry){ at(w->us), tid, what };
}

static void random_switch(struct world *w, unsigned cpu)
{
	long long prev = w->runs[cpu], next = seed_below(&seed, TASKS + 1);
	bool sleeps = seed_once_in(&seed, 2);

	if (next && w->state[next] != READY)
		next = 0;
	if (next == prev)
		return;
	w->state[prev] = sleeps ? ASLEEP : READY;
	w->state[next] = RUNS;
	w->runs[cpu] = next;
	if (is_lost(w, cpu))
		return;
	change(w->s, w->us, cpu, prev, prev && sleeps ? BLOCKED : RUNNING, FSYNC, next);
	add(w, prev, sleeps ? OUT_TO_SLEEP : OUT_READY);
	add(w, next, IN);
}

static void random_wake(struct world *w, unsigned cpu)
{
	long long tid = 1 + seed_below(&seed, TASKS);

	if (w->state[tid] != ASLEEP)
		return;
	w->state[tid] = READY;
	if (is_lost(w, cpu))
		return;
	wake(w->s, w->us, cpu, tid, cpu, w->runs[cpu], 0);
	add(w, tid, WOKEN);
}

/* A loss at the very end has a test of its own. */
static void last_event(struct world *w, unsigned cpu)
{
	w->us++;
	if (!is_lost(w, cpu))
		change(w->s, w->us, cpu, 0, RUNNING, FSYNC, 0);
}

static struct world *random_world(const char *report)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->s = begin(report);
	for (unsigned i = 0; i < CPUS; i++)
		w->last[i] = BEGIN;
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned cpu = seed_below(&seed, CPUS);

		w->us += 1 + seed_below(&seed, 100);
		if (seed_once_in(&seed, 2))
			random_switch(w, cpu);
		else
			random_wake(w, cpu);
	}
	for (unsigned i = 0; i < CPUS; i++)
		last_event(w, i);
	return w;
}

struct sums {
	int64_t pairs, left_out, ns;
};

static void sum(struct world *w, struct sums *sums, uint64_t begin, uint64_t end)
{
	for (unsigned i = 0; i < w->n_losses; i++) {
		if (w->losses[i].begin < end && w->losses[i].end > begin) {
			sums->left_out++;
			return;
		}
	}
	sums->pairs++;
	sums->ns += end - begin;
}

/* The latest switch of this task before an entry; -1: none. */
static int switch_before(const struct world *w, unsigned i)
{
	long long tid = w->list[i].tid;
	int k = i;

	while (--k >= 0)
		if (w->list[k].tid == tid && w->list[k].what != WOKEN)
			break;
	return k;
}

static void slow_offcpu(struct world *w, struct sums *sums)
{
	for (unsigned i = 0; i < w->n; i++) {
		int k = w->list[i].what == IN ? switch_before(w, i) : -1;

		if (k >= 0 && w->list[k].what == OUT_TO_SLEEP)
			sum(w, sums, w->list[k].ts, w->list[i].ts);
	}
}

/* Was the task woken up while it ran, shortly before entry k, at which it went to sleep? */
static bool woken_early(const struct world *w, int k)
{
	int before = switch_before(w, k);

	if (before < 0 || w->list[before].what != IN)
		return false;
	for (int j = before + 1; j < k; j++)
		if (w->list[j].tid == w->list[k].tid && w->list[j].ts + MS > w->list[k].ts)
			return true;
	return false;
}

/* A wait begins with the first wake-up after the sleep. */
static void slow_runq(struct world *w, struct sums *sums)
{
	for (unsigned i = 0; i < w->n; i++) {
		int k = w->list[i].what == IN ? switch_before(w, i) : (int)i;
		uint64_t since = 0;

		if (k == (int)i || (k >= 0 && w->list[k].what == IN))
			continue;
		if (k >= 0 && w->list[k].what == OUT_READY)
			since = w->list[k].ts;
		for (unsigned j = k + 1; !since && j < i; j++)
			if (w->list[j].tid == w->list[i].tid)
				since = w->list[j].ts;
		if (!since && k >= 0 && woken_early(w, k))
			since = w->list[k].ts;
		if (since)
			sum(w, sums, since, w->list[i].ts);
	}
}

static void compare(const char *report, void (*slow)(struct world *w, struct sums *sums))
{
	for (unsigned round = 0; round < 20; round++) {
		struct world *w = random_world(report);
		struct sums sums = {};
		bool silent = false;

		for (unsigned i = 0; i < CPUS; i++)
			silent |= w->pending[i];
		if (!silent) {
			slow(w, &sums);
			story_end(w->s, at(w->us + 10));
			assert_int_equal(story_number(w->s, "pairs"), sums.pairs);
			assert_int_equal(story_number(w->s, "left_out"), sums.left_out);
			assert_int_equal(story_number(w->s, "histogram.sum_ns"), sums.ns);
			assert_true(sums.pairs > 100 && sums.left_out > 10);
		}
		story_free(w->s);
		free(w);
	}
}

static void test_random_offcpu(void **state)
{
	(void)state;
	compare("offcpu", slow_offcpu);
}

static void test_random_runq(void **state)
{
	(void)state;
	compare("runq", slow_runq);
}

/* A loss that no record shows: only the recorder's count at the end tells. */
static void test_silent_loss(void **state)
{
	struct story *s = begin("offcpu");

	(void)state;
	mutex(s);
	story_lose(s, 3, 1);
	story_end(s, at(50000));
	assert_int_equal(story_number(s, "pairs"), 0);
	assert_int_equal(story_number(s, "left_out"), 2);
	story_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mutex),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_lost_before),
		cmocka_unit_test(test_loss_before_end),
		cmocka_unit_test(test_other_cpus),
		cmocka_unit_test(test_other_cpus_end),
		cmocka_unit_test(test_chain_to_hog),
		cmocka_unit_test(test_ended_waker),
		cmocka_unit_test(test_ended_waker_forgotten),
		cmocka_unit_test(test_wait_after_sleep),
		cmocka_unit_test(test_futex),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_early_wake),
		cmocka_unit_test(test_irq),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_throttled),
		cmocka_unit_test(test_deep_stacks),
		cmocka_unit_test(test_softirqs),
		cmocka_unit_test(test_nested_irqs),
		cmocka_unit_test(test_many_irqs),
		cmocka_unit_test(test_preempted),
		cmocka_unit_test(test_hog),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_wakeups),
		cmocka_unit_test(test_other_args),
		cmocka_unit_test(test_unknown_context),
		cmocka_unit_test(test_moved_twice),
		cmocka_unit_test(test_many_tasks),
		cmocka_unit_test(test_random_offcpu),
		cmocka_unit_test(test_random_runq),
		cmocka_unit_test(test_silent_loss),
	};

	seed.state = seed_first("report_sched");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
