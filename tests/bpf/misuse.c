// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A user of the API who makes mistakes: each mistake is refused with a message, and the next right
 * call works. Arguments: a BPF object with an event and a syscall program called run, one with an
 * event called good and another that is refused, and one with an event and a perf_event program
 * called run. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <numaring/numaring.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *path, *half_good, *on_clock;
static int failures;
static char said[512];

static void keep(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level == NR_LOG_ERROR)
		snprintf(said, sizeof(said), "%s", text);
}

/* Checks that got is err and that the log has these words. */
static void refused(const char *what, int got, int err, const char *words)
{
	if (got == err && strstr(said, words)) {
		printf("ok: %s\n", what);
	} else {
		printf("FAILED: %s: %d is not %d, or \"%s\" does not say \"%s\"\n", what, got, err,
		       said, words);
		failures++;
	}
	said[0] = '\0';
}

static void equal(const char *what, long a, long b)
{
	if (a != b) {
		printf("FAILED: %s: %ld is not %ld\n", what, a, b);
		failures++;
	}
}

static struct nr_collector *open_collector(void)
{
	const struct nr_collector_opts opts = { .sz = sizeof(opts), .log = keep };
	struct nr_collector *c = NULL;

	equal("open", nr_collector_open(&c, &opts), 0);
	return c;
}

static void test_options(void)
{
	struct {
		struct nr_collector_opts opts;
		long later;
	} o = { .opts = { .policy = "cpu", .log = keep } };
	struct nr_collector *c = NULL;

	refused("sz forgotten", nr_collector_open(&c, &o.opts), -EINVAL, "sizeof");
	o.opts.sz = 12;
	refused("sz too small", nr_collector_open(&c, &o.opts), -EINVAL, "sizeof");
	o.opts.sz = sizeof(o);
	o.later = 1;
	refused("a later wish", nr_collector_open(&c, &o.opts), -EINVAL, "newer libnumaring");
	o.later = 0;
	o.opts.order = 99;
	refused("order 99", nr_collector_open(&c, &o.opts), -EINVAL, "invalid order 99");
	o.opts.order = NR_ORDER_FENCE;
	o.opts.pid = -5;
	refused("pid -5", nr_collector_open(&c, &o.opts), -EINVAL, "invalid PID -5");
	equal("out is untouched", c == NULL, 1);
}

/* A refused object leaves nothing behind that could affect the next object. */
static void test_half_good_object(void)
{
	struct nr_collector *c = open_collector();

	refused("an event that cannot be", nr_collector_add_object(c, half_good), -ENOTSUP,
		"rest_len");
	equal("its other event", nr_types_id(nr_collector_types(c), "good"), -ENOENT);
	equal("the next object", nr_collector_add_object(c, path), 0);
	nr_collector_close(c);
}

static int add_compressed(struct nr_collector *c, const char *compress)
{
	const struct nr_output_opts opts = { .sz = sizeof(opts), .compress = compress };

	return nr_collector_add_trace(c, "never-begun", &opts);
}

/* The packers compress a packet once. */
static void test_compression(void)
{
	struct nr_collector *c = open_collector();

	refused("gzip", add_compressed(c, "gzip"), -EINVAL, "invalid compression \"gzip\"");
	refused("level 20", add_compressed(c, "zstd:20"), -EINVAL, "a level from -7 to 19");
	equal("level 3", add_compressed(c, "zstd:3"), 0);
	refused("two levels", add_compressed(c, "zstd"), -EINVAL, "has another level");
	equal("level 3 again", add_compressed(c, "zstd:3"), 1);
	equal("plain", add_compressed(c, NULL), 2);
	nr_collector_close(c);
}

struct callback {
	struct nr_collector *collector;
	int stopped; /* the result of nr_collector_stop in the callback */
	unsigned calls;
};

static int stop_inside(void *ctx, const struct nr_batch *batch)
{
	struct callback *cb = ctx;

	if (!batch->n)
		return 0;
	cb->calls++;
	cb->stopped = nr_collector_stop(cb->collector);
	nr_collector_close(cb->collector);
	return 5;
}

static void test_start_and_callback(void)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct callback cb = { .collector = open_collector() };
	LIBBPF_OPTS(bpf_test_run_opts, run);

	refused("stop before start", nr_collector_stop(cb.collector), -EINVAL, "not running");
	refused("no output", nr_collector_start(cb.collector), -EINVAL, "add an output");
	refused("no directory", nr_collector_add_trace(cb.collector, NULL, NULL), -EINVAL,
		"directory of a trace is NULL");
	refused("no function", nr_collector_add_batch(cb.collector, NULL, NULL, NULL), -EINVAL,
		"is NULL: pass one");
	equal("batch", nr_collector_add_batch(cb.collector, stop_inside, &cb, NULL), 0);
	refused("nothing to record", nr_collector_start(cb.collector), -EINVAL,
		"nothing to record");
	equal("add", nr_collector_add_bpf_object(cb.collector, object), 0);
	refused("added twice", nr_collector_add_bpf_object(cb.collector, object), -EBUSY,
		"already added");
	equal("start, now that there is all", nr_collector_start(cb.collector), 0);
	bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(object, "run")),
			       &run);
	refused("stop, after a callback that returned 5", nr_collector_stop(cb.collector), -EINVAL,
		"returned 5");
	equal("callbacks", cb.calls, 1);
	equal("stop inside the callback", cb.stopped, -EDEADLK);
	nr_collector_close(cb.collector);

	cb.collector = open_collector();
	refused("loaded already", nr_collector_add_bpf_object(cb.collector, object), -EBUSY,
		"already loaded");
	nr_collector_close(cb.collector);
	bpf_object__close(object);
}

static int count(void *ctx, const struct nr_batch *batch)
{
	*(unsigned *)ctx += batch->n;
	return 0;
}

static struct nr_collector *collect_from(struct bpf_object *object, unsigned *events)
{
	struct nr_collector *c = open_collector();

	equal("add", nr_collector_add_bpf_object(c, object), 0);
	equal("batch", nr_collector_add_batch(c, count, events, NULL), 0);
	return c;
}

/* Runs prog every millisecond of this process's CPU time, from a timer interrupt, not an NMI. */
static void attach_to_clock(struct bpf_program *prog)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000,
	};
	int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	struct bpf_link *link = bpf_program__attach_perf_event(prog, fd);
	clock_t end = clock() + CLOCKS_PER_SEC / 10;

	equal("attached to the clock", link != NULL, 1);
	while (clock() < end)
		;
	bpf_link__destroy(link);
}

/* A program that no section name attaches is refused until the caller promises to attach it. */
static void test_own_attaching(void)
{
	struct bpf_object *object = bpf_object__open_file(on_clock, NULL);
	unsigned events = 0;
	struct nr_collector *c = collect_from(object, &events);
	struct bpf_program *prog;

	refused("nowhere to attach it to", nr_collector_start(c), -EOPNOTSUPP,
		"or call bpf_program__set_autoattach(prog, false)");
	nr_collector_close(c);
	bpf_object__close(object);

	object = bpf_object__open_file(on_clock, NULL);
	prog = bpf_object__find_program_by_name(object, "run");
	bpf_program__set_autoattach(prog, false);
	c = collect_from(object, &events);
	equal("start, attached by nobody", nr_collector_start(c), 0);
	attach_to_clock(prog);
	equal("stop", nr_collector_stop(c), 0);
	equal("events of a program with its own attaching", events > 0, 1);
	nr_collector_close(c);
	bpf_object__close(object);
}

static int my_print(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static void *add_objects(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		struct nr_collector *c = open_collector();

		for (int k = 0; k < 100; k++)
			equal("add", nr_collector_add_object(c, path), 0);
		nr_collector_close(c);
	}
	return NULL;
}

/* Two collectors in two threads do not change libbpf's print function. */
static void test_libbpf_print(void)
{
	pthread_t threads[2];

	libbpf_set_print(my_print);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, add_objects, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	equal("libbpf's print function is as it was", libbpf_set_print(NULL) == my_print, 1);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	path = argv[1];
	half_good = argv[2];
	on_clock = argv[3];
	test_options();
	test_half_good_object();
	test_compression();
	test_start_and_callback();
	test_own_attaching();
	test_libbpf_print();
	return failures ? 1 : 0;
}
