/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The filter of a collector in a program: what functions get, and when an expression is checked. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>
#include <numaring/numaring.h>

#define CALLS 500

static char said[1024];

static void hear(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level == NR_LOG_ERROR)
		snprintf(said, sizeof(said), "%s", text);
}

static struct nr_collector *open_collector(void)
{
	const struct nr_collector_opts opts = { .sz = sizeof(opts), .log = hear, .self = true };
	struct nr_collector *c = NULL;
	int err = nr_collector_open(&c, &opts);

	if (err == -EPERM || err == -EOPNOTSUPP) {
		print_message("skipped: BPF programs cannot be loaded here\n");
		skip();
	}
	assert_int_equal(err, 0);
	said[0] = 0;
	return c;
}

struct seen {
	const struct nr_types *types;
	uint64_t events, failed, others, empty, calls;
};

static int take(void *ctx, const struct nr_batch *batch)
{
	struct seen *s = ctx;

	s->calls++;
	s->empty += !batch->n;
	nr_batch_for_each (ev, batch) {
		struct nr_field_info ret = { .sz = sizeof(ret) };
		const char *name = nr_types_name(s->types, ev->rec->id);

		if (strcmp(name, "sys_exit") || nr_types_field(s->types, ev->rec->id, "ret", &ret))
			s->others++;
		else
			s->failed += (int64_t)nr_event_int(ev, &ret) == -ESRCH;
		s->events++;
	}
	return 0;
}

static void run(struct nr_collector *c)
{
	assert_int_equal(nr_collector_start(c), 0);
	for (unsigned i = 0; i < CALLS; i++)
		syscall(SYS_getpgid, i % 2 ? 0 : -5);
	assert_int_equal(nr_collector_stop(c), 0);
}

static void expect_account(const struct nr_collector *c, uint64_t events)
{
	struct nr_stats *st = nr_collector_stats(c);

	assert_non_null(st);
	assert_int_equal(st->events_written, events);
	assert_int_equal(st->reserved, st->events_written + st->filtered + st->discarded);
	assert_int_equal(st->unaccounted, 0);
	assert_int_equal(st->lost_total, 0);
	nr_stats_free(st);
}

/* The kernel decides, or the stream; one function that is called by the merge, or several outputs. */
static void functions(const char *filter, bool is_direct)
{
	const struct nr_output_opts optional = { .sz = sizeof(optional), .optional = true };
	struct nr_collector *c = open_collector();
	struct seen first = { .types = nr_collector_types(c) }, second = first;

	assert_int_equal(nr_collector_add_source(c, "syscalls"), 0);
	assert_int_equal(nr_collector_filter(c, filter), 0);
	assert_int_equal(nr_collector_add_batch(c, take, &first, NULL), 0);
	if (!is_direct)
		assert_int_equal(nr_collector_add_batch(c, take, &second, &optional), 1);
	run(c);
	assert_int_equal(first.events, CALLS / 2);
	assert_int_equal(first.failed, CALLS / 2);
	assert_int_equal(first.others, 0);
	if (!is_direct)
		assert_int_equal(second.failed, CALLS / 2);
	expect_account(c, CALLS / 2);
	nr_collector_close(c);
}

static void test_functions(void **state)
{
	static const char *const filters[] = {
		"comm == \"test_filtering\" && nr == getpgid && ret < 0",
		"comm == \"*_filtering\" && nr == getpgid && ret < 0",
		"type == \"*exit\" && (ret == -3 && comm == \"*filt*ing\" || comm == "
		"\"*no*body*\")",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		functions(filters[i], true);
		functions(filters[i], false);
	}
}

static void test_checks(void **state)
{
	struct nr_collector *c = open_collector();
	struct seen seen = { .types = nr_collector_types(c) };

	(void)state;
	assert_int_equal(nr_collector_filter(c, "nr == getpgid"), -EINVAL); /* no types yet */
	assert_int_equal(nr_collector_add_source(c, "syscalls"), 0);
	assert_int_equal(nr_collector_filter(c, "rte == -3"), -EINVAL);
	assert_non_null(strstr(said, "ret"));
	assert_int_equal(nr_collector_filter(c, "cgroup == \"no such one\""), -ENOENT);
	assert_int_equal(nr_collector_filter(c, "comm == \"test_filtering\" && ret == -3"), 0);
	assert_int_equal(nr_collector_filter(c, "ret =="), -EINVAL); /* the one before stays */
	assert_int_equal(nr_collector_add_source(c, "sched"), 0);    /* is filtered, too */
	assert_int_equal(nr_collector_add_batch(c, take, &seen, NULL), 0);
	run(c);
	assert_int_equal(seen.others, 0);
	assert_int_equal(seen.failed, CALLS / 2);
	assert_int_equal(nr_collector_filter(c, NULL), -EBUSY);
	nr_collector_close(c);
}

static void test_removed(void **state)
{
	struct nr_collector *c = open_collector();
	struct seen seen = { .types = nr_collector_types(c) };

	(void)state;
	assert_int_equal(nr_collector_add_source(c, "syscalls"), 0);
	assert_int_equal(nr_collector_filter(c, "nr == getpgid && comm == \"nobody\""), 0);
	assert_int_equal(nr_collector_filter(c, NULL), 0);
	assert_int_equal(nr_collector_add_batch(c, take, &seen, NULL), 0);
	run(c);
	assert_true(seen.events >= 2 * CALLS);
	nr_collector_close(c);
}

/* Packets that the filter leaves empty make no calls. */
static void test_nothing(void **state)
{
	struct nr_collector *c = open_collector();
	struct seen seen = { .types = nr_collector_types(c) };

	(void)state;
	assert_int_equal(nr_collector_add_source(c, "syscalls"), 0);
	assert_int_equal(nr_collector_filter(c, "comm == \"*nobody*\""), 0);
	assert_int_equal(nr_collector_add_batch(c, take, &seen, NULL), 0);
	run(c);
	assert_int_equal(seen.events, 0);
	assert_int_equal(seen.calls, 1); /* of the last packet */
	expect_account(c, 0);
	nr_collector_close(c);
}

static void test_follow(void **state)
{
	struct nr_collector_opts opts = {
		.sz = sizeof(opts), .log = hear, .follow = true, .pid = 1
	};
	struct nr_collector *c = NULL;

	(void)state;
	assert_int_equal(nr_collector_open(&c, &opts), -EINVAL);
	assert_non_null(strstr(said, "leave out one"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions), cmocka_unit_test(test_checks),
		cmocka_unit_test(test_removed),	  cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_follow),
	};

	return cmocka_run_group_tests_name("filtering", tests, NULL, NULL);
}
