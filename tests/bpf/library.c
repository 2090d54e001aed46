/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The end of a recording in a program that uses the library, without the code of the command: a
 * write that does not return, at the end and in a failed start, and a file that may not grow.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <numaring/numaring.h>
#include <numaring/trace.h>

static const struct nr_output_opts replace = { .sz = sizeof(replace), .force = true };

#define PATIENCE_MS 100
#define HANG_MS	    600

static char dir[] = "/tmp/nr-library-XXXXXX";
static char trace[64], object[4096];
static _Atomic(int) hangs_after = -1; /* number of writes that still return; -1: all */

/* Replaces the library's pwrite too, because the program's symbol comes first. */
NR_API ssize_t pwrite(int fd, const void *data, size_t size, off_t off)
{
	const struct timespec long_time = { .tv_nsec = HANG_MS * 1000000l };
	int left = atomic_load(&hangs_after);

	if (!left) {
		nanosleep(&long_time, NULL);
		errno = EIO;
		return -1;
	}
	if (left > 0)
		atomic_fetch_sub(&hangs_after, 1);
	return syscall(SYS_pwrite64, fd, data, size, off);
}

static _Atomic(bool) log_is_gone, log_was_called;
static bool quiet;

static void count_log(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level <= NR_LOG_WARN && !quiet)
		print_message("%s\n", text);
	if (atomic_load(&log_is_gone))
		atomic_store(&log_was_called, true);
}

static struct nr_collector *open_collector(unsigned stop_timeout_ms)
{
	const struct nr_collector_opts opts = { .sz = sizeof(opts),
						.log = count_log,
						.stop_timeout_ms = stop_timeout_ms };
	static int traces; /* a thread that is left behind keeps its trace locked */
	struct nr_collector *c = NULL;
	int err = nr_collector_open(&c, &opts);

	snprintf(trace, sizeof(trace), "%s/%d", dir, traces++);
	if (err == -EPERM || err == -EOPNOTSUPP) {
		print_message("skipped: BPF programs cannot be loaded here\n");
		skip();
	}
	assert_int_equal(err, 0);
	assert_int_equal(nr_collector_add_trace(c, trace, &replace), 0);
	return c;
}

static void wait_ms(unsigned ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&t, NULL);
}

/* Closes the collector and checks that the thread left behind does no harm. */
static void close_and_outlive(struct nr_collector *c)
{
	nr_collector_close(c);
	atomic_store(&log_is_gone, true);
	wait_ms(2 * HANG_MS);
	assert_false(atomic_load(&log_was_called));
	atomic_store(&log_is_gone, false);
	atomic_store(&hangs_after, -1);
}

static void test_stop_with_a_write_that_hangs(void **state)
{
	struct nr_collector *c = open_collector(PATIENCE_MS);

	(void)state;
	assert_null(nr_collector_stats(c)); /* not started yet */
	assert_int_equal(nr_collector_add_source(c, "sched"), 0);
	assert_int_equal(nr_collector_start(c), 0);
	atomic_store(&hangs_after, 0);
	assert_int_equal(nr_collector_stop(c), -ETIMEDOUT);
	close_and_outlive(c);
}

/* The writer stays while a thread is still in it. */
static void test_failed_start_with_a_write_that_hangs(void **state)
{
	struct nr_collector *c = open_collector(PATIENCE_MS);

	(void)state;
	assert_int_equal(nr_collector_add_object(c, object), 0);
	atomic_store(&hangs_after, 3); /* metadata, .btf and the first packet */
	assert_int_equal(nr_collector_start(c), -ENOENT);
	close_and_outlive(c);
}

static void test_file_that_may_not_grow(void **state)
{
	struct nr_collector *c = open_collector(0);
	struct rlimit limit, before;
	char stream[80];
	struct stat st;
	int err;

	(void)state;
	assert_int_equal(nr_collector_add_source(c, "sched"), 0);
	assert_int_equal(nr_collector_start(c), 0);
	snprintf(stream, sizeof(stream), "%s/stream", trace);
	assert_int_equal(stat(stream, &st), 0);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = (struct rlimit){ st.st_size, before.rlim_max };
	quiet = true; /* our own output may be a file, too */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	err = nr_collector_stop(c);
	nr_collector_close(c);
	setrlimit(RLIMIT_FSIZE, &before);
	quiet = false;
	assert_int_equal(err, -EFBIG);
}

/* Only a running collector can begin a chunk. */
static void test_rotate(void **state)
{
	struct nr_collector *c = open_collector(0);

	(void)state;
	quiet = true;
	assert_int_equal(nr_collector_add_source(c, "sched"), 0);
	assert_int_equal(nr_collector_rotate(c), -EINVAL);
	assert_int_equal(nr_collector_start(c), 0);
	assert_int_equal(nr_collector_rotate(c), 0);
	assert_int_equal(nr_collector_stop(c), 0);
	assert_int_equal(nr_collector_rotate(c), -EINVAL);
	nr_collector_close(c);
	quiet = false;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* The source records no more while it is detached, which takes at least a grace period. */
static void test_end_is_when_the_stop_begins(void **state)
{
	struct nr_account account = { .sz = sizeof(account) };
	struct nr_collector *c = open_collector(0);
	struct nr_trace *t = NULL;
	uint64_t begin, end;
	struct nr_event ev;

	(void)state;
	assert_int_equal(nr_collector_add_source(c, "syscalls:acct"), 0); /* nobody calls it */
	assert_int_equal(nr_collector_start(c), 0);
	begin = now();
	assert_int_equal(nr_collector_stop(c), 0);
	end = now();
	nr_collector_close(c);
	assert_int_equal(nr_trace_open(&t, trace, NULL), 0);
	while (nr_trace_next(t, &ev) > 0)
		;
	assert_int_equal(nr_trace_end(t, &account), 0);
	nr_trace_close(t);
	assert_in_range(account.end, begin, begin + (end - begin) / 2);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rotate),
		cmocka_unit_test(test_end_is_when_the_stop_begins),
		cmocka_unit_test(test_stop_with_a_write_that_hangs),
		cmocka_unit_test(test_failed_start_with_a_write_that_hangs),
		cmocka_unit_test(test_file_that_may_not_grow),
	};

	(void)argc;
	snprintf(object, sizeof(object), "%.*s/nowhere.bpf.o",
		 (int)(strrchr(argv[0], '/') - argv[0]), argv[0]);
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
