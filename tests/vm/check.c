// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Records with every named policy, order and transport while the crew makes known calls on known
 * CPUs. Checks where everything is, and that all calls arrived exactly once and in order (I1..I7).
 *
 *	check [OPTION...] STEP...
 *
 *	--shards P,...  --order O,...	a recording of each policy in each order
 *	--transport T,...		with ring, the default, or lane
 *	--calls N			calls on each CPU, plus the CPU's number
 *	--ring-size KIB			default: enough for all records
 *	--lossy				the rings are too small; each loss must be counted
 *	--latency MS  --consumer-cpus LIST
 *	--join DIR			moves this process, not the crew, into this cgroup
 *	--may-stray			all CPUs of a node go offline, so its consumer leaves
 *
 *	load:LIST	calls on these CPUs ("all": those online); waits until they are written
 *	begin:LIST	the same without waiting
 *	wait		waits for all calls that were begun
 *	token		one call at a time, visiting all CPUs: the order is known
 *	look		checks where the consumers are
 *	off:CPU, on:CPU, sleep:SECONDS
 *
 * It compares with sysfs and /proc, not with hwloc.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <numaring/numaring.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <time.h>
#include <unistd.h>
#include "crew.h"
#include "place.h"
#include "sys.h"

static const struct nr_output_opts replace = { .sz = sizeof(replace), .force = true };

#define TRACE	       "/tmp/check-trace"
#define CATCH_UP_MS    300000 /* 128 consumers may share two host CPUs with the emulator */
#define TOKEN_ROUNDS   2
#define BYTES_PER_CALL 192  /* entry and exit, with their headers */
#define OTHER_EVENTS   2000 /* other events of the guest that may be lost */
#define COUNTER_PAGES  2    /* pages of a shard, one counter for each CPU */
#define NODE_DIR       "/sys/devices/system/node"

/* As in bpf/syscalls.bpf.c. */
struct sys_enter {
	__s32 n;
	__u32 pid, tid;
	__u64 args[6];
	char comm[16];
};

struct sys_exit {
	__s64 ret;
	__u64 duration_ns;
	__s32 n;
	__u32 pid, tid, error;
	char comm[16];
};

struct check {
	const char *policy, *order, *transport, *consumer_cpus;
	unsigned long calls;
	size_t ring_bytes; /* 0: as much as needed */
	bool lossy;	   /* the recording must lose events, and count each */
	bool may_stray;	   /* all CPUs of a consumer go offline for a while */
	unsigned latency_ms;
	char **steps;
	unsigned n_steps;
	struct crew crew;

	struct nr_collector *collector;
	const struct nr_plan *plan;
	struct sys_set online; /* at the start */
	struct sys_set memory; /* nodes whose memory this process may use */
	int node_of[SYS_MAX];  /* by CPU; -1: the CPU was never online */
	bool loaded[SYS_MAX];  /* CPUs that had a load */
	/* By CPU that has come online: its calls in the first load. With lanes, it loses some of them
	 * until it has blocks. */
	unsigned long joining[SYS_MAX];
	size_t index_pages[SYS_MAX]; /* by node, at the end, from the kernel */
	unsigned failures;
};

/* What the trace contains. */
struct tally {
	uint64_t events, last;
	uint64_t by_cpu[SYS_MAX];
	uint32_t lost[SYS_MAX];			   /* so far, by CPU */
	uint64_t entries[SYS_MAX], exits[SYS_MAX]; /* of CREW_LOAD, by member */
	unsigned tokens;
	int enter_id, exit_id;
};

__attribute__((format(printf, 3, 4))) static void expect(struct check *k, bool good,
							 const char *format, ...)
{
	va_list args;

	if (good)
		return;
	k->failures++;
	printf("FAIL: %s, %s, %s: ", k->policy, k->order, k->transport);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	if (k->failures > 20)
		sys_die("and so on");
}

static bool has_lanes(const struct check *k)
{
	return !strcmp(k->transport, "lane");
}

/* May calls of this CPU be lost? */
static bool may_lose(const struct check *k, unsigned cpu)
{
	return k->lossy || k->joining[cpu];
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static void print_log(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level < NR_LOG_DEBUG)
		printf("  %s\n", text);
}

/* --- the plan against sysfs ---------------------------------------------------------------------
 */

static int shard_of(const struct check *k, unsigned cpu)
{
	int shard = cpu < k->plan->n_cpus ? k->plan->cpu_shard[cpu] : -1;
	int node = k->node_of[cpu];

	if (shard >= 0 || node < 0)
		return shard;
	return (unsigned)node < k->plan->n_nodes ? k->plan->node_shard[node] : 0;
}

static unsigned count_distinct(const struct check *k, int (*of)(unsigned cpu))
{
	struct sys_set seen = {};

	for (unsigned cpu = 0; cpu < SYS_MAX; cpu++) {
		int what = k->online.has[cpu] ? of(cpu) : -1;

		if (what < 0 || seen.has[what])
			continue;
		seen.has[what] = true;
		seen.n++;
	}
	return seen.n;
}

/* The expected number of shards; 0: unknown. */
static unsigned wanted_shards(const struct check *k)
{
	if (!strcmp(k->policy, "single"))
		return 1;
	if (!strcmp(k->policy, "cpu"))
		return k->online.n;
	if (!strcmp(k->policy, "package"))
		return count_distinct(k, sys_cpu_package);
	if (!strcmp(k->policy, "node"))
		return count_distinct(k, sys_cpu_node);
	return 0;
}

/* CPUs that share a shard belong to one node, except under policies that span nodes. */
static bool spans_nodes(const struct check *k)
{
	return !strcmp(k->policy, "single") || !strcmp(k->policy, "package");
}

static int nearest_memory(const struct check *k, int node)
{
	int best = INT32_MAX;

	for (unsigned other = 0; other < SYS_MAX; other++)
		if (k->memory.has[other] && sys_distance(node, other) < best)
			best = sys_distance(node, other);
	return best;
}

static void check_place(struct check *k, unsigned s)
{
	const struct nr_plan_shard *shard = &k->plan->shards[s];
	int home = sys_cpu_node(shard->cpus[0]);

	expect(k, shard->node >= 0 && k->memory.has[shard->node],
	       "shard %u is on node %d, which has no memory", s, shard->node);
	if (spans_nodes(k))
		return;
	for (unsigned i = 0; i < shard->n_cpus; i++)
		expect(k, sys_cpu_node(shard->cpus[i]) == home, "shard %u mixes CPUs %u and %u", s,
		       shard->cpus[0], shard->cpus[i]);
	expect(k, shard->node_is_own == k->memory.has[home], "shard %u: is its node its own?", s);
	expect(k, sys_distance(home, shard->node) == nearest_memory(k, home),
	       "shard %u of node %d is on node %d, others are nearer", s, home, shard->node);
}

/* Other shards are listed nearest first, by the kernel's distances. */
static void check_nearest(struct check *k, unsigned s)
{
	const struct nr_plan_shard *shards = k->plan->shards;
	int home = sys_cpu_node(shards[s].cpus[0]), before = 0;

	for (unsigned i = 0; !spans_nodes(k) && i + 1 < k->plan->n_shards; i++) {
		unsigned other = shards[s].nearest[i];
		int distance = sys_distance(home, shards[other].node);

		expect(k, distance >= before, "shard %u: %u comes after a farther one", s, other);
		before = distance;
	}
}

/* The distance from which a ring may be drained: that of the nearest nodes with one of these
 * CPUs. */
static void find_drains(const struct check *k, struct sys_set *nodes, int ring_node,
			const struct sys_set *cpus)
{
	int best = INT32_MAX;

	memset(nodes, 0, sizeof(*nodes));
	for (unsigned cpu = 0; cpu < SYS_MAX; cpu++)
		if (cpus->has[cpu] && k->online.has[cpu])
			nodes->has[k->node_of[cpu]] = true;
	for (unsigned node = 0; node < SYS_MAX; node++)
		if (nodes->has[node] && sys_distance(ring_node, node) < best)
			best = sys_distance(ring_node, node);
	for (unsigned node = 0; node < SYS_MAX; node++)
		nodes->has[node] = nodes->has[node] && sys_distance(ring_node, node) == best;
}

static void check_consumers(struct check *k, unsigned s)
{
	const struct nr_plan_shard *shard = &k->plan->shards[s];
	struct sys_set allowed, nodes;
	char list[4096];

	sys_status(list, sizeof(list), "/proc/self/status", "Cpus_allowed_list");
	sys_parse(&allowed, list);
	if (k->consumer_cpus)
		sys_parse(&allowed, k->consumer_cpus);
	find_drains(k, &nodes, shard->node, &allowed);
	expect(k, shard->n_consumer_cpus, "shard %u has no consumer CPUs", s);
	for (unsigned i = 0; i < shard->n_consumer_cpus; i++) {
		unsigned cpu = shard->consumer_cpus[i];

		expect(k, allowed.has[cpu], "consumer %u may run on CPU %u", s, cpu);
		expect(k, nodes.has[k->node_of[cpu]],
		       "consumer %u may run on CPU %u, others are nearer to node %d", s, cpu,
		       shard->node);
	}
}

/* CPUs that come online later go to a shard of their node. */
static void check_node_shard(struct check *k, unsigned node)
{
	int s = node < k->plan->n_nodes ? (int)k->plan->node_shard[node] : -1;
	bool has = false;

	if (s >= 0 && s < (int)k->plan->n_shards)
		for (unsigned i = 0; i < k->plan->shards[s].n_cpus; i++)
			has |= k->node_of[k->plan->shards[s].cpus[i]] == (int)node;
	expect(k, has, "new CPUs of node %u go to shard %d, which has none of that node", node, s);
}

static void check_node_shards(struct check *k)
{
	struct sys_set seen = {};

	for (unsigned cpu = 0; cpu < SYS_MAX; cpu++) {
		int node = k->online.has[cpu] ? k->node_of[cpu] : -1;

		if (node < 0 || seen.has[node])
			continue;
		seen.has[node] = true;
		check_node_shard(k, node);
	}
}

static void check_plan(struct check *k)
{
	unsigned want = wanted_shards(k), n = 0;

	expect(k, !want || k->plan->n_shards == want, "%u shards, not %u", k->plan->n_shards, want);
	for (unsigned s = 0; s < k->plan->n_shards; s++) {
		n += k->plan->shards[s].n_cpus;
		check_place(k, s);
		check_consumers(k, s);
		/* Reads sysfs once for each pair, so not for hundreds of shards. */
		if (k->plan->n_shards <= 16)
			check_nearest(k, s);
	}
	check_node_shards(k);
	expect(k, n == k->online.n, "%u CPUs have a shard, %u are online", n, k->online.n);
}

/* --- the threads --------------------------------------------------------------------------------
 */

static int processor_of(const char *task)
{
	char path[300], line[2048], *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%.15s/stat", task);
	f = fopen(path, "re");
	if (!f || !fgets(line, sizeof(line), f))
		sys_die("cannot read %s", path);
	fclose(f);
	/* Field 39; the name before it is in brackets. */
	p = strrchr(line, ')');
	for (int field = 2; field < 39; field++)
		p = strchr(p + 1, ' ');
	return atoi(p);
}

static void check_thread(struct check *k, unsigned s, const char *task)
{
	const struct nr_plan_shard *shard = &k->plan->shards[s];
	char path[300], list[4096], want[4096];
	int cpu = processor_of(task);
	struct sys_set allowed;

	snprintf(path, sizeof(path), "/proc/self/task/%.15s/status", task);
	sys_status(list, sizeof(list), path, "Cpus_allowed_list");
	nr_cpu_list(want, sizeof(want), shard->consumer_cpus, shard->n_consumer_cpus);
	expect(k, !strcmp(list, want), "consumer %u is bound to %s, not %s", s, list, want);
	sys_parse(&allowed, list);
	expect(k, allowed.has[cpu], "consumer %u runs on CPU %d", s, cpu);
}

/* The stream is complete up to then. If nobody makes calls any more, it also has all previous
 * calls. */
static bool caught_up(const struct check *k, double then)
{
	struct nr_stats *st = nr_collector_stats(k->collector);
	unsigned long calls = 0;
	bool good;

	for (unsigned cpu = 0; cpu < k->crew.n; cpu++)
		calls += k->crew.members[cpu].calls;
	good = st->lag_ns && now_ms() - st->lag_ns / 1e6 > then &&
	       (k->lossy || k->crew.busy || st->events_written + st->lost_total >= 2 * calls);
	nr_stats_free(st);
	return good;
}

/*
 * The stream advances even if most shards have few records (I4). Afterwards each consumer has begun
 * a new pass, and was bound before it.
 */
static void catch_up(struct check *k)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	double then = now_ms();
	struct nr_stats *st;
	bool good;

	while (!(good = caught_up(k, then)) && now_ms() - then < CATCH_UP_MS)
		nanosleep(&pause, NULL);
	st = nr_collector_stats(k->collector);
	expect(k, good, "the stream stands still: it ends %" PRIu64 " ms ago",
	       st->lag_ns / 1000000);
	nr_stats_free(st);
}

/* The shard that a thread drains; -1: the thread drains none or has ended. */
static int drained_by(const char *task)
{
	char path[300];
	FILE *f;
	int s;

	snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task);
	f = fopen(path, "re");
	if (!f || fscanf(f, "nr-drain-%d", &s) != 1)
		s = -1;
	if (f)
		fclose(f);
	return s;
}

/* Puts the consumers' ids into tasks, by shard; returns how many there are. */
static unsigned list_consumers(char tasks[SYS_MAX][16])
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned n = 0;

	while ((entry = readdir(dir))) {
		int s = drained_by(entry->d_name);

		if (s < 0 || s >= SYS_MAX)
			continue;
		snprintf(tasks[s], sizeof(tasks[s]), "%.15s", entry->d_name);
		n++;
	}
	closedir(dir);
	return n;
}

/* A joined thread may still be ending, and then readdir can omit other threads. */
static unsigned find_consumers(const struct check *k, char tasks[SYS_MAX][16])
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	double then = now_ms();
	unsigned n;

	while ((n = list_consumers(tasks)) < k->plan->n_shards && now_ms() - then < CATCH_UP_MS)
		nanosleep(&pause, NULL);
	return n;
}

static void check_threads(struct check *k)
{
	static char tasks[SYS_MAX][16];
	unsigned n;

	catch_up(k);
	memset(tasks, 0, sizeof(tasks));
	n = find_consumers(k, tasks);
	expect(k, n == k->plan->n_shards, "%u consumers for %u shards", n, k->plan->n_shards);
	for (unsigned s = 0; s < k->plan->n_shards; s++)
		if (*tasks[s])
			check_thread(k, s, tasks[s]);
}

/* --- the trace ----------------------------------------------------------------------------------
 */

static int member_of(const struct check *k, pid_t pid)
{
	for (unsigned cpu = 0; cpu < k->crew.n; cpu++)
		if (k->crew.members[cpu].pid == pid)
			return cpu;
	return -1;
}

static void check_token(struct check *k, struct tally *t, unsigned member)
{
	if (t->tokens < k->crew.n_visits)
		expect(k, k->crew.visits[t->tokens] == member,
		       "call %u of the token is by CPU %u and should be by %u", t->tokens, member,
		       k->crew.visits[t->tokens]);
	t->tokens++;
}

static void check_call(struct check *k, struct tally *t, const struct nr_event *ev, unsigned n,
		       pid_t pid)
{
	int member = n == CREW_LOAD || n == CREW_TOKEN ? member_of(k, pid) : -1;
	bool enter = ev->rec->id == t->enter_id;

	if (member < 0)
		return;
	expect(k, k->crew.members[member].moved || ev->rec->cpu == member,
	       "a call of CPU %d comes from CPU %u", member, ev->rec->cpu);
	if (n == CREW_TOKEN) {
		if (enter)
			check_token(k, t, member);
		return;
	}
	t->entries[member] += enter;
	t->exits[member] += !enter;
	expect(k, may_lose(k, member) || t->entries[member] - t->exits[member] == enter,
	       "entry %" PRIu64 " and exit %" PRIu64 " of CPU %d are out of order",
	       t->entries[member], t->exits[member], member);
}

static void check_event(struct check *k, struct tally *t, const struct nr_event *ev)
{
	const struct sys_enter *enter = ev->data;
	const struct sys_exit *exit = ev->data;
	unsigned cpu = ev->rec->cpu % SYS_MAX;

	/* The CPU's running count, which places the loss. */
	expect(k, ev->rec->lost >= t->lost[cpu], "event %" PRIu64 " takes back a loss", t->events);
	expect(k, ev->ts >= t->last, "event %" PRIu64 " is %" PRIu64 " ns before its predecessor",
	       t->events, t->last - ev->ts);
	expect(k, !ev->flags && ev->ts == ev->rec->ts, "event %" PRIu64 " is late", t->events);
	t->last = ev->ts;
	t->events++;
	t->lost[cpu] = ev->rec->lost;
	t->by_cpu[cpu]++;
	if (ev->rec->id == t->enter_id)
		check_call(k, t, ev, enter->n, enter->pid);
	else if (ev->rec->id == t->exit_id)
		check_call(k, t, ev, exit->n, exit->pid);
}

static void read_trace(struct check *k, struct tally *t)
{
	const struct nr_trace_opts opts = { .sz = sizeof(opts), .log = print_log };
	struct nr_trace *trace = NULL;
	struct nr_event ev;
	int err = nr_trace_open(&trace, TRACE, &opts);

	if (err)
		sys_die("the trace cannot be opened");
	t->enter_id = nr_types_id(nr_trace_types(trace), "sys_enter");
	t->exit_id = nr_types_id(nr_trace_types(trace), "sys_exit");
	while ((err = nr_trace_next(trace, &ev)) > 0)
		check_event(k, t, &ev);
	expect(k, !err, "the trace is damaged after %" PRIu64 " events", t->events);
	nr_trace_close(trace);
}

static void check_members(struct check *k, const struct tally *t)
{
	for (unsigned cpu = 0; cpu < k->crew.n; cpu++) {
		unsigned long calls = k->crew.members[cpu].calls;
		unsigned long least = calls - k->joining[cpu];

		expect(k, k->lossy || (t->entries[cpu] >= least && t->exits[cpu] >= least),
		       "CPU %u made %lu calls, the trace has %" PRIu64 " entries and %" PRIu64
		       " exits",
		       cpu, calls, t->entries[cpu], t->exits[cpu]);
	}
	expect(k, t->tokens == k->crew.n_visits, "the token went %u times, the trace has %u",
	       k->crew.n_visits, t->tokens);
}

/* The load's calls are in the trace or counted as lost. Few other events can be lost. */
static void check_loss(struct check *k, const struct tally *t, uint64_t lost)
{
	uint64_t missing = 0;
	bool may = k->lossy;

	for (unsigned cpu = 0; cpu < k->crew.n; cpu++) {
		may |= may_lose(k, cpu);
		missing += 2 * k->crew.members[cpu].calls - t->entries[cpu] - t->exits[cpu];
	}
	if (may)
		printf("  %" PRIu64 " events lost, %" PRIu64 " of them calls\n", lost, missing);
	expect(k, missing ? may : !k->lossy, "%" PRIu64 " calls are not in the trace", missing);
	expect(k, lost >= missing && lost <= missing + (may ? OTHER_EVENTS : 0),
	       "%" PRIu64 " events lost, %" PRIu64 " calls are not in the trace", lost, missing);
}

static void check_shard(struct check *k, const struct tally *t, unsigned s,
			const struct nr_shard_stats *st)
{
	uint64_t want = 0;
	bool loaded = false;

	for (unsigned cpu = 0; cpu < SYS_MAX; cpu++) {
		if (shard_of(k, cpu) != (int)s)
			continue;
		want += t->by_cpu[cpu];
		loaded |= k->loaded[cpu];
	}
	expect(k, st->records == want && st->written == want,
	       "shard %u held %" PRIu64 " records, its CPUs wrote %" PRIu64, s, st->records, want);
	expect(k, !loaded || st->records, "shard %u delivered nothing", s);
	expect(k, st->pages_on_node == (ssize_t)st->pages, "shard %u: %zd of %zu pages on node %d",
	       s, st->pages_on_node, st->pages, k->plan->shards[s].node);
	expect(k, k->may_stray || st->index_on_node == (ssize_t)st->index_pages,
	       "shard %u: %zd of %zu pages of the index where its consumer is", s,
	       st->index_on_node, st->index_pages);
	expect(k, !st->records || st->index_pages, "shard %u needed no memory for its index", s);
}

/* Checks with the kernel's numbers, not the collector's. */
static void check_maps(struct check *k, const char *array)
{
	int maps = place_find_maps(array);

	for (unsigned s = 0; s < k->plan->n_shards; s++) {
		int node = k->plan->shards[s].node;
		size_t strays = place_strays(maps, s, node);

		expect(k, !strays, "shard %u: %zu of its pages in %s are not on node %d", s, strays,
		       array, node);
	}
}

static void check_memory(struct check *k)
{
	check_maps(k, "nr_shards");
	if (!has_lanes(k))
		return;
	check_maps(k, "nr_arenas");
	check_maps(k, "nr_commits");
}

/* The node where the kernel puts memory that a CPU of this node touches first. */
static unsigned memory_of(const struct check *k, unsigned node)
{
	unsigned near = 0;
	int distance;

	if (k->memory.has[node])
		return node;
	distance = nearest_memory(k, node);
	while (!k->memory.has[near] || sys_distance(node, near) > distance)
		near++;
	return near;
}

/* The kernel's count is older: indexes may have been smaller then. It includes counters beside
 * them. */
static void check_indexes(struct check *k, const struct nr_stats *st)
{
	size_t most[SYS_MAX] = {};

	for (unsigned s = 0; s < st->n_shards; s++)
		most[memory_of(k, k->node_of[k->plan->shards[s].consumer_cpus[0]])] +=
			nr_stats_shard(st, s)->index_pages + COUNTER_PAGES;
	for (unsigned node = 0; !k->may_stray && node < SYS_MAX; node++)
		expect(k, k->index_pages[node] <= most[node],
		       "%zu pages of indexes are on node %u, not %zu", k->index_pages[node], node,
		       most[node]);
}

static void check_stats(struct check *k, const struct tally *t, const struct nr_stats *st)
{
	uint64_t peak = 0, unsorted = 0, idle = 0;

	expect(k, !st->unaccounted, "%" PRIu64 " events unaccounted for", st->unaccounted);
	expect(k, !st->unwritten, "%" PRIu64 " events unwritten", st->unwritten);
	check_loss(k, t, st->lost_total);
	expect(k, !st->late, "%" PRIu64 " events late", st->late);
	expect(k, st->reserved == st->events_written + st->discarded,
	       "%" PRIu64 " reserved are not %" PRIu64 " written", st->reserved,
	       st->events_written);
	expect(k, st->events_written == t->events, "%" PRIu64 " written, %" PRIu64 " in the trace",
	       st->events_written, t->events);
	for (unsigned s = 0; s < st->n_shards; s++) {
		const struct nr_shard_stats *shard = nr_stats_shard(st, s);
		uint64_t percent = 100 * shard->fill_peak / shard->ring_bytes;

		check_shard(k, t, s, shard);
		expect(k, !shard->behind, "shard %u: %" PRIu64 " records behind by %" PRIu64 " ns",
		       s, shard->behind, shard->behind_by_ns);
		peak = percent > peak ? percent : peak;
		idle = shard->idle_max_ns > idle ? shard->idle_max_ns : idle;
		unsorted += shard->unsorted;
	}
	printf("  %" PRIu64 " events from %u shards, %" PRIu64 " unsorted, fullest %" PRIu64
	       " %%, a consumer idle for %" PRIu64 " ms\n",
	       t->events, st->n_shards, unsorted, peak, idle / 1000000);
}

/* --- one recording ------------------------------------------------------------------------------
 */

static void note_nodes(struct check *k)
{
	struct sys_set online;

	sys_read_set(&online, "/sys/devices/system/cpu/online");
	for (unsigned cpu = 0; cpu < SYS_MAX; cpu++)
		if (online.has[cpu] && k->node_of[cpu] < 0)
			k->node_of[cpu] = sys_cpu_node(cpu);
}

static void parse_cpus(struct sys_set *set, const char *list)
{
	if (!strcmp(list, "all"))
		sys_read_set(set, "/sys/devices/system/cpu/online");
	else
		sys_parse(set, list);
}

static void begin_load(struct check *k, const char *list)
{
	struct sys_set cpus;

	parse_cpus(&cpus, list);
	for (unsigned cpu = 0; cpu < SYS_MAX; cpu++) {
		if (cpus.has[cpu] && !k->loaded[cpu] && !k->online.has[cpu] && has_lanes(k))
			k->joining[cpu] = k->calls + cpu;
		k->loaded[cpu] |= cpus.has[cpu];
	}
	crew_begin(&k->crew, &cpus, k->calls);
}

static void end_load(struct check *k)
{
	crew_wait(&k->crew);
	catch_up(k);
}

static void take_offline(struct check *k, unsigned cpu)
{
	if (k->crew.busy)
		k->crew.members[cpu].moved = true;
	sys_set_online(cpu, false);
}

static void do_step(struct check *k, const char *step)
{
	struct sys_set all;

	if (!strncmp(step, "load:", 5)) {
		begin_load(k, step + 5);
		end_load(k);
	} else if (!strncmp(step, "begin:", 6)) {
		begin_load(k, step + 6);
	} else if (!strcmp(step, "wait")) {
		end_load(k);
	} else if (!strcmp(step, "token")) {
		parse_cpus(&all, "all");
		crew_pass_token(&k->crew, &all, TOKEN_ROUNDS);
	} else if (!strncmp(step, "sleep:", 6)) {
		sleep(atoi(step + 6));
	} else if (!strcmp(step, "look")) {
		check_threads(k);
	} else if (!strncmp(step, "off:", 4)) {
		take_offline(k, atoi(step + 4));
	} else if (!strncmp(step, "on:", 3)) {
		sys_set_online(atoi(step + 3), true);
		note_nodes(k);
	} else {
		sys_die("there is no step \"%s\"", step);
	}
}

/* Room for all records of a shard's CPUs: here a consumer may not run for a long time. With lanes, half
 * of it is the CPUs' base share. */
static size_t ring_bytes(const struct check *k)
{
	unsigned nodes = count_distinct(k, sys_cpu_node), cpus = k->online.n, loads = 1;
	size_t bytes = 65536, want;

	if (k->ring_bytes)
		return k->ring_bytes;
	if (!strcmp(k->policy, "cpu"))
		cpus = 1;
	else if (strcmp(k->policy, "single"))
		cpus = (cpus + nodes - 1) / nodes;
	for (unsigned i = 0; i < k->n_steps; i++)
		loads += !!strchr(k->steps[i], ':');
	want = cpus * loads * (k->calls + k->online.n) * BYTES_PER_CALL * (1 + has_lanes(k));
	while (bytes < want)
		bytes *= 2;
	return bytes;
}

static void start(struct check *k)
{
	const struct nr_collector_opts opts = {
		.sz = sizeof(opts),
		.policy = k->policy,
		.ring_bytes = ring_bytes(k),
		.consumer_cpus = k->consumer_cpus,
		.order = strcmp(k->order, "rcu") ? NR_ORDER_FENCE : NR_ORDER_RCU,
		.transport = has_lanes(k) ? NR_TRANSPORT_LANE : NR_TRANSPORT_RING,
		.latency_ms = k->latency_ms,
		.log = print_log,
	};
	unsigned files = sys_count_files();
	double began = now_ms(), opened;

	if (nr_collector_open(&k->collector, &opts))
		sys_die("cannot open");
	opened = now_ms();
	k->plan = nr_collector_plan(k->collector);
	check_plan(k);
	if (nr_collector_add_source(k->collector, "syscalls") ||
	    nr_collector_add_trace(k->collector, TRACE, &replace) ||
	    nr_collector_start(k->collector))
		sys_die("cannot start");
	printf("%s, %s, %s: %u shards of %zu KiB, %u files, open in %.0f ms, all in %.0f ms\n",
	       k->policy, k->order, k->transport, k->plan->n_shards, opts.ring_bytes >> 10,
	       sys_count_files() - files, opened - began, now_ms() - began);
}

static void record(struct check *k)
{
	struct tally *t = calloc(1, sizeof(*t));
	struct nr_stats *st;
	double began;

	if (!t)
		sys_die("no memory");
	memset(k->node_of, -1, sizeof(k->node_of));
	memset(k->loaded, 0, sizeof(k->loaded));
	memset(k->joining, 0, sizeof(k->joining));
	sys_read_set(&k->online, "/sys/devices/system/cpu/online");
	note_nodes(k);
	crew_forget(&k->crew);
	start(k);
	began = now_ms();
	for (unsigned i = 0; i < k->n_steps; i++)
		do_step(k, k->steps[i]);
	crew_wait(&k->crew);
	place_count_index(k->index_pages);
	if (nr_collector_stop(k->collector))
		sys_die("the recording failed");
	/* Only now, because mapping and unmapping a ring interrupts every CPU that runs a
	 * thread. */
	check_memory(k);
	read_trace(k, t);
	check_members(k, t);
	st = nr_collector_stats(k->collector);
	check_stats(k, t, st);
	check_indexes(k, st);
	nr_stats_free(st);
	printf("  steps and checks %.0f ms\n", now_ms() - began);
	fflush(stdout);
	nr_collector_close(k->collector);
	k->collector = NULL;
	free(t);
}

static void join_cgroup(const char *dir)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	f = fopen(path, "we");
	if (!f || fprintf(f, "%d\n", getpid()) < 0 || fclose(f))
		sys_die("cannot join %s: %s", dir, strerror(errno));
}

static void find_memory(struct check *k)
{
	struct sys_set mine;
	char list[4096];

	sys_read_set(&k->memory, NODE_DIR "/has_memory");
	sys_status(list, sizeof(list), "/proc/self/status", "Mems_allowed_list");
	sys_parse(&mine, list);
	for (unsigned node = 0; node < SYS_MAX; node++)
		k->memory.has[node] &= mine.has[node];
}

static void record_policies(struct check *k, char *policies)
{
	while ((k->policy = strsep(&policies, ",")))
		record(k);
}

static void record_all(struct check *k, const char *policies, const char *orders, char *transports)
{
	char copy[256], rest[256], *order;

	while ((k->transport = strsep(&transports, ","))) {
		snprintf(rest, sizeof(rest), "%s", orders);
		for (order = rest; (k->order = strsep(&order, ","));) {
			snprintf(copy, sizeof(copy), "%s", policies);
			record_policies(k, copy);
		}
	}
}

/* A trace that fails a check is kept for inspection. */
static void remove_trace(void)
{
	unlink(TRACE "/stream");
	unlink(TRACE "/metadata");
	unlink(TRACE "/.btf");
	rmdir(TRACE);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "shards", required_argument, NULL, 's' },
		{ "order", required_argument, NULL, 'o' },
		{ "transport", required_argument, NULL, 't' },
		{ "calls", required_argument, NULL, 'c' },
		{ "ring-size", required_argument, NULL, 'r' },
		{ "latency", required_argument, NULL, 'l' },
		{ "lossy", no_argument, NULL, 'L' },
		{ "may-stray", no_argument, NULL, 'm' },
		{ "join", required_argument, NULL, 'j' },
		{ "consumer-cpus", required_argument, NULL, 'C' },
		{ 0 },
	};
	static struct check k = { .calls = 1000, .latency_ms = 400 };
	const char *policies = "node", *orders = "fence", *group = NULL;
	char ring[] = "ring", *transports = ring;
	struct sys_set possible;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 's':
			policies = optarg;
			break;
		case 'o':
			orders = optarg;
			break;
		case 't':
			transports = optarg;
			break;
		case 'c':
			k.calls = strtoul(optarg, NULL, 10);
			break;
		case 'r':
			k.ring_bytes = strtoul(optarg, NULL, 10) << 10;
			break;
		case 'l':
			k.latency_ms = atoi(optarg);
			break;
		case 'L':
			k.lossy = true;
			break;
		case 'm':
			k.may_stray = true;
			break;
		case 'j':
			group = optarg;
			break;
		case 'C':
			k.consumer_cpus = optarg;
			break;
		default:
			return 2;
		}
	}
	if (geteuid() || access("/sys/kernel/btf/vmlinux", R_OK)) {
		printf("SKIP: this needs root and a kernel with BTF\n");
		return 77;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	k.steps = argv + optind;
	k.n_steps = argc - optind;
	sys_read_set(&possible, "/sys/devices/system/cpu/possible");
	crew_start(&k.crew, possible.n);
	if (group)
		join_cgroup(group);
	find_memory(&k);
	record_all(&k, policies, orders, transports);
	if (k.failures)
		sys_die("%u checks", k.failures);
	remove_trace();
	printf("ok: all as expected\n");
	return 0;
}
