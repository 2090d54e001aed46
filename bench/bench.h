/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of numaring-bench share, and the parts of libc that most of them need. They use
 * only the public API, except for the clock's barrier and the loser tree in perfbuf.c and array.c. */
#ifndef BENCH_H
#define BENCH_H

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <linux/types.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <numaring/numaring.h>
#include "cell.h"
#include "check.h"
#include "options.h"

enum bench_exit {
	BENCH_DONE = 0,
	BENCH_FAILED = 1,
	BENCH_USAGE = 2,
};

int cmd_run(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_tune(int argc, char **argv);
int cmd_format(int argc, char **argv);
int cmd_model(int argc, char **argv);
int cmd_versus(int argc, char **argv);

/* ---- for all (util.c) ---- */

/* An nr_log_fn that prints errors and warnings. */
void bench_log(void *ctx, enum nr_log_level level, const char *text);

/* Return zeroed memory, or an array with more of it. They end the process if there is none. */
void *bench_alloc(size_t n, size_t size);
void *bench_grow(void *array, size_t n, size_t size);
/* Creates a file in memory that is closed on exec, or ends the process. */
FILE *bench_memory_file(const char *name);

/* Starts a program with these as stdin, stdout and stderr, -1: ours. Its process, or -errno. */
pid_t bench_spawn(const char *file, const char *const *argv, const int fds[3]);
int bench_wait(pid_t pid); /* its status */

/* Reads the first line that begins with key, without its newline; false: there is none. */
bool bench_read_line(const char *path, const char *key, char *buf, size_t size);

/* Reads this host's topology, or ends the process. */
struct nr_topology *bench_topology(void);
/* The plan of a policy, or the end of the process. */
struct nr_plan *bench_plan(const struct nr_topology *topo, const char *policy);

/* The host's CLOCK_MONOTONIC in ns, which records carry. In a time namespace, call host_check
 * first. */
uint64_t bench_now(void);
void bench_sleep_until(uint64_t time);
int bench_find_clock(void); /* for bench_now */
/* Reads any clock, in ns; 0 if it does not exist. */
uint64_t bench_clock(clockid_t clock);
/* Gives the calling thread the priority of numaring's own threads: transports are compared, not
 * priorities. */
void bench_raise_priority(void);
/* Starts a thread, or ends the process. */
void bench_thread(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg);
int bench_pin(pthread_t thread, const unsigned *cpus, unsigned n); /* cpus ascend; n 0: no change */

/* ---- one configuration (config.c) ---- */

enum delivery { TO_CALLBACK, TO_TRACE, TO_ZSTD };

struct config {
	char transport[OPTION_WORD_SIZE]; /* a policy of numaring, or another collector */
	uint64_t producers;
	char placement[OPTION_WORD_SIZE]; /* fill, spread, or CPUs like 0+4 */
	uint64_t rate;			  /* per producer and second; 0: flat out */
	uint64_t size; /* bytes of a record, header included; 0: of numaring's source syscalls */
	uint64_t burst;
	uint64_t peak;	 /* times the rate in bursts of 50 ms; 1: the rate is even */
	uint64_t memory; /* bytes of all rings together; 0: see config_settle */
	double seconds;
	unsigned order;	       /* enum nr_order */
	unsigned delivery;     /* enum delivery */
	const char *directory; /* of the trace; not a value of the grid, and never printed */
};

#define N_VALUES 11 /* of a configuration, without the directory */

/* The values, and after them the directory. */
extern const struct opt config_options[N_VALUES + 1];
extern const struct config config_default;

int config_find(const char *name); /* which value; -EINVAL */
/* Replaces 0 where it stands for a value of this host. */
void config_settle(struct config *cfg, const struct nr_topology *topo);

/* Is it a policy of numaring, with rings or with lanes? Not shards/K: its records go to any ring. */
bool transport_is_policy(const char *name);
/* Of numaring's transports. */
bool config_has_lanes(const struct config *cfg);
const char *config_policy(const struct config *cfg); /* "cpu" of lane-cpu */
/* K of shards/K; 0: a record goes to the shard of its CPU. */
unsigned config_any_shard(const struct config *cfg);

json_t *config_json(const struct config *cfg);
/* For progress and messages: "single, 2 producers, flat out". */
char *config_text(const struct config *cfg, char *buf, size_t size);

/* ---- producers (producers.c) ---- */

/* CPUs in the order in which they get a producer; *out is malloc'ed, *n how many there are.
 * -EINVAL: a CPU that is not in the topology, or comes twice. */
int placement(const struct nr_topology *topo, const char *how, unsigned **out, unsigned *n);

#define PRODUCER_NAME "producer" /* of their threads */

/* How long a burst of --peak is. */
#define PEAK_NS 50000000ull

/*
 * When events are due. Even time passes `peak` times as fast as the clock during a burst, and then
 * stands still until the next, so that both are equal over whole periods. In even time the rate is
 * even.
 */
struct schedule {
	uint64_t start; /* of the first burst; with peaks, producers take turns */
	uint64_t peak;
};
uint64_t schedule_even(const struct schedule *s, uint64_t now);
/* The first time at which even time is that much. */
uint64_t schedule_time(const struct schedule *s, uint64_t even);

/* A BPF program that emits records, and what it counts. */
struct program {
	int fd;			  /* -1: none */
	struct bench_cell *cells; /* [possible CPUs], those of a program read-only */
};

struct producers;
/* Starts threads that wait, each pinned to its CPU. */
struct producers *producers_new(const struct config *cfg, const unsigned *cpus);
/* They run `main`, and now and then, beside it, `floor`. fd -1: they make system calls, and count two
 * records for each in the cell of their CPU. */
void producers_go(struct producers *p, const struct program *main, const struct program *floor);
/* Returns the first error of any of them. */
int producers_stop(struct producers *p);

/* ---- a run (run.c) ---- */

/* Who handles a record behind the ring, in this order. Packers and outputs have work only with a
 * trace. */
enum stage { CONSUMERS, MERGE, PACKERS, OUTPUTS, N_STAGES };
extern const struct stage_about {
	const char *name, *thread; /* of one of them; how its thread's name begins, "": any other */
	const char *key, *metric;  /* in cpu_s_per_million, and of a sweep */
} stages[N_STAGES];

/* The largest ring there is. */
#define RING_MAX ((size_t)1 << 30)

struct run {
	struct config cfg;
	const struct transport *transport;
	struct nr_topology *topo;
	unsigned n_cpus; /* possible */
	unsigned *cpus;	 /* of the producers, and others that could have one */
	struct producers *producers;
	struct check check;
	struct program floor; /* clock, fill and loop without a transport; fd -1: none */

	/* The transport fills these. */
	void *state;
	struct program main;
	uint64_t trace_bytes;	 /* of its stream; 0: no trace */
	const char *file_system; /* that holds the trace; NULL: no trace */
	unsigned shards;
	int consumer_cpu;  /* the first that the first ring's consumer may use; -1: unknown */
	size_t ring_bytes; /* of all rings */
	uint64_t lag_max;
	/* Set at the end. */
	uint64_t lost[NR_LOSS_SLOTS];
	char reason[256]; /* why the run is invalid; empty: it is valid */
};

/* What a transport promises of records, and verify checks: nothing, that none is lost without being
 * counted, and also their global order. */
enum promise { VERIFIES_NOTHING, VERIFIES_COMPLETENESS, VERIFIES_ORDER };

/* Every error ends the process, see run_must. */
struct transport {
	enum promise verifies;
	void (*start)(struct run *r);
	/* Updates lag_max, and check.count if no callback does; NULL: nothing to update. */
	void (*sample)(struct run *r);
	/* Called when producers have stopped; returns when everything they emitted is delivered. What
	 * is left ends with the process. */
	void (*stop)(struct run *r);
};
extern const struct transport transport_sharded, transport_perfbuf, transport_libbpf,
	transport_array, transport_floor;

void run_invalid(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* If err is negative, prints it with the configuration and ends the process. */
void run_must(const struct run *r, int err);
/* Divides the memory among n rings, as powers of two; returns the size of one. */
size_t run_divide_memory(struct run *r, unsigned n);
/* Ends the process if the memory is too little for `what`; least 0: it is enough. */
void run_need_memory(const struct run *r, const char *what, size_t least);
/* Notes the age of a watermark; 0: there is none yet. */
void run_lag(struct run *r, uint64_t watermark);
struct bpf_map;
struct bpf_program;
/* Takes the producers' program and cells of a loaded object. */
void run_use(const struct run *r, struct program *out, const struct bpf_program *prog,
	     const struct bpf_map *cells);

/* Loads the program of the floor (baseline.c). */
void baseline_floor(struct run *r);

/* ---- what a record costs its program (cost.c) ---- */

#define COST_SLICES 20 /* of a window */

struct cost_mark {
	uint64_t records, ns, floor_records, floor_ns;
};

struct cost {
	struct cost_mark last;
	unsigned n; /* slices in which records came, and the floor had its turn */
	double floor[COST_SLICES], above[COST_SLICES];
};

void cost_begin(struct cost *c, const struct run *r);
/* A slice ends here. */
void cost_slice(struct cost *c, const struct run *r);
/* main, floor: what all producers did in the window. */
json_t *cost_json(struct cost *c, const struct bench_cell *main, const struct bench_cell *floor);

/* ---- a directory for a while (scratch.c) ---- */

struct scratch {
	char path[4096];
	const char *file_system; /* its type */
	pid_t keeper;		 /* process that removes it; 0: there is none */
	int alive;		 /* the keeper waits for the end of this pipe */
};

/* Creates an empty directory inside dir. scratch_remove removes it, and so does the end of this
 * process, however it comes. */
void scratch_make(struct scratch *s, const char *dir);
void scratch_remove(struct scratch *s);

/* ---- numbers (numbers.c) ---- */

/* Value below which a share q of a histogram of bench_bucket lies; 0 if it is empty. */
double histogram_quantile(const __u64 *bucket, double q);
double histogram_max(const __u64 *bucket);

struct spread3 {
	double q1, median, q3;
	unsigned n;
};
int compare_doubles(const void *a, const void *b); /* for qsort */

struct spread3 quartiles(double *values, unsigned n); /* sorts values */

/*
 * Do the values fall into two groups, so that a median describes neither? They do if, in ratios,
 * the gap between the groups is a quarter or more, and half as wide again as either group; each has
 * two values at least, and none is 0. Returns how many are in the lower group, 0: one group. Five
 * values that vary at random by a tenth are taken for two groups in 2 % of cases, by two fifths in
 * 14 %.
 */
unsigned two_groups(const double *sorted, unsigned n);

/*
 * How many times as large is a as b: the ratio of the medians, and an interval. It is the one of
 * Mann and Whitney for the ratio of any two values, so it assumes nothing of how they are
 * distributed. It has 99 % confidence with five values each or more; with fewer it reaches from the
 * least ratio to the greatest, 97 % with four each and 90 % with three.
 */
struct ratio {
	double middle, low, high;
	unsigned
		confidence; /* in percent; 0: unknown, of less than three values or one that is 0 */
};
struct ratio ratio_of(double *a, unsigned n, double *b, unsigned m); /* sorts both */

/* Beyond the spread: by chance that happens once in 126 times if each has five values. */
static inline bool ratio_differs(struct ratio r)
{
	return r.confidence && (r.low > 1 || r.high < 1);
}

/* The largest power of two up to v. */
static inline size_t floor_power(size_t v)
{
	return v ? (size_t)1 << (63 - __builtin_clzll(v)) : 0;
}

/* ---- rows of a sweep (jsonl.c) ---- */

/* Share of a host's CPU time that others may have; with more it is busy. */
#define BUSY_SHARE 0.1

/* All lines of the file, each an object; a last line that was cut short is left out. NULL: one is
 * none, which was explained. */
json_t *jsonl_read(const char *path);

/* Loops over the elements of an array; NULL has none. */
#define for_each_row(row, rows)                                                                    \
	for (size_t i_##row = 0; ((row) = json_array_get(rows, i_##row)); i_##row++)

double row_number(const json_t *row, const char *key);
json_t *cpus_json(const unsigned *cpus, unsigned n);
const char *row_word(const json_t *row, const char *key); /* "": it has none */
/* Of a row of medians; NAN and NULL: no run had a value. */
double row_median(const json_t *row, const char *metric);
const json_t *row_runs(const json_t *row, const char *metric);
/* Do both have the same value of each key, or both none? keys ends with NULL. */
bool rows_agree(const json_t *a, const json_t *b, const char *const *keys);
/* The first of the rows that agrees with most of them; NULL: there is none. */
const json_t *rows_most_common(const json_t *rows, const char *const *keys);

/* ---- the host (host.c) ---- */

/* What a reader of figures has to know about this host. */
json_t *host_json(const struct nr_topology *topo);
/* Ends the process unless it can run BPF programs, and finds the host's clock. Warns if the CPU is
 * emulated: figures then say nothing about speed. */
void host_check(void);

#endif
