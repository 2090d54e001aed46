/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * numaring: events from BPF programs, drained from one ring per NUMA node, in one exact order.
 *
 * The life of a collector: open it (this makes the plan, the rings and the maps), add sources and
 * BPF objects, add outputs, start, stop, close. Example:
 *
 *	struct nr_collector *c = NULL;
 *	struct nr_collector_opts opts = { .sz = sizeof(opts), .log = my_log };
 *	int err = nr_collector_open(&c, &opts);
 *	if (!err)
 *		err = nr_collector_add_source(c, "sched");
 *	if (!err)
 *		err = nr_collector_add_trace(c, "my-trace", NULL);
 *	if (!err)
 *		err = nr_collector_start(c);
 *	if (!err) {
 *		sleep(5);
 *		err = nr_collector_stop(c);
 *	}
 *	nr_collector_close(c);
 *
 * Conventions: see plan.h. Every error was explained through the log callback before it is returned.
 * Threads: one thread calls the functions of a collector, except nr_collector_stats, which any thread
 * may call. The collector has threads of its own; all calls of one output's function come from one of
 * them, and the log may be called from any.
 */
#ifndef NUMARING_H
#define NUMARING_H

#include <sys/types.h>
#include <numaring/event.h>
#include <numaring/log.h>
#include <numaring/plan.h>
#include <numaring/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nr_collector;
struct bpf_object;

/* How the collector knows that the stream is complete below a time (docs/order.md). */
enum nr_order {
	NR_ORDER_FENCE, /* the writer's atomic add; every program that includes numaring.bpf.h has it */
	NR_ORDER_RCU, /* a grace period of the kernel; costs latency; not for sleepable programs */
};

struct nr_collector_opts {
	size_t sz;		   /* sizeof(struct nr_collector_opts) */
	const char *policy;	   /* as in nr_plan_opts; NULL: "node" */
	size_t ring_bytes;	   /* of each ring, as in nr_plan_opts; 0: by the number of CPUs */
	const char *consumer_cpus; /* as in nr_plan_opts */
	enum nr_order order;
	unsigned
		latency_ms; /* an event is in the trace, or in a batch, after at most about this; 0: 100 */
	pid_t pid;	    /* one more of pids; 0: none */
	bool self;	    /* record the process of the collector too, all its threads */
	nr_log_fn log; /* may be NULL */
	void *log_ctx;
	/* Built-in sources, and programs that ask nr_wanted, record these processes only, by their
	 * numbers in our own PID namespace (events have those of the host); none: all. At most
	 * NR_PIDS_MAX. Read during nr_collector_open. */
	const pid_t *pids;
	unsigned n_pids;
	/* How long nr_collector_stop waits for an output that makes no progress; 0: for as long as it
	 * takes. */
	unsigned stop_timeout_ms;
	/* Threads that make packets out of events, up to NR_PACKERS_MAX; 0: 1. The bytes of a trace do
	 * not depend on it. */
	unsigned packers;
};

#define NR_PACKERS_MAX 64

/* opts NULL: all defaults. -EINVAL: one of them is invalid; -E2BIG: too many pids; -EPERM: capabilities are missing; -EOPNOTSUPP: the kernel lacks something;
 * others as nr_plan_make and of the system. */
NR_API int nr_collector_open(struct nr_collector **out, const struct nr_collector_opts *opts);
/* Stops it if it runs. Takes NULL. */
NR_API void nr_collector_close(struct nr_collector *c);

/* A built-in source: "sched", "syscalls". -ENOENT: unknown, the log lists them; -EEXIST: added already. */
NR_API int nr_collector_add_source(struct nr_collector *c, const char *name);
/* Name and one line of description of source number i; NULL if there are no more. */
NR_API const char *nr_source_name(unsigned i);
NR_API const char *nr_source_about(unsigned i);

/* A BPF object built with numaring.bpf.h: from a file, from memory (name is for messages; data may go
 * after the call), or opened with libbpf and not yet loaded (the collector loads and attaches it; the
 * caller closes it after nr_collector_close; what cannot be attached by section name needs
 * bpf_program__set_autoattach(prog, false) before the start, and is the caller's to attach).
 * Except for the last kind, a child process (fork) opens and loads the object first, because libbpf
 * crashes on some damaged ones.
 * -EINVAL: no NR_EVENT, or it is damaged; -EPROTO: another version of numaring.bpf.h; -EEXIST: an event of this name
 * exists with another layout, or two have one number; -EBUSY: it is loaded or was added already. */
NR_API int nr_collector_add_object(struct nr_collector *c, const char *path);
NR_API int nr_collector_add_object_mem(struct nr_collector *c, const char *name, const void *data,
				       size_t size);
NR_API int nr_collector_add_bpf_object(struct nr_collector *c, struct bpf_object *obj);

/*
 * Outputs: where the stream goes. A recording has one or more, all added before the start; each has
 * a thread of its own.
 *
 * A required output holds the rings: their room is given back when all required outputs have taken
 * a packet of events. So what is lost because one of them is slow is counted as lost, and an error
 * of one ends the recording. An optional output holds up nobody: when it falls behind, it misses
 * packets, which are counted (struct nr_output_stats) and visible to whoever reads it; after an
 * error of its own it misses all the rest.
 */
struct nr_output_opts {
	size_t sz;     /* sizeof(struct nr_output_opts) */
	bool optional; /* false: required */
	/* Of an optional output: bytes of packets that may wait for it; 0: 64 MiB. */
	size_t queue_bytes;
	bool force; /* of a trace: replace one that is there */
	/* Of a trace: this group may read it, too. Its directory then has the mode 0750 and its files
	 * 0640. NULL: only the owner may, 0700 and 0600, whatever the umask: the kernel shows the
	 * same events only to the privileged. A directory that is there keeps its mode. Whoever is
	 * neither privileged nor in the group gets -EPERM from nr_collector_start. Read during the
	 * call. */
	const gid_t *group;
};

/*
 * A trace in the directory dir, which nr_collector_start makes. Several traces of one recording
 * have the same packets, and one identity (UUID). An optional trace has a gap mark for packets that
 * it missed (docs/format.md).
 *
 * These functions take opts NULL: a required output. They return the index of the output in
 * nr_stats_output, from 0 on, or a negative errno: -EINVAL: an option is invalid; -EBUSY: the
 * collector was started already; -ENOMEM.
 */
NR_API int nr_collector_add_trace(struct nr_collector *c, const char *dir,
				  const struct nr_output_opts *opts);

/* Some events in order. Valid during the call. */
struct nr_batch {
	const struct nr_event *events;
	unsigned n;
	uint64_t missed; /* events that an optional output missed right before these */
};

#define nr_batch_for_each(ev, batch)                                                               \
	for (const struct nr_event *ev = (batch)->events; ev < (batch)->events + (batch)->n; ev++)

/*
 * Returns 0, or a negative errno, which ends the recording with that error, or, of an optional
 * output, only this output. Called with n 0: flush what you hold (or learn what was missed). That
 * comes within latency after events were handed over, and more often when rings fill; in an idle
 * system it does not come.
 *
 * It may call nr_types_*, nr_collector_types, nr_collector_plan, nr_collector_clock_offset,
 * nr_collector_stats, and everything that takes other objects. Of this collector, nr_collector_stop
 * returns -EDEADLK and nr_collector_close does nothing; the rest is not for this thread.
 */
typedef int (*nr_batch_fn)(void *ctx, const struct nr_batch *batch);

/* A function that gets the events. Those of a required output lie in the rings and are not copied;
 * those of an optional one are as a trace has them (docs/format.md: cut to their type). */
NR_API int nr_collector_add_batch(struct nr_collector *c, nr_batch_fn fn, void *ctx,
				  const struct nr_output_opts *opts);

/* Gets whole lines of text, size bytes, no terminating 0; the return value is that of nr_batch_fn.
 * What it may call is the same, too. */
typedef int (*nr_lines_fn)(void *ctx, const char *text, size_t size);

/* A function that gets the events as JSON lines (nr_types_json_line), within latency. What an
 * optional output misses is a line, too: the event "numaring:gap" has the fields packets and
 * events. */
NR_API int nr_collector_add_json_lines(struct nr_collector *c, nr_lines_fn fn, void *ctx,
				       const struct nr_output_opts *opts);

/* Types of all events added so far; valid until close, complete once started. */
NR_API const struct nr_types *nr_collector_types(const struct nr_collector *c);
NR_API const struct nr_plan *nr_collector_plan(const struct nr_collector *c);
/* Adds to an event's time to get ns since the epoch, UTC; read once, by nr_collector_open, to about a
 * microsecond. */
NR_API int64_t nr_collector_clock_offset(const struct nr_collector *c);

/* Adds to this process's CLOCK_MONOTONIC to get the host's, which is what events carry: *out, ns, is 0
 * except in a time namespace, where it is constant. (A single-threaded process can change its namespace:
 * not while it has a collector open.) Needs no collector, and rights only in a time namespace: those of
 * nr_collector_open. Any thread. */
NR_API int nr_host_clock_offset(int64_t *out);

/* Loads and attaches the programs, starts the threads. -EINVAL: there is nothing to record, or no
 * output: add it and start again. After another error: close, which also removes the traces of that
 * start. */
NR_API int nr_collector_start(struct nr_collector *c);

/* Becomes readable (poll) when the recording ended by itself: nr_collector_stop tells why. */
NR_API int nr_collector_fd(const struct nr_collector *c);

/* Detaches the programs, drains every ring to its end, writes the end marks. Returns the error that
 * ended the recording, or of its end; the numbers are there in any case. -EINVAL: it does not run;
 * -ETIMEDOUT: a required output made no progress within stop_timeout_ms. A thread of the collector is
 * then still in that output, and ends when the call returns; the same can be true of an optional output,
 * whose error is -ETIMEDOUT in nr_stats_output. Until then what the output's function uses has to stay;
 * the log callback is not called any more. nr_collector_close frees the BPF objects and leaves the rest
 * of the memory to that thread. */
NR_API int nr_collector_stop(struct nr_collector *c);

/*
 * A snapshot, allocated by the library and not changed afterwards. Within a soname, fields are only
 * added, at the end of struct nr_stats and at the end of struct nr_shard_stats: walk the shards with
 * nr_stats_shard. A new cause of loss moves nothing: it takes one of the NR_LOSS_SLOTS.
 *
 * While the collector runs, the counters are read one after another, so they are of slightly different
 * moments. Each is exact for the moment at which it was read, and never falls from one snapshot to one
 * taken later. `reserved` is read last: it includes what is still in the rings, and is not less than
 * events_written + discarded. After the stop all are exact and of one moment.
 */
struct nr_shard_stats {
	size_t ring_bytes;
	uint64_t records;   /* submitted by BPF and seen in the ring */
	uint64_t written;   /* of these: taken by all required outputs */
	uint64_t discarded; /* taken back by BPF programs */
	uint64_t malformed; /* submitted, but by a program that does not use numaring.bpf.h */
	uint64_t late;	    /* came below a watermark already used; written all the same */
	uint64_t unsorted;  /* places where the ring was not in time order */
	/* Came with a time at which the shard was complete already, by at most behind_by_ns: the order
	 * protocol is broken on this machine, or by this program. Late only if by more than epsilon. */
	uint64_t behind;
	uint64_t behind_by_ns;
	uint64_t lost[NR_LOSS_SLOTS]; /* by enum nr_loss; 0 where nr_loss_name has no name */
	uint64_t unread;	      /* bytes reserved in the ring and not walked; 0 at the end */
	uint64_t fill;		      /* bytes in the ring now */
	uint64_t fill_peak;	      /* bytes, largest seen */
	uint64_t lag_ns;	      /* age of the shard's watermark */
	uint64_t busy_ns; /* it waited that long, when its consumer looked last, for records that
				 * are reserved and not submitted; 0: it did not */
	uint64_t idle_ns; /* its consumer looked into the ring that long ago */
	/* Each of the three at its longest; they may be of different moments. */
	uint64_t lag_max_ns;
	uint64_t busy_max_ns;
	uint64_t idle_max_ns;
	/* What of lag_max_ns it waited for records, and the longest time in it that its consumer did not
	 * look. With NR_ORDER_RCU, where neither explains it, no grace period ended. */
	uint64_t lag_max_busy_ns;
	uint64_t lag_max_idle_ns;
	size_t pages;	       /* of the ring's memory */
	ssize_t pages_on_node; /* on the planned node; -1: this kernel does not tell */
	size_t index_pages; /* of the consumer's own memory, as far as it was used; 0 before stop */
	ssize_t index_on_node; /* on the node of the consumer's CPUs; -1: this kernel does not tell */
};

/* How an output fares. */
struct nr_output_stats {
	const char *name; /* the directory of a trace; "batch", "json lines" */
	bool optional;
	int error;	  /* 0, or the negative errno after which it takes nothing */
	uint64_t packets; /* taken, without those below */
	uint64_t events;  /* in these */
	uint64_t bytes;	  /* written to the stream of a trace, or to lines; 0: a batch function */
	uint64_t missed_packets; /* by an optional output that fell behind, or failed */
	uint64_t missed_events;	 /* in these */
	uint64_t queued;	 /* bytes of packets that wait for it now */
	uint64_t busy_ns;	 /* its call has made no progress for that long; 0: it is in none */
	uint64_t busy_max_ns;	 /* the longest call that has ended */
	uint64_t busy_total_ns;	 /* all of them */
};

struct nr_stats {
	size_t sz; /* of what the library filled in: less than sizeof if the library is older */
	uint64_t duration_ns; /* start to now, or to stop */
	uint64_t cpu_ns;      /* of this process since start, all threads */
	uint64_t reserved;    /* by BPF programs, on all CPUs */
	uint64_t events_written;
	uint64_t bytes_written;	      /* of all traces' streams */
	uint64_t lost[NR_LOSS_SLOTS]; /* by enum nr_loss; 0 where nr_loss_name has no name */
	uint64_t lost_total;
	uint64_t discarded;
	uint64_t malformed;
	uint64_t late;
	/* After stop (I7). unaccounted: per CPU, reservations that no ring showed, or the other way
	 * round; per shard, records neither written nor known to be unwritten. 0, or something is wrong. */
	uint64_t unaccounted;
	uint64_t unwritten; /* seen in a ring, but a required output failed before */
	uint64_t lag_ns;    /* age of the watermark the stream is complete to */
	unsigned n_shards;
	size_t shard_stride;		     /* bytes from one shard's numbers to the next */
	const struct nr_shard_stats *shards; /* [n_shards]: use nr_stats_shard */
	const char *clocksource;	     /* of the kernel */
	uint64_t misfits;		     /* records that do not fit their type */
	unsigned n_types;		     /* that have such records */
	size_t type_stride;
	const struct nr_type_stats *types; /* [n_types], by id: use nr_stats_type */
	uint64_t output_ns;		   /* largest busy_ns of the required outputs */
	uint64_t output_max_ns;		   /* their largest busy_max_ns */
	uint64_t output_total_ns;	   /* their largest busy_total_ns */
	uint64_t
		merge_idle_max_ns; /* the merge thread runs at least every 25 ms, if it gets to run */
	uint64_t
		merge_waited_ns; /* it waited for outputs, with as many packets on the way as may be */
	unsigned n_outputs;
	size_t output_stride;
	const struct nr_output_stats *outputs; /* [n_outputs]: use nr_stats_output */
};

/* Numbers of shard i, below stats->n_shards. */
static inline const struct nr_shard_stats *nr_stats_shard(const struct nr_stats *stats, unsigned i)
{
	return (const struct nr_shard_stats *)((const char *)stats->shards +
					       i * stats->shard_stride);
}

/* Misfits of a type, i below stats->n_types. */
static inline const struct nr_type_stats *nr_stats_type(const struct nr_stats *stats, unsigned i)
{
	return (const struct nr_type_stats *)((const char *)stats->types + i * stats->type_stride);
}

/* Output i, below stats->n_outputs, in the order in which they were added. */
static inline const struct nr_output_stats *nr_stats_output(const struct nr_stats *stats,
							    unsigned i)
{
	return (const struct nr_output_stats *)((const char *)stats->outputs +
						i * stats->output_stride);
}

/* Numbers of a started or stopped collector; the caller frees them. NULL: no memory, or no start. From any thread, also
 * while nr_collector_stop runs and from the batch function, after nr_collector_start has returned and
 * before nr_collector_close is called. */
NR_API struct nr_stats *nr_collector_stats(const struct nr_collector *c);
NR_API void nr_stats_free(struct nr_stats *stats);

/* "full", "contended", ... ; NULL if there is no such cause. Below NR_LOSS_SLOTS, the library may have
 * names for more causes than this header. */
NR_API const char *nr_loss_name(unsigned cause);

#ifdef __cplusplus
}
#endif
#endif
