/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tracks: CPUs below their nodes, threads below their processes, and rows below these. Slices on
 * one track never overlap; a row has as many tracks as it needs for that.
 *
 * A thread is kept from its first event until its end. A PID that is used again is another thread,
 * with another track.
 */
#ifndef NR_EXPORT_PF_TRACKS_H
#define NR_EXPORT_PF_TRACKS_H

#include <uthash.h>
#include "export/export.h"
#include "pf_out.h"

#define PF_COMM 16
#define PF_NAME (4 * PF_COMM + 1) /* with bytes escaped */

/* Of more threads, the ones that were seen first are forgotten. */
#define PF_THREADS_MAX (1u << 17)

/* A row for slices of one kind. */
struct pf_row {
	const void *key;
	struct pf_row *next;
	unsigned n;
	struct pf_lane {
		uint64_t uuid, end; /* of its last slice */
	} * lanes;
};

/* What ran on a CPU, or what a thread does, since a time. */
struct pf_now {
	uint64_t begin;	  /* 0: unknown, but not before: */
	uint64_t written; /* the end of what was written of this track */
};

struct pf_run {
	struct pf_now now;
	int32_t tid, pid, prio; /* tid 0: idle, or unknown if begin is 0 */
	uint64_t off_ns, wait_ns;
	char comm[PF_NAME];
};

struct pf_cpu {
	uint64_t uuid;
	struct pf_row *rows;
	struct pf_run run;
};

enum pf_state { PF_UNKNOWN, PF_RUNNING, PF_RUNNABLE, PF_PREEMPTED, PF_OFF };

struct pf_call {
	uint64_t begin, written;
	int64_t nr;
	const char *name;
	uint64_t args[6];
	unsigned n_args;
};

struct pf_process {
	UT_hash_handle hh;
	int32_t pid;
	unsigned n_threads;
	uint64_t uuid;
	char comm[PF_NAME];
};

struct pf_thread {
	UT_hash_handle hh;
	int32_t tid;
	struct pf_process *process;
	uint64_t uuid, state_uuid, call_uuid; /* 0: no such track yet */
	char comm[PF_NAME];
	struct pf_row *rows;
	/* Its state. */
	enum pf_state state;
	struct pf_now now;
	const char *how, *call_name; /* of PF_OFF */
	uint32_t cpu;
	uint64_t flow; /* from its waker */
	struct pf_call call;
};

struct pf_tracks {
	struct pf_out *out;
	const struct export_env *env;
	struct pf_cpu *cpus[UINT16_MAX + 1];
	struct pf_node {
		UT_hash_handle hh;
		uint32_t node;
		uint64_t uuid;
	} * nodes;
	struct pf_thread *threads;
	struct pf_process *processes;
	uint64_t losses_uuid;
	struct pf_row *losses; /* of no CPU and no thread */
	/* Before a thread is forgotten that has not ended. */
	void (*evict)(void *ctx, struct pf_thread *t);
	void *ctx;
};

void pf_tracks_close(struct pf_tracks *t);

struct pf_cpu *pf_cpu(struct pf_tracks *t, uint16_t cpu);
/* comm: PF_COMM bytes, or NULL if it is unknown. tid > 0. */
struct pf_thread *pf_thread_get(struct pf_tracks *t, int32_t tid, int32_t pid, const char *comm);
struct pf_thread *pf_thread_find(struct pf_tracks *t, int32_t tid);
void pf_thread_forget(struct pf_tracks *t, struct pf_thread *thread);

/* The track of a row for a slice that begins then, or for an instant (end = begin). */
uint64_t pf_row_track(struct pf_tracks *t, struct pf_row **rows, uint64_t parent, const void *key,
		      const char *name, uint64_t begin, uint64_t end);

/* Of losses. Perfetto shows a row at the top only if there is one below it. */
uint64_t pf_losses_track(struct pf_tracks *t, uint64_t begin, uint64_t end);

#endif
