// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* numaring-bench run: measures one configuration and prints one line. */
#include <bpf/libbpf.h>
#include <dirent.h>
#include <linux/mempolicy.h>
#include <math.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bench.h"

/* The main thread samples this often during the window. */
#define SAMPLE_NS 10000000ull

/* A snapshot that took longer was interrupted, and its parts are from different times. It is taken
 * again, but only a few times: with many CPUs each may take as long. */
#define SNAPSHOT_NS    1000000ull
#define SNAPSHOT_TRIES 5

void run_invalid(struct run *r, const char *fmt, ...)
{
	va_list ap;

	if (*r->reason)
		return;
	va_start(ap, fmt);
	vsnprintf(r->reason, sizeof(r->reason), fmt, ap);
	va_end(ap);
}

void run_must(const struct run *r, int err)
{
	char text[128];

	if (err < 0)
		errx(BENCH_FAILED, "%s: %s", config_text(&r->cfg, text, sizeof(text)),
		     strerror(-err));
}

void run_need_memory(const struct run *r, const char *what, size_t least)
{
	if (least)
		errx(BENCH_FAILED, "%" PRIu64 " bytes are too few for %s: use --memory %zu or more",
		     r->cfg.memory, what, least);
}

/* Libraries would round a size below a page up, and the row would not tell. */
size_t run_divide_memory(struct run *r, unsigned n)
{
	size_t size = floor_power(r->cfg.memory / n), page = sysconf(_SC_PAGESIZE);
	char what[32];

	snprintf(what, sizeof(what), "%u ring%s", n, n == 1 ? "" : "s");
	run_need_memory(r, what, size < page ? n * page : 0);
	size = size > RING_MAX ? RING_MAX : size;
	r->shards = n;
	r->ring_bytes = n * size;
	return size;
}

void run_lag(struct run *r, uint64_t watermark)
{
	uint64_t lag = bench_now() - watermark;

	if (watermark && lag > r->lag_max)
		r->lag_max = lag;
}

void run_use(const struct run *r, struct program *out, const struct bpf_program *prog,
	     const struct bpf_map *cells)
{
	void *p = mmap(NULL, r->n_cpus * sizeof(struct bench_cell), PROT_READ, MAP_SHARED,
		       bpf_map__fd(cells), 0);

	run_must(r, p == MAP_FAILED ? -errno : 0);
	*out = (struct program){ bpf_program__fd(prog), p };
}

/* ---- snapshots ---- */

struct thread_time {
	int tid;
	uint64_t ns;
	unsigned long user, system; /* of the same, in ticks */
	char name[16];
};

struct snapshot {
	struct check_mark mark;
	uint64_t own_ns;  /* CPU time of this process */
	uint64_t busy_ns; /* of all CPUs of the host, including what a hypervisor took */
	struct bench_cell *cells, *floor;
	unsigned n_threads;
	struct thread_time *threads;
};

/* The kernel's number of the CPU clock of any thread of this process. */
static clockid_t thread_clock(int tid)
{
	return (clockid_t)((~(unsigned)tid << 3) | 6);
}

static void snapshot_threads(struct snapshot *s)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *e;

	s->n_threads = 0;
	while (dir && (e = readdir(dir))) {
		int tid = atoi(e->d_name);

		if (!tid)
			continue;
		s->threads = bench_grow(s->threads, s->n_threads + 1, sizeof(*s->threads));
		s->threads[s->n_threads++] =
			(struct thread_time){ .tid = tid, .ns = bench_clock(thread_clock(tid)) };
	}
	if (dir)
		closedir(dir);
}

/* Exact to a tick of the kernel on each CPU. */
static uint64_t host_busy_ns(void)
{
	unsigned long long user, nice, sys, idle, wait, irq, soft, steal;
	char line[256];

	if (!bench_read_line("/proc/stat", "cpu ", line, sizeof(line)) ||
	    sscanf(line, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &sys, &idle,
		   &wait, &irq, &soft, &steal) != 8)
		return 0;
	return (user + nice + sys + irq + soft + steal) * (1000000000ull / sysconf(_SC_CLK_TCK));
}

/* The kernel splits user and system time in ticks only. They are used for their ratio, so they may
 * be read a little later than the rest. */
static void snapshot_ticks(struct snapshot *s)
{
	for (unsigned i = 0; i < s->n_threads; i++) {
		struct thread_time *t = &s->threads[i];
		char path[64], line[512];

		snprintf(path, sizeof(path), "/proc/self/task/%d/stat", t->tid);
		if (bench_read_line(path, "", line, sizeof(line)) &&
		    sscanf(line,
			   "%*d (%15[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			   t->name, &t->user, &t->system) != 3)
			t->user = t->system = 0;
	}
}

static void sample(struct run *r)
{
	if (r->transport->sample)
		r->transport->sample(r);
}

static void snapshot_take(struct snapshot *s, struct run *r)
{
	unsigned tries = 0;

	s->cells = bench_alloc(r->n_cpus, sizeof(*s->cells));
	s->floor = bench_alloc(r->n_cpus, sizeof(*s->floor));
	do {
		sample(r);
		check_mark_take(&s->mark, &r->check);
		memcpy(s->cells, r->main.cells, r->n_cpus * sizeof(*s->cells));
		memcpy(s->floor, r->floor.cells, r->n_cpus * sizeof(*s->floor));
		s->own_ns = bench_clock(CLOCK_PROCESS_CPUTIME_ID);
		s->busy_ns = host_busy_ns();
		snapshot_threads(s);
	} while (bench_now() - s->mark.time > SNAPSHOT_NS && ++tries < SNAPSHOT_TRIES);
	snapshot_ticks(s);
}

/* The thread's times in the snapshot; 0 if it did not exist yet. */
static struct thread_time time_before(const struct snapshot *s, int tid)
{
	for (unsigned i = 0; i < s->n_threads; i++)
		if (s->threads[i].tid == tid)
			return s->threads[i];
	return (struct thread_time){ 0 };
}

/* ---- measuring ---- */

struct measured {
	struct snapshot begin, end;
	struct cost cost;
	size_t anon_before, anon_peak;
};

/* Bytes of anonymous memory of this process. */
static size_t anon_bytes(void)
{
	char line[256];
	size_t kib = 0;

	if (bench_read_line("/proc/self/status", "RssAnon:", line, sizeof(line)))
		sscanf(line, "RssAnon: %zu", &kib);
	return kib << 10;
}

/* The window lies between two snapshots, whenever they are taken: this thread may be late. Threads
 * that are measured have a raised priority; it must not wait for them. */
static void measure(struct run *r, struct measured *m, uint64_t begin)
{
	int before = getpriority(PRIO_PROCESS, 0);
	uint64_t end, slice, cut;
	unsigned n = 0;

	bench_raise_priority();
	bench_sleep_until(begin);
	snapshot_take(&m->begin, r);
	end = m->begin.mark.time + (uint64_t)(r->cfg.seconds * 1e9);
	r->check.begin = m->begin.mark.time;
	r->lag_max = 0;
	cost_begin(&m->cost, r);
	slice = (end - m->begin.mark.time) / COST_SLICES;
	cut = m->begin.mark.time + slice;
	for (uint64_t next = bench_now(); next < end; next += SAMPLE_NS) {
		size_t anon = n++ % 8 ? 0 : anon_bytes();

		m->anon_peak = anon > m->anon_peak ? anon : m->anon_peak;
		sample(r);
		bench_sleep_until(next);
		if (bench_now() >= cut) {
			cost_slice(&m->cost, r);
			cut += slice;
		}
	}
	bench_sleep_until(end);
	snapshot_take(&m->end, r);
	r->check.end = m->end.mark.time;
	setpriority(PRIO_PROCESS, 0, before);
}

/* Other processes make system calls, too. */
static const char *check_calls(const struct run *r)
{
	uint64_t made = 0, recorded = r->check.count;

	for (unsigned i = 0; i < r->n_cpus; i++) {
		made += r->main.cells[i].attempts;
		recorded += r->main.cells[i].failed;
	}
	return recorded < made ? "some of the producers' calls were not recorded" : NULL;
}

static void verify(struct run *r)
{
	const struct check *c = &r->check;
	const char *wrong = r->cfg.size ? check_accounts(c, r->main.cells) : check_calls(r);

	if (r->transport->verifies == VERIFIES_NOTHING)
		return;
	if (c->unordered)
		run_invalid(r, "%" PRIu64 " records out of order", c->unordered);
	if (c->late)
		run_invalid(r, "%" PRIu64 " records late", c->late);
	if (c->repeated)
		run_invalid(r, "%" PRIu64 " records twice, or out of their producer's sequence",
			    c->repeated);
	if (c->foreign)
		run_invalid(r, "%" PRIu64 " records of no CPU", c->foreign);
	if (wrong)
		run_invalid(r, "%s", wrong);
	if (!c->count)
		run_invalid(r, "nothing was delivered");
}

/* ---- the row ---- */

/* What n CPUs counted between the snapshots. */
static struct bench_cell producer_sums(const struct bench_cell *a, const struct bench_cell *b,
				       unsigned n)
{
	struct bench_cell sum = { 0 };

	for (; n--; a++, b++) {
		sum.attempts += b->attempts - a->attempts;
		sum.failed += b->failed - a->failed;
		sum.ns += b->ns - a->ns;
		sum.kept += b->kept - a->kept;
		sum.kept_ns += b->kept_ns - a->kept_ns;
		for (unsigned k = 0; k < BENCH_BUCKETS; k++)
			sum.bucket[k] += b->bucket[k] - a->bucket[k];
	}
	return sum;
}

/* Share of the host's CPU time that went to others in the window: what disturbed the run. */
static double elsewhere(const struct run *r, const struct measured *m)
{
	double all = (double)(m->end.mark.time - m->begin.mark.time) *
		     nr_topology_cpus(r->topo, NULL, 0);
	double busy = m->end.busy_ns - m->begin.busy_ns;
	double own = m->end.own_ns - m->begin.own_ns;

	return busy > own && all > 0 ? (busy - own) / all : 0;
}

static json_t *latency_json(const struct run *r)
{
	const __u64 *h = r->check.latency;

	if (r->transport->verifies != VERIFIES_ORDER || !histogram_max(h))
		return json_null();
	return json_pack("{s:f, s:f, s:f}", "p50", histogram_quantile(h, 0.5) / 1e6, "p99",
			 histogram_quantile(h, 0.99) / 1e6, "max", histogram_max(h) / 1e6);
}

const struct stage_about stages[N_STAGES] = {
	{ "consumer", "", "consumers", "consumers_s_per_million" },
	{ "merge", "nr-merge", "merge", "merge_s_per_million" },
	{ "packer", "nr-pack-", "packers", "packers_s_per_million" },
	{ "output", "nr-out-", "outputs", "outputs_s_per_million" },
};

/* The bench's own merge has the name of numaring's. */
static enum stage stage_of(const struct thread_time *t)
{
	unsigned s = N_STAGES - 1;

	while (strncmp(t->name, stages[s].thread, strlen(stages[s].thread)))
		s--;
	return s;
}

struct cpu_sums {
	double ns[N_STAGES];
	double user, system; /* ticks */
};

static struct cpu_sums cpu_sums(const struct measured *m)
{
	struct cpu_sums sum = { 0 };

	for (unsigned i = 0; i < m->end.n_threads; i++) {
		const struct thread_time *t = &m->end.threads[i];
		struct thread_time before = time_before(&m->begin, t->tid);

		if (t->tid == getpid() || !strcmp(t->name, PRODUCER_NAME))
			continue;
		sum.ns[stage_of(t)] += t->ns - before.ns;
		sum.user += t->user - before.user;
		sum.system += t->system - before.system;
	}
	return sum;
}

/* CPU seconds for a million events delivered; the bench's check is not counted as merge. */
static json_t *cpu_json(const struct measured *m)
{
	uint64_t delivered = m->end.mark.count - m->begin.mark.count;
	struct cpu_sums sum = cpu_sums(m);
	double check = fmin(m->end.mark.cpu_ns - m->begin.mark.cpu_ns, sum.ns[MERGE]), all = check;
	double scale = 1e-3 / delivered, ticks = sum.user + sum.system;
	json_t *cpu = delivered ? json_object() : json_null();

	sum.ns[MERGE] -= check;
	for (unsigned s = 0; s < N_STAGES; s++) {
		all += sum.ns[s];
		json_object_set_new(cpu, stages[s].key, json_real(sum.ns[s] * scale));
	}
	json_object_set_new(cpu, "total", json_real((all - check) * scale));
	json_object_set_new(cpu, "system",
			    ticks ? json_real(all * sum.system / ticks * scale) : json_null());
	json_object_set_new(cpu, "check", json_real(check * scale));
	return cpu;
}

static json_t *lost_json(const struct run *r)
{
	json_t *lost = json_object();

	for (unsigned i = 0; i < NR_LOSS_SLOTS; i++)
		if (nr_loss_name(i))
			json_object_set_new(lost, nr_loss_name(i), json_integer(r->lost[i]));
	return lost;
}

/* NULL: the run has no such figure. */
static json_t *real_if(bool has, double v)
{
	return has ? json_real(v) : NULL;
}

static json_t *row(const struct run *r, struct measured *m)
{
	static const char *const verified[] = { "nothing", "completeness", "order" };
	bool ordered = r->transport->verifies == VERIFIES_ORDER;
	bool delivers = r->transport->verifies != VERIFIES_NOTHING;
	double seconds = (m->end.mark.time - m->begin.mark.time) / 1e9, count = r->check.count;
	double asked = (double)r->cfg.rate * r->cfg.producers;
	bool trace = r->cfg.delivery != TO_CALLBACK && count;
	struct bench_cell sum = producer_sums(m->begin.cells, m->end.cells, r->n_cpus);
	struct bench_cell floor = producer_sums(m->begin.floor, m->end.floor, r->n_cpus);

	return json_pack(
		"{s:s, s:o, s:b, s:s?, s:s, s:o, s:f, s:o, s:f, s:f, s:I, s:o, s:o, s:o, s:o, "
		"s:o?, "
		"s:o*, s:s*, s:o*, s:o*, s:o*, s:f, s:i, s:{s:I, s:I}}",
		"kind", "run", "config", config_json(&r->cfg), "valid", !*r->reason, "reason",
		*r->reason ? r->reason : NULL, "verified", verified[r->transport->verifies],
		"producer_cpus", cpus_json(r->cpus, r->cfg.producers), "seconds", seconds,
		"events_per_sec",
		delivers ? json_real(check_rate(&m->begin.mark, &m->end.mark)) : json_null(),
		"attempts_per_sec", sum.attempts / seconds, "lost_share",
		sum.attempts ? (double)sum.failed / sum.attempts : 0, "delivered",
		(json_int_t)r->check.count, "lost", lost_json(r), "cost_ns",
		cost_json(&m->cost, &sum, &floor), "cpu_s_per_million", cpu_json(m), "latency_ms",
		latency_json(r), "lag_max_ms", real_if(ordered, r->lag_max / 1e6), "turns_share",
		real_if(ordered && count, r->check.turns / count), "file_system",
		trace ? r->file_system : NULL, "trace_bytes_per_event",
		real_if(trace, r->trace_bytes / count), "consumer_cpu",
		r->consumer_cpu < 0 ? NULL : json_integer(r->consumer_cpu), "reached_share",
		real_if(r->cfg.rate, sum.attempts / seconds / asked), "elsewhere_share",
		elsewhere(r, m), "rings", (int)r->shards, "memory_bytes", "rings",
		(json_int_t)r->ring_bytes, "user",
		(json_int_t)(m->anon_peak > m->anon_before ? m->anon_peak - m->anon_before : 0));
}

/* ---- one run ---- */

static const struct transport *transport_of(const struct config *cfg)
{
	static const struct {
		const char *prefix;
		const struct transport *transport;
	} others[] = { { "perfbuf", &transport_perfbuf },
		       { "libbpf", &transport_libbpf },
		       { "array-", &transport_array },
		       { "floor", &transport_floor } };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strncmp(cfg->transport, others[i].prefix, strlen(others[i].prefix)))
			return others[i].transport;
	return &transport_sharded;
}

static void choose_cpus(struct run *r)
{
	unsigned n;

	if (placement(r->topo, r->cfg.placement, &r->cpus, &n))
		errx(BENCH_FAILED, "--placement %s: no such CPU, or one comes twice",
		     r->cfg.placement);
	if (r->cfg.producers > n)
		errx(BENCH_FAILED, "%" PRIu64 " producers need as many CPUs, there are %u",
		     r->cfg.producers, n);
}

static void check_config(const struct run *r)
{
	bool trace = r->cfg.delivery != TO_CALLBACK;

	if (r->transport != &transport_sharded && (trace || !r->cfg.size))
		errx(BENCH_FAILED, "%s writes no trace and has no source: use a policy of numaring",
		     r->cfg.transport);
	if (trace && r->cfg.size && r->cfg.size < 24)
		errx(BENCH_FAILED,
		     "a record of %" PRIu64 " bytes has no field for a trace: use --size 24 or "
		     "more",
		     r->cfg.size);
}

/* Until rings are as full as they will get and every thread has run. */
static uint64_t warm_up_ns(const struct config *cfg)
{
	return 1e9 * fmin(fmax(cfg->seconds / 4, 0.1), 0.5);
}

static void execute(struct run *r, struct measured *m)
{
	uint64_t begin;

	if (r->cfg.size)
		baseline_floor(r);
	r->transport->start(r);
	r->check.sequence = r->cfg.size >= sizeof(struct nr_record) + sizeof(uint64_t);
	begin = bench_now() + warm_up_ns(&r->cfg);
	producers_go(r->producers, &r->main, &r->floor);
	measure(r, m, begin);
	run_must(r, producers_stop(r->producers));
	r->transport->stop(r);
	verify(r);
}

/* Returns the row, even if the run is not valid. */
static json_t *run_config(const struct config *cfg)
{
	static struct measured m;
	static struct run r;

	r = (struct run){ .cfg = *cfg,
			  .transport = transport_of(cfg),
			  .topo = bench_topology(),
			  .main.fd = -1,
			  .floor.fd = -1,
			  .consumer_cpu = -1 };
	r.n_cpus = nr_topology_possible_cpus(r.topo);
	config_settle(&r.cfg, r.topo);
	check_config(&r);
	check_init(&r.check, r.n_cpus);
	/* A program brings its own. */
	r.main.cells = bench_alloc(r.n_cpus, sizeof(*r.main.cells));
	r.floor.cells = bench_alloc(r.n_cpus, sizeof(*r.floor.cells));
	/* Or the kernel's NUMA balancing would unmap what producers and consumers share, at
	 * unpredictable times; with 128 CPUs a run would measure just that. */
	syscall(SYS_set_mempolicy, MPOL_LOCAL, NULL, 0);
	choose_cpus(&r);
	r.producers = producers_new(&r.cfg, r.cpus);
	m.anon_before = anon_bytes();
	execute(&r, &m);
	return row(&r, &m);
}

/* ---- the command ---- */

int cmd_run(int argc, char **argv)
{
	struct config cfg = config_default;
	const struct command_line line = {
		.doc = "Measure one configuration and print one line of JSON.\v"
		       "Exit status: 0, 1 if it could not be run or is not valid, 2 wrong "
		       "usage.\n\n"
		       "Examples:\n"
		       "  numaring-bench run --transport node --producers 2\n"
		       "  numaring-bench run --rate 100k --delivery trace -d 5",
		OPTIONS(config_options),
		.base = &cfg,
	};
	json_auto_t *row = NULL;

	options_parse(&line, argc, argv);
	host_check();
	row = run_config(&cfg);
	json_dumpf(row, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	return json_is_true(json_object_get(row, "valid")) ? BENCH_DONE : BENCH_FAILED;
}
