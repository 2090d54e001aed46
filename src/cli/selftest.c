/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * numaring selftest order: is the order exact on this machine, and would we notice if it were not?
 *
 * One thread on each CPU makes system calls as fast as it can. A BPF program writes a record for
 * each call and reads the clock at the place that the variant chooses (bpf/selftest.h). Two
 * variants are wrong on purpose: the test proves something only if their records arrive below the
 * watermark (`behind` of the shards). The other two are those of --order. With grace periods the
 * place does not matter, so that variant reads the clock much too early.
 *
 * With --transport lane, the compare-and-swap that reserves is the fence. The variants without one
 * store the head instead.
 *
 * A run has three parts: calls that write no record; calls that write one (the difference is the
 * cost of a record); and calls that keep waking the consumers, because an error shows only when a
 * consumer looks between a record's time and its reservation. That happens by chance, so a wrong
 * variant that was not caught runs for longer.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <numaring/numaring.h>
#include "cli.h"
#include "help.h"
#include "selftest.h"
#include "selftest.skel.h"
#include "what_args.h"

/* Calls between two checks of the current part. */
#define BATCH 256

/* The difference that numaring allows between the clocks of two CPUs (docs/order.md). */
#define CLOCK_ERROR_NS 1000

static const struct variant {
	const char *name;
	const char *about;
	bool real; /* false: wrong on purpose */
	enum nr_order order;
	unsigned long cost; /* how PART_COST writes a record */
	unsigned long hunt; /* how PART_HUNT does */
} variants[] = {
	{ "before", "clock before reservation", false, NR_ORDER_FENCE, NR_STAMP_BEFORE,
	  NR_STAMP_BEFORE | NR_SELFTEST_WAKE },
	{ "after", "clock after it, no fence", false, NR_ORDER_FENCE, NR_STAMP_AFTER,
	  NR_STAMP_AFTER | NR_SELFTEST_WAKE },
	{ "fence", "clock after the fence", true, NR_ORDER_FENCE, NR_STAMP_FENCE,
	  NR_STAMP_FENCE | NR_SELFTEST_WAKE },
	{ "rcu", "grace period, no fence", true, NR_ORDER_RCU, NR_STAMP_AFTER, NR_STAMP_SLOW },
};

static const char *const policies[] = { "single", "cpu" };

#define NR_VARIANTS (sizeof(variants) / sizeof(variants[0]))
#define NR_POLICIES (sizeof(policies) / sizeof(policies[0]))
#define NR_RUNS	    (NR_VARIANTS * NR_POLICIES)

enum part { PART_IDLE, PART_COST, PART_HUNT, NR_PARTS };

/* Percent of a run's time. The first two alternate, so that the load of the host affects both. */
static const unsigned share_of[NR_PARTS] = { 15, 25, 60 };
#define TURNS 5

/* A wrong variant that was not caught is given this much more time, again and again. */
#define MORE_S 0.05

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

struct producer {
	struct run *run;
	pthread_t thread;
	unsigned cpu;
	uint64_t calls[NR_PARTS];
	uint64_t ns[NR_PARTS]; /* CPU time of the thread */
};

struct result {
	const struct variant *variant;
	const char *policy;
	uint64_t records, violations, back_step_ns, late, unordered, unsorted, lost, unaccounted;
	double ns_per_event;
};

struct run {
	struct result *result;
	enum nr_transport transport;
	struct nr_collector *collector;
	struct producer *producers;
	unsigned n_producers;
	_Atomic(int) part;
	/* Of the stream; used by the merge thread only. */
	uint64_t last_ts;
	uint64_t *last_count; /* [n_cpus] */
	unsigned n_cpus;
};

struct selftest {
	double seconds;
	double more; /* seconds of extra time left for wrong variants */
	bool json;
	enum nr_transport transport;
	char clocksource[32];
	unsigned *cpus;
	unsigned n_cpus;
	struct result results[NR_RUNS];
};

/* ---- producers ---- */

static uint64_t thread_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static unsigned long how_to(const struct run *run, enum part part)
{
	const struct variant *v = run->result->variant;

	if (part == PART_IDLE)
		return NR_STAMP_NONE;
	return part == PART_HUNT ? v->hunt : v->cost;
}

static void *produce(void *arg)
{
	struct producer *p = arg;
	uint64_t count = 0, start;
	int part;

	while ((part = p->run->part) != NR_PARTS) {
		unsigned long how = how_to(p->run, part);

		start = thread_time();
		for (unsigned i = 0; i < BATCH; i++)
			syscall(SYS_getpid, NR_SELFTEST_MAGIC, how, ++count);
		p->ns[part] += thread_time() - start;
		p->calls[part] += BATCH;
	}
	return NULL;
}

static int start_producer(struct producer *p)
{
	size_t size = CPU_ALLOC_SIZE(p->cpu + 1);
	cpu_set_t *set = CPU_ALLOC(p->cpu + 1);
	pthread_attr_t attr;
	int err;

	if (!set)
		return -ENOMEM;
	CPU_ZERO_S(size, set);
	CPU_SET_S(p->cpu, size, set);
	pthread_attr_init(&attr);
	err = pthread_attr_setaffinity_np(&attr, size, set);
	if (!err)
		err = pthread_create(&p->thread, &attr, produce, p);
	pthread_attr_destroy(&attr);
	CPU_FREE(set);
	return -err;
}

static void sleep_for(double seconds)
{
	struct timespec ts = { .tv_sec = seconds };

	ts.tv_nsec = (seconds - ts.tv_sec) * 1e9;
	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static uint64_t violations(const struct nr_stats *st)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < st->n_shards; i++)
		sum += nr_stats_shard(st, i)->behind;
	return sum;
}

static bool violated(const struct run *run)
{
	struct nr_stats *st = nr_collector_stats(run->collector);
	bool found = st && violations(st);

	nr_stats_free(st);
	return found;
}

static void hunt_on(const struct run *run, double *more)
{
	while (!violated(run) && *more > 0) {
		sleep_for(MORE_S);
		*more -= MORE_S;
	}
}

static void run_parts(struct run *run, double seconds, double *more)
{
	for (unsigned i = 0; i < 2 * TURNS; i++) {
		run->part = i % 2 ? PART_COST : PART_IDLE;
		sleep_for(seconds * share_of[i % 2 ? PART_COST : PART_IDLE] / 100 / TURNS);
	}
	run->part = PART_HUNT;
	sleep_for(seconds * share_of[PART_HUNT] / 100);
	if (!run->result->variant->real)
		hunt_on(run, more);
}

static int run_producers(struct run *run, double seconds, double *more)
{
	unsigned started = 0;
	int err = 0;

	while (!err && started < run->n_producers) {
		err = start_producer(&run->producers[started]);
		started += !err;
	}
	if (!err)
		run_parts(run, seconds, more);
	run->part = NR_PARTS;
	while (started-- > 0)
		pthread_join(run->producers[started].thread, NULL);
	if (err)
		cli_error("cannot start a thread on each CPU: %s", strerror(-err));
	return err;
}

/* The mean CPU time of a call in this part, over all CPUs. */
static double ns_per_call(const struct run *run, enum part part)
{
	uint64_t calls = 0, ns = 0;

	for (unsigned i = 0; i < run->n_producers; i++) {
		calls += run->producers[i].calls[part];
		ns += run->producers[i].ns[part];
	}
	return calls ? (double)ns / calls : 0;
}

/* ---- the stream ---- */

/* Late records are moved, so the stream is in order even with them. They may still break the order
 * of the counts of their CPU. */
static int check_order(void *ctx, const struct nr_batch *batch)
{
	struct run *run = ctx;

	nr_batch_for_each (ev, batch) {
		uint64_t count = *(const uint64_t *)ev->data;
		uint64_t *last = ev->rec->cpu < run->n_cpus ? &run->last_count[ev->rec->cpu] : NULL;
		bool late = ev->flags & NR_EVENT_LATE;

		if (ev->ts < run->last_ts || !last || (!late && count <= *last))
			run->result->unordered++;
		run->last_ts = ev->ts;
		if (last && !late)
			*last = count;
	}
	return 0;
}

static int take_numbers(struct run *run)
{
	struct nr_stats *st = nr_collector_stats(run->collector);
	struct result *r = run->result;

	if (!st)
		return -ENOMEM;

	for (unsigned i = 0; i < st->n_shards; i++) {
		const struct nr_shard_stats *s = nr_stats_shard(st, i);

		r->records += s->records;
		r->unsorted += s->unsorted;
		if (s->behind_by_ns > r->back_step_ns)
			r->back_step_ns = s->behind_by_ns;
	}
	r->violations = violations(st);
	r->late = st->late;
	r->lost = st->lost_total;
	r->unaccounted = st->unaccounted;
	r->ns_per_event = ns_per_call(run, PART_COST) - ns_per_call(run, PART_IDLE);
	nr_stats_free(st);
	return 0;
}

static int open_collector(struct run *run)
{
	const pid_t self = getpid();
	const struct nr_collector_opts opts = {
		.sz = sizeof(opts),
		.pids = &self,
		.n_pids = 1,
		.self = true,
		.policy = run->result->policy,
		.transport = run->transport,
		.order = run->result->variant->order,
		.latency_ms = 4,
		.ring_bytes = 16 << 20, /* holds the records of a slow grace period */
		.log = cli_log,
	};
	struct nr_collector **c = &run->collector;
	const void *elf;
	size_t size;
	int err = nr_collector_open(c, &opts);

	if (err)
		return err;
	elf = selftest_bpf__elf_bytes(&size);
	err = nr_collector_add_object_mem(*c, "selftest", elf, size);
	if (!err)
		err = nr_collector_add_batch(*c, check_order, run, NULL);
	return err ? err : nr_collector_start(*c);
}

static int collect(struct run *run, double seconds, struct selftest *t)
{
	int err = open_collector(run), end;

	if (!err) {
		err = run_producers(run, seconds, &t->more);
		end = nr_collector_stop(run->collector);
		err = err ? err : end;
		end = take_numbers(run);
		err = err ? err : end;
	}
	nr_collector_close(run->collector);
	return err;
}

static int run_one(struct selftest *t, struct result *r)
{
	unsigned highest = t->cpus[t->n_cpus - 1];
	struct run run = {
		.result = r,
		.transport = t->transport,
		.n_producers = t->n_cpus,
		.n_cpus = highest + 1,
	};
	int err = -ENOMEM;

	run.producers = calloc(t->n_cpus, sizeof(*run.producers));
	run.last_count = calloc(run.n_cpus, sizeof(*run.last_count));
	if (!run.producers || !run.last_count)
		goto out;
	for (unsigned i = 0; i < t->n_cpus; i++)
		run.producers[i] = (struct producer){ .run = &run, .cpu = t->cpus[i] };
	err = collect(&run, t->seconds / NR_RUNS, t);
out:
	free(run.producers);
	free(run.last_count);
	return err;
}

/* ---- the verdict ---- */

static bool is_broken(const struct selftest *t, const char *name)
{
	bool any = false;

	for (unsigned i = 0; i < NR_RUNS; i++) {
		const struct result *r = &t->results[i];

		any |= !strcmp(r->variant->name, name) &&
		       (r->violations || r->late || r->unordered);
	}
	return any;
}

/* True if all violations are small and did not disturb the stream: the clocks differ, but the
 * protocol works. */
static bool within_clock_error(const struct selftest *t)
{
	bool all = true;

	for (unsigned i = 0; i < NR_RUNS; i++) {
		const struct result *r = &t->results[i];

		all &= !r->variant->real ||
		       (r->back_step_ns < CLOCK_ERROR_NS && !r->late && !r->unordered);
	}
	return all;
}

/* A run of a wrong variant in which no record violated the order; NULL: none. */
static const struct result *not_caught(const struct selftest *t)
{
	for (unsigned i = 0; i < NR_RUNS; i++)
		if (!t->results[i].variant->real && !t->results[i].violations)
			return &t->results[i];
	return NULL;
}

static bool all_accounted(const struct selftest *t)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < NR_RUNS; i++)
		sum += t->results[i].unaccounted;
	return !sum;
}

static const char *proves_little(char *buf, size_t size, const struct result *r)
{
	snprintf(buf, size,
		 "The order held, but a variant that is wrong on purpose was not caught (%s, "
		 "--shards %s), so this proves little: run it longer with -d.",
		 r->variant->about, r->policy);
	return buf;
}

static const char *verdict(const struct selftest *t, char *buf, size_t size)
{
	bool fence = is_broken(t, "fence"), rcu = is_broken(t, "rcu");

	if (t->n_cpus < 2)
		return "Nothing can be proved on one CPU: the program that writes a record and its "
		       "consumer never run at the same time.";
	if ((fence || rcu) && within_clock_error(t))
		return "The stream was in order, but records arrived below a watermark, by less "
		       "than "
		       "the allowed clock error. Please report this, with the clocksource and the "
		       "kernel version.";
	if (fence && rcu)
		return "The order is wrong with fence and with rcu: the clocks of the CPUs may "
		       "differ. Please report this, with the clocksource and the kernel version.";
	if (fence)
		return "The order is wrong with fence: record with --order rcu. Please report "
		       "this, "
		       "with the clocksource and the kernel version.";
	if (rcu)
		return "The order is wrong with rcu: record with --order fence. Please report "
		       "this, "
		       "with the clocksource and the kernel version.";
	if (!all_accounted(t))
		return "The order held, but some reserved records are unaccounted for. Please "
		       "report "
		       "this.";
	if (not_caught(t))
		return proves_little(buf, size, not_caught(t));
	return "The order holds: the variants that are wrong on purpose were caught, and with "
	       "fence "
	       "and rcu no record arrived below the watermark.";
}

static bool good(const struct selftest *t)
{
	return !is_broken(t, "fence") && !is_broken(t, "rcu") && all_accounted(t);
}

static bool proved(const struct selftest *t)
{
	return t->n_cpus > 1 && good(t) && !not_caught(t);
}

/* ---- output ---- */

static const char *transport_name(const struct selftest *t)
{
	return t->transport == NR_TRANSPORT_LANE ? "lane" : "ring";
}

static void print_head(const struct selftest *t)
{
	printf("%u CPUs, %ss, %g s for each line\n", t->n_cpus, transport_name(t),
	       t->seconds / NR_RUNS);
	printf("%-26s %-7s %9s %10s %9s %6s %9s %9s %8s %8s\n", "", "SHARDS", "RECORDS",
	       "VIOLATIONS", "BACK-STEP", "LATE", "UNORDERED", "UNSORTED", "NS/EVENT", "LOST");
}

static double unsorted_share(const struct result *r)
{
	return r->records ? (double)r->unsorted / r->records : 0;
}

static void print_result(const struct result *r)
{
	char records[16], lost[16], step[24];

	snprintf(step, sizeof(step), "%.2f us", r->back_step_ns / 1e3);
	printf("%-26s %-7s %9s %10" PRIu64 " %9s %6" PRIu64 " %9" PRIu64 " %7.3f %% %8.0f %8s\n",
	       r->variant->about, r->policy, cli_format_count(records, sizeof(records), r->records),
	       r->violations, step, r->late, r->unordered, 100 * unsorted_share(r), r->ns_per_event,
	       cli_format_count(lost, sizeof(lost), r->lost));
	fflush(stdout);
}

static void set(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer(n));
}

static json_t *json_result(const struct result *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(r->variant->name));
	json_object_set_new(o, "about", json_string(r->variant->about));
	json_object_set_new(o, "real", json_boolean(r->variant->real));
	json_object_set_new(o, "policy", json_string(r->policy));
	set(o, "records", r->records);
	set(o, "violations", r->violations);
	set(o, "back_step_ns", r->back_step_ns);
	set(o, "late", r->late);
	set(o, "unordered", r->unordered);
	set(o, "unsorted", r->unsorted);
	json_object_set_new(o, "unsorted_share", json_real(unsorted_share(r)));
	json_object_set_new(o, "ns_per_event", json_real(r->ns_per_event));
	set(o, "lost", r->lost);
	set(o, "unaccounted", r->unaccounted);
	return o;
}

static void print_json(const struct selftest *t, unsigned n_results)
{
	json_t *o = json_object(), *list = json_array();
	char text[256];

	json_object_set_new(o, "proved", json_boolean(proved(t)));
	json_object_set_new(o, "verdict", json_string(verdict(t, text, sizeof(text))));
	set(o, "cpus", t->n_cpus);
	json_object_set_new(o, "transport", json_string(transport_name(t)));
	json_object_set_new(o, "seconds", json_real(t->seconds));
	json_object_set_new(o, "clocksource", json_string(t->clocksource));
	for (unsigned i = 0; i < n_results; i++)
		json_array_append_new(list, json_result(&t->results[i]));
	json_object_set_new(o, "variants", list);
	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
}

/* ---- the command ---- */

/* The CPUs this process may use, ascending. */
static int find_cpus(struct selftest *t)
{
	unsigned most = sysconf(_SC_NPROCESSORS_CONF) + 1024; /* numbers may have gaps */
	size_t size = CPU_ALLOC_SIZE(most);
	cpu_set_t *set = CPU_ALLOC(most);
	int err = set ? 0 : -ENOMEM;

	if (!err && sched_getaffinity(0, size, set))
		err = -errno;
	if (!err)
		t->cpus = calloc(CPU_COUNT_S(size, set), sizeof(*t->cpus));
	if (!err && !t->cpus)
		err = -ENOMEM;
	for (unsigned cpu = 0; !err && cpu < most; cpu++)
		if (CPU_ISSET_S(cpu, size, set))
			t->cpus[t->n_cpus++] = cpu;
	CPU_FREE(set);
	return err;
}

static void read_clocksource(struct selftest *t)
{
	FILE *f = fopen(CLOCKSOURCE, "re");

	snprintf(t->clocksource, sizeof(t->clocksource), "unknown");
	if (!f)
		return;
	if (fgets(t->clocksource, sizeof(t->clocksource), f))
		t->clocksource[strcspn(t->clocksource, "\n")] = '\0';
	fclose(f);
}

static int run_all(struct selftest *t)
{
	int err = 0;

	if (!t->json)
		print_head(t);
	for (unsigned i = 0; !err && i < NR_RUNS; i++) {
		struct result *r = &t->results[i];

		err = run_one(t, r);
		if (!err && !t->json)
			print_result(r);
	}
	if (!err && !t->json)
		printf("clocksource %s\n", t->clocksource);
	return err;
}

static int selftest_order(struct selftest *t)
{
	char text[256];
	unsigned n = 0;

	read_clocksource(t);
	t->more = t->seconds;
	for (unsigned i = 0; i < NR_RUNS; i++)
		t->results[i] = (struct result){ .variant = &variants[i % NR_VARIANTS],
						 .policy = policies[i / NR_VARIANTS] };
	if (t->n_cpus > 1) {
		if (run_all(t))
			return CLI_FAILED;
		n = NR_RUNS;
	}
	if (t->json)
		print_json(t, n);
	else
		puts(verdict(t, text, sizeof(text)));
	if (fflush(stdout) || ferror(stdout)) {
		cli_error("cannot write the result: %s", strerror(errno));
		return CLI_FAILED;
	}
	return good(t) ? CLI_DONE : CLI_FAILED;
}

enum { OPT_TRANSPORT = 256 };

static const struct argp_option options[] = {
	{ .name = "duration", .key = 'd', .arg = "SECONDS" },
	{ .name = "transport", .key = OPT_TRANSPORT, .arg = "ring|lane" },
	{ .name = "json", .key = 'j' },
	{ 0 },
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct selftest *t = state->input;

	cli_refuse_repeated(options, key, arg);
	switch (key) {
	case 'd':
		t->seconds = cli_duration_ms(arg) / 1000.0;
		break;
	case OPT_TRANSPORT:
		t->transport = cli_parse_transport(arg);
		break;
	case 'j':
		t->json = true;
		break;
	case ARGP_KEY_ARG:
		if (state->arg_num || strcmp(arg, "order"))
			argp_error(state, "unknown test \"%s\": use order", arg);
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "missing test: use order");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_opt,
	.args_doc = "order",
	.doc = help_selftest_txt,
};

int cmd_selftest(int argc, char **argv)
{
	struct selftest t = { .seconds = 10 };
	int err, ret = CLI_FAILED;

	cli_parse(&argp, argc, argv, 0, &t);
	err = find_cpus(&t);
	if (err)
		cli_error("cannot find the CPUs: %s", strerror(-err));
	else
		ret = selftest_order(&t);
	free(t.cpus);
	return ret;
}
