/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * numaring top: what is recorded right now, by type, task, CPU, node, shard and latency.
 *
 * The merge thread counts events into a tally (top_count.c). Once per interval the main thread takes
 * the tally, and the collector's statistics: a snapshot. A view makes a table of it (top_views.c),
 * which goes to the screen (top_screen.c), or out as lines or JSON (top_table.c).
 */
#ifndef NR_TOP_H
#define NR_TOP_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <numaring/numaring.h>
#include "report/hist.h"

/* ---- counting ---- */

#define TOP_COMM      16
#define TOP_LATENCIES 4 /* of one type */

/* A duration in events: a field whose name ends in _ns. */
struct top_latency {
	const char *type;
	const char *field;
};

/* What top reads of the events of a type. */
struct top_type {
	const char *name; /* NULL: there is no such type */
	/* Where the task is in the payload. The thread: -1 if the type has none. */
	int tid, pid, comm;
	unsigned comm_size;
	unsigned n_latencies;
	struct {
		unsigned offset, index; /* in the payload; in top_count.latencies */
	} latencies[TOP_LATENCIES];
};

struct top_task {
	uint64_t n; /* events; 0: this place of the table is free */
	int32_t tid;
	uint32_t pid;
	uint64_t longest_ns; /* the longest duration in its events ... */
	unsigned longest;    /* ... and which it was */
	char comm[TOP_COMM + 1];
};

/* The events of an interval. */
struct top_tally {
	uint64_t n;
	uint64_t *types;	/* [n_types] */
	uint64_t *cpus;		/* [n_cpus] */
	struct hist *latencies; /* [n_latencies] */
	struct top_task *tasks; /* a hash table by tid */
	unsigned n_tasks, room; /* used places, of a power of two */
	uint64_t others;	/* events of tasks that had no place */
};

struct top_count {
	unsigned n_types; /* highest id + 1 */
	struct top_type *types;
	unsigned n_latencies;
	struct top_latency *latencies;
	unsigned n_cpus;
	pthread_mutex_t lock;  /* of now */
	struct top_tally *now; /* what the merge thread counts into */
	struct top_tally tallies[2];
};

/* After the last source was added. 0 or -ENOMEM. */
int top_count_open(struct top_count *c, const struct nr_types *types, unsigned n_cpus);
void top_count_close(struct top_count *c);
/* An nr_batch_fn; ctx: a struct top_count. */
int top_count_batch(void *ctx, const struct nr_batch *batch);
/* Returns what was counted since the last call. It is valid until the next one. */
const struct top_tally *top_count_take(struct top_count *c);

/* ---- views ---- */

struct top_snapshot {
	const struct top_count *count;
	const struct nr_plan *plan;
	const uint32_t *node_of_cpu; /* [count->n_cpus]; UINT32_MAX: unknown */
	const struct top_tally *tally;
	struct nr_stats *stats, *before; /* of the end and the begin of the interval */
	double seconds;			 /* of the interval */
	time_t time;
	uint64_t *types_total;	 /* [count->n_types] since the start */
	uint64_t *latencies_max; /* [count->n_latencies] since the start, ns */
	/* CPU time of each shard's consumer in the interval, in percent of a CPU. */
	const double *consumer_percent; /* [plan->n_shards] */
};

enum top_unit {
	TOP_TEXT,
	TOP_NUMBER,
	TOP_COUNT, /* large: "1.2k" */
	TOP_RATE,  /* the same, per second */
	TOP_PERCENT,
	TOP_NS,
};

struct top_column {
	const char *head; /* NULL: there are no more */
	const char *key;  /* in JSON */
	int width;	  /* negative: to the left */
	enum top_unit unit;
};

#define TOP_COLUMNS 10

struct top_cell {
	double value;
	char text[64]; /* TOP_TEXT */
};

struct top_table {
	unsigned n, room;
	struct top_cell (*rows)[TOP_COLUMNS];
};

struct top_view {
	char key;
	const char *name; /* "types" */
	struct top_column columns[TOP_COLUMNS];
	int sort_by; /* column of numbers, the largest first; -1: keep the order */
	void (*fill)(struct top_table *table, const struct top_snapshot *s);
};

#define TOP_VIEWS 6
extern const struct top_view top_views[TOP_VIEWS];
/* NULL: there is none of this name or key. */
const struct top_view *top_view_find(const char *name);
const struct top_view *top_view_of_key(int key);

/* ---- tables ---- */

#define TOP_LINE 160

/* A new row of zeroed cells. Exits if there is no memory. */
struct top_cell *top_table_row(struct top_table *table);
void top_table_fill(struct top_table *table, const struct top_view *view,
		    const struct top_snapshot *s);
void top_table_head(const struct top_view *view, char line[TOP_LINE]);
void top_table_line(const struct top_view *view, const struct top_cell *row, char line[TOP_LINE]);
json_t *top_table_json(const struct top_view *view, const struct top_table *table);

/* What holds for the whole recording, in two lines. */
void top_summary(const struct top_snapshot *s, char lines[2][TOP_LINE]);
json_t *top_summary_json(const struct top_snapshot *s);

/* ---- screen ---- */

/* Shows this view. -EINVAL after a message: the terminal cannot. */
int top_screen_open(const struct top_view *view);
/* Restores the terminal. Also if it is not open. */
void top_screen_close(void);
void top_screen_draw(const struct top_snapshot *s, bool paused);

enum top_key {
	TOP_KEY_NONE,
	TOP_KEY_DRAW, /* the picture changes */
	TOP_KEY_PAUSE,
	TOP_KEY_QUIT,
};
/* Handles a key that was typed. TOP_KEY_NONE: there are no more. */
enum top_key top_screen_key(void);

#endif
