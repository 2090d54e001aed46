/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * numaring: collects events from BPF programs, from one ring per NUMA node, in one exact order.
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
 * Conventions: see plan.h. The library logs every error before it returns it.
 * Threads: one thread calls the functions of a collector, except nr_collector_stats, which any
 * thread may call. The collector has its own threads. One of them makes all calls of an output's
 * function. Any of them may call the log function.
 */
#ifndef NUMARING_H
#define NUMARING_H

#include <sys/types.h>
#include <numaring/event.h>
#include <numaring/log.h>
#include <numaring/plan.h>
#include <numaring/symbols.h>
#include <numaring/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nr_collector;
struct bpf_object;

/* How the collector determines that the stream is complete below a time (docs/order.md). */
enum nr_order {
	NR_ORDER_FENCE, /* by the atomic add in numaring.bpf.h */
	NR_ORDER_RCU,	/* by RCU grace periods; costs latency; not for sleepable programs */
};

struct nr_collector_opts {
	size_t sz;	    /* sizeof(struct nr_collector_opts) */
	const char *policy; /* as in nr_plan_opts; NULL: "node" */
	size_t ring_bytes;  /* of each ring, as in nr_plan_opts; 0: depends on the number of CPUs */
	const char *consumer_cpus; /* as in nr_plan_opts */
	enum nr_order order;
	/* An event is in the trace or in a batch after about this time at most; 0: 100. */
	unsigned latency_ms;
	pid_t pid;     /* one more PID for pids; 0: none */
	bool self;     /* also record the collector's own process, all its threads */
	nr_log_fn log; /* may be NULL */
	void *log_ctx;
	/* The processes that built-in sources, and programs that call nr_wanted, record; none: all.
	 * PIDs are those of the caller's PID namespace, while events carry the host's PIDs. At most
	 * NR_PIDS_MAX. Read during nr_collector_open. */
	const pid_t *pids;
	unsigned n_pids;
	/* How long nr_collector_stop waits for an output that makes no progress; 0: no limit. */
	unsigned stop_timeout_ms;
	/* Threads that make packets from events, at most NR_PACKERS_MAX. 0: one for each node with
	 * rings, at most 4; if a trace is compressed, four times as many; in any case at most a
	 * quarter of the plan's consumer CPUs, and at least 1. The bytes of a trace do not depend
	 * on it. */
	unsigned packers;
	unsigned unused; /* older programs have padding here */
	/* Record only the processes that this one starts from nr_collector_start on, and all that
	 * these start, with their threads; at most 65536 at once. Like pids, it limits the built-in
	 * sources, and programs that call nr_wanted. Not together with pids. */
	bool follow;
	enum nr_transport transport;
};

#define NR_PACKERS_MAX 64

/* opts NULL: all defaults. -EINVAL: an option is invalid; -E2BIG: too many PIDs; -EPERM:
 * capabilities are missing; -EOPNOTSUPP: the kernel lacks a feature; other errors of nr_plan_make
 * and of the system. */
NR_API int nr_collector_open(struct nr_collector **out, const struct nr_collector_opts *opts);
/* Stops the collector if it runs. Takes NULL. */
NR_API void nr_collector_close(struct nr_collector *c);

/*
 * Adds what a specification names (docs/events.md): a built-in source, NAME or NAME:ARGS, as
 * "sched"; a tracepoint, GROUP:EVENT; all tracepoints that match a pattern, as "sched:*"; or a
 * probe, kprobe:FUNCTION, uprobe:PATH:SYMBOL or usdt:PATH:PROVIDER:NAME. What follows the colon
 * belongs to a source of that name if the source takes arguments, unless it is a pattern or the
 * name of a tracepoint.
 *
 * -ENOENT: there is no such source or tracepoint, the log has the nearest name; -EEXIST: already
 * added; -EINVAL: the arguments or the pattern are invalid; -EOPNOTSUPP: not with this kernel.
 */
NR_API int nr_collector_add_source(struct nr_collector *c, const char *spec);
/* Name and one-line description of source i, from 0; NULL if there are no more. */
NR_API const char *nr_source_name(unsigned i);
NR_API const char *nr_source_about(unsigned i);

/* Options of functions that look at what this host offers. They need no collector. */
struct nr_offer_opts {
	size_t sz;     /* sizeof(struct nr_offer_opts) */
	nr_log_fn log; /* may be NULL */
	void *log_ctx;
};

/* Calls fn for each tracepoint of this kernel whose name, GROUP:EVENT, matches the pattern
 * (fnmatch(3)), in order. Stops at the first result that is not 0, and returns it. opts may be
 * NULL. -EPERM, -ENODEV...: tracefs cannot be read. */
NR_API int nr_tracepoints_each(const char *pattern, int (*fn)(void *ctx, const char *name),
			       void *ctx, const struct nr_offer_opts *opts);

/* The event types that nr_collector_add_source would add for this specification, which the caller
 * frees with nr_types_free. Loads nothing. opts may be NULL. Errors: as of nr_collector_add_source,
 * and of nr_tracepoints_each. */
NR_API int nr_source_types(struct nr_types **out, const char *spec,
			   const struct nr_offer_opts *opts);

/*
 * Adds a BPF object built with numaring.bpf.h:
 *  - from a file;
 *  - from memory: name is for messages, and the caller may free data after the call;
 *  - opened with libbpf and not yet loaded: the collector loads and attaches it, and the caller
 *    closes it after nr_collector_close. A program that libbpf cannot attach by its section name
 *    needs bpf_program__set_autoattach(prog, false) before the start, and the caller attaches it.
 *
 * For the first two, a child process (fork) opens and loads the object first, because libbpf
 * crashes on some damaged objects.
 *
 * -EINVAL: the object has no NR_EVENT or is damaged; -EPROTO: it uses another version of
 * numaring.bpf.h; -EEXIST: an event of this name is already defined with a different layout, or two
 * events have one number; -EBUSY: the object is loaded or was already added.
 */
NR_API int nr_collector_add_object(struct nr_collector *c, const char *path);
NR_API int nr_collector_add_object_mem(struct nr_collector *c, const char *name, const void *data,
				       size_t size);
NR_API int nr_collector_add_bpf_object(struct nr_collector *c, struct bpf_object *obj);

/*
 * Object i, from 0, of those that the three functions above added, in the order of the calls. NULL:
 * there are no more. It belongs to the collector, or to the caller who opened it, and stays valid
 * until nr_collector_close.
 *
 * Before the start it is open: the caller may change its maps, for example their size, set variables,
 * and choose its programs with bpf_program__set_autoload and _set_autoattach. The caller must not
 * load or close it. From the start on it is loaded: the caller may read and write maps, run programs
 * and attach programs whose autoattach is off; the caller destroys these links before
 * nr_collector_stop. After the stop, its programs are detached and its maps still have their content.
 * libbpf's functions for an object belong to the thread of the collector's functions. Any thread may
 * use the descriptors of maps and programs.
 */
NR_API struct bpf_object *nr_collector_object(const struct nr_collector *c, unsigned i);

/*
 * Sets a variable of such an object, before the start: a `const volatile` one, or one in .data or
 * .bss. name may be a part of a variable: "limits.max", "cpus[2]". The variable's BTF says what value
 * is: a number (decimal, or hexadecimal after 0x) within the range of the type; true or false; the
 * name of an enum's value (flags: A|B); a text, shorter than its array of char; the elements of an
 * array, separated by commas, of which missing ones become 0. A byte may also be a character: x or
 * 'x'.
 *
 * -ENOENT: there is no such object or variable, the log has the nearest name and a list; -EINVAL,
 * -ERANGE: the value is not one of this type; -EBUSY: the collector was already started.
 */
NR_API int nr_collector_set(struct nr_collector *c, unsigned object, const char *name,
			    const char *value);

/*
 * Attaches a program of such an object to a target at the start, instead of what its section names;
 * also one in SEC("?..."). A program may have several targets. The program's type says what a target
 * is: an event with a rate, "cpu-clock:1ms"; "eth0:ingress"; a cgroup; functions by a pattern...
 * (docs/own-events.md). After the stop, nothing stays attached.
 *
 * -ENOENT: there is no such object, program or target; -EINVAL: the target has not the form that the
 * program needs; -EOPNOTSUPP: programs of this type cannot be attached like this; -EBUSY: the
 * collector was already started. nr_collector_start returns what only the kernel can find.
 */
NR_API int nr_collector_attach(struct nr_collector *c, unsigned object, const char *program,
			       const char *target);

/*
 * Records only the events that match an expression (query.h). It is checked at once, against the
 * event types added so far, so add sources and objects first; nr_collector_start checks it again if
 * more were added. A later call replaces the filter; NULL removes it. The built-in sources test in
 * their BPF programs, before they reserve a record, what can be tested there; the rest is left out of
 * the ordered stream, before any output sees it (struct nr_stats, filtered). -EINVAL: the expression
 * is wrong; -ENOENT: there is no such cgroup; -EBUSY: the collector was already started; -ENOMEM.
 *
 * `cgroup == "PATH"` limits the sources, and programs that call nr_wanted, like pids. PATH is that of
 * the directory of a cgroup of version 2, or a path below the place where cgroup2 is mounted.
 */
NR_API int nr_collector_filter(struct nr_collector *c, const char *expression);

/* What a trace does when its disk, or its user's quota on it, is full (docs/reliability.md). */
enum nr_on_full {
	NR_ON_FULL_STOP,	/* an error: of a required output, it ends the recording */
	NR_ON_FULL_DROP_OLDEST, /* removes the oldest chunk; an error when only one is left */
	NR_ON_FULL_PAUSE,	/* waits until there is room, or the recording ends */
};

#define NR_FSYNC_PACKET 1

/*
 * Outputs take the stream. A recording has one or more, all added before the start.
 *
 * A required output holds the rings: a packet's room is free only when all required outputs have
 * taken the packet. If one of them is slow, rings fill, and lost records are counted. An error of
 * one ends the recording. An optional output delays nothing: when it falls behind, it misses
 * packets, which are counted (struct nr_output_stats) and visible to its reader. After its own
 * error it misses all further packets.
 */
struct nr_output_opts {
	size_t sz;     /* sizeof(struct nr_output_opts) */
	bool optional; /* false: required */
	/* An optional output: the bytes of packets that may wait for it; 0: 64 MiB. */
	size_t queue_bytes;
	bool force; /* a trace: replace an existing trace */
	/* A trace: this group may read it, too. The directory has mode 0750, the files 0640. NULL:
	 * only the owner may read it, 0700 and 0600, regardless of the umask, because the kernel
	 * shows such events to privileged users only. An existing directory keeps its mode. If the
	 * caller is neither privileged nor in the group, nr_collector_start returns -EPERM. Read
	 * during the call. */
	const gid_t *group;
	/* A function: its name in messages and statistics, copied. NULL: "batch", "json lines". */
	const char *name;

	/* The rest is for traces. */

	/* "zstd" or "zstd:LEVEL", LEVEL from -7 to 19: compress the stream. All compressed traces
	 * of a recording have one level. NULL: do not compress. Read during the call. */
	const char *compress;
	/* Begin the next chunk (docs/format.md) when the stream has this many bytes on the disk, or
	 * this time after the chunk's first event. 0: only when nr_collector_rotate asks for it. */
	uint64_t rotate_bytes;
	uint64_t rotate_ns;
	/* Remove the oldest chunks beyond this many bytes on the disk, or this many chunks. Both
	 * count the chunk that is being written. 0: no limit. keep_chunks needs rotate_bytes or
	 * rotate_ns; with keep_bytes alone, rotate_bytes is an eighth of it. */
	uint64_t keep_bytes;
	unsigned keep_chunks;
	enum nr_on_full on_full;
	/* Force what was written to the disk: 0: never; NR_FSYNC_PACKET: each packet, before its
	 * room in the rings is free; else: at most this many ns after it was written. */
	uint64_t fsync_ns;
};

/*
 * Adds a trace in the directory dir, which nr_collector_start makes. All traces of a recording have
 * the same packets and the same UUID. An optional trace has a gap mark for packets that it missed
 * (docs/format.md).
 *
 * With opts NULL, these functions add a required output. They return the index of the output in
 * nr_stats_output, from 0, or a negative errno: -EINVAL: an option is invalid; -EBUSY: the
 * collector was already started; -ENOMEM.
 */
NR_API int nr_collector_add_trace(struct nr_collector *c, const char *dir,
				  const struct nr_output_opts *opts);

/* Events in order, valid during the call. */
struct nr_batch {
	const struct nr_event *events;
	unsigned n;
	uint64_t missed; /* events that an optional output missed directly before these */
};

#define nr_batch_for_each(ev, batch)                                                               \
	for (const struct nr_event *ev = (batch)->events; ev < (batch)->events + (batch)->n; ev++)

/*
 * Returns 0 or a negative errno. An error ends the recording; that of an optional output ends only
 * that output. A call with n 0 asks the function to flush what it holds (or reports missed events).
 * It comes within latency after events were passed, and more often when rings fill; an idle system
 * makes no such calls.
 *
 * The function may call nr_types_*, nr_collector_types, nr_collector_plan,
 * nr_collector_clock_offset, nr_collector_stats, and any function for other objects. For its own
 * collector, nr_collector_stop returns -EDEADLK, nr_collector_close does nothing, and it must not
 * call other functions.
 */
typedef int (*nr_batch_fn)(void *ctx, const struct nr_batch *batch);

/* Adds a function that gets the events. The events of a required output are in the rings, not
 * copied; those of an optional output are as in a trace (docs/format.md: cut to their type). */
NR_API int nr_collector_add_batch(struct nr_collector *c, nr_batch_fn fn, void *ctx,
				  const struct nr_output_opts *opts);

/* Gets whole lines of text: size bytes, without a terminating 0. It returns what an nr_batch_fn
 * returns, and may call the same functions. */
typedef int (*nr_lines_fn)(void *ctx, const char *text, size_t size);

/* Adds a function that gets the events as JSON lines (nr_types_json_line), within latency. A line
 * with the event "numaring:gap" reports what an optional output missed, in the fields packets and
 * events. */
NR_API int nr_collector_add_json_lines(struct nr_collector *c, nr_lines_fn fn, void *ctx,
				       const struct nr_output_opts *opts);

/* The types of all events added so far. Valid until close, complete after the start. */
NR_API const struct nr_types *nr_collector_types(const struct nr_collector *c);
NR_API const struct nr_plan *nr_collector_plan(const struct nr_collector *c);
/* The ns to add to an event's time to get ns since the epoch, UTC. nr_collector_open reads it once,
 * to about a microsecond. */
NR_API int64_t nr_collector_clock_offset(const struct nr_collector *c);

/* *out: the ns to add to this process's CLOCK_MONOTONIC to get that of the host, which events
 * carry. It is 0 outside of time namespaces, and constant inside of one. (A single-threaded process
 * can change its time namespace; it must not do so while a collector is open.) The call needs no
 * collector. In a time namespace it needs the capabilities of nr_collector_open, else none. Any
 * thread may call it. */
NR_API int nr_host_clock_offset(int64_t *out);

/*
 * Names for the addresses in the stacks of this collector's events. Call it before the start, and
 * nr_symbols_close before nr_collector_close. Of processes that exited more than a minute ago, the
 * latest keep their names, as far as 128 MiB suffice (some 3 KiB for each). -EBUSY: the collector
 * was already started; -ENOMEM.
 */
NR_API int nr_collector_symbols(struct nr_collector *c, struct nr_symbols **out);

/* Loads and attaches the programs and starts the threads. -EINVAL: there is nothing to record or no
 * output: add one and start again. After any other error, close the collector, which also removes
 * the traces that the start made. */
NR_API int nr_collector_start(struct nr_collector *c);

/* Begins the next chunk of every trace as soon as its output can. A trace without events since its
 * last chunk began stays as it is. -EINVAL: the collector is not running. Any thread. */
NR_API int nr_collector_rotate(struct nr_collector *c);

/* A descriptor that becomes readable (poll) when the recording ends by itself. nr_collector_stop
 * returns the cause. */
NR_API int nr_collector_fd(const struct nr_collector *c);

/*
 * Detaches the programs, drains every ring to its end and writes the end marks. Returns the error
 * that ended the recording, or the error of its end; statistics are available in any case. -EINVAL:
 * the collector is not running; -ETIMEDOUT: a required output made no progress within
 * stop_timeout_ms.
 *
 * After -ETIMEDOUT, a thread of the collector is still in that output, until the output's call
 * returns. The same applies to an optional output whose error in nr_stats_output is -ETIMEDOUT.
 * Until the call returns, keep what the output's function uses. The log callback is not called any
 * more. nr_collector_close frees the BPF objects and leaves the other memory to that thread.
 */
NR_API int nr_collector_stop(struct nr_collector *c);

/*
 * Passes the content of a map of an object (nr_collector_object) to fn, as lines of text in one call:
 * keys and values by the map's BTF, sorted, at most 50 entries; values of CPUs added up if they are
 * numbers; histograms of powers of two as bars (docs/own-events.md). name may also be a section with
 * variables, as ".bss". Between the start and nr_collector_close; after the stop, the content is
 * final. With fn NULL it only checks the name, which is possible before the start. Returns what fn
 * returned. -ENOENT: there is no such object or map; -EOPNOTSUPP: entries of such a map cannot be
 * listed; -EINVAL: not started; -ENOMEM.
 */
NR_API int nr_collector_show_map(struct nr_collector *c, unsigned object, const char *name,
				 nr_lines_fn fn, void *ctx);

/*
 * A snapshot, allocated by the library and not changed afterwards. Within a soname, new fields are
 * only added at the end of struct nr_stats and of struct nr_shard_stats, so use nr_stats_shard to
 * get a shard. A new cause of loss takes one of the NR_LOSS_SLOTS and moves no field.
 *
 * While the collector runs, counters are read one after another, at slightly different times. Each
 * is exact for its time, and never decreases from one snapshot to a later one. `reserved` is read
 * last: it includes records in the rings, and is at least events_written + discarded + filtered. After the
 * stop, all are exact and of one time.
 */
struct nr_shard_stats {
	size_t ring_bytes;
	uint64_t records;   /* submitted by BPF and seen in the ring */
	uint64_t written;   /* of these, taken by all required outputs, or left out by the filter */
	uint64_t discarded; /* discarded by BPF programs */
	uint64_t malformed; /* submitted by a program that does not use numaring.bpf.h */
	uint64_t late;	    /* below a watermark already used; written nevertheless */
	uint64_t unsorted;  /* places where the ring is not in time order */
	/* Records below a time to which the shard was already complete, and the largest difference:
	 * this machine or a program violates the order protocol. A record is late only if the
	 * difference exceeds epsilon. */
	uint64_t behind;
	uint64_t behind_by_ns;
	uint64_t lost[NR_LOSS_SLOTS]; /* by enum nr_loss; 0 for unused slots */
	uint64_t unread; /* bytes reserved and not walked; set by the stop, normally 0 */
	uint64_t fill;	 /* bytes in the ring */
	/* Largest fill, bytes. With lanes: the part of its memory that a lane had used, at most, as the
	 * same part of ring_bytes. */
	uint64_t fill_peak;
	uint64_t lag_ns;  /* age of the shard's watermark */
	uint64_t busy_ns; /* wait for unsubmitted records, as of its last pass; 0: none */
	uint64_t idle_ns; /* time since its consumer's last pass */
	/* Maxima of the three, which may be of different times. */
	uint64_t lag_max_ns;
	uint64_t busy_max_ns;
	uint64_t idle_max_ns;
	/* The parts of lag_max_ns: the wait for unsubmitted records, and the longest time without a
	 * pass. With NR_ORDER_RCU, if neither explains it, no grace period ended. */
	uint64_t lag_max_busy_ns;
	uint64_t lag_max_idle_ns;
	size_t pages;	       /* pages of the ring */
	ssize_t pages_on_node; /* of these, on the planned node; -1: unknown */
	size_t index_pages;    /* used pages of the consumer's own memory; 0 before the stop */
	ssize_t index_on_node; /* of these, on the node of the consumer's CPUs; -1: unknown */
	/* With lanes: bytes of a block, which is the longest record with 24 bytes in front, and how
	 * many lanes there are. 0 with rings. */
	uint64_t block_bytes;
	unsigned lanes;
};

/* Statistics of an output. */
struct nr_output_stats {
	const char *name; /* the directory of a trace, the name of a function */
	bool optional;
	int error;	  /* 0, or the negative errno after which it takes no packets */
	uint64_t packets; /* taken */
	uint64_t events;  /* in these */
	uint64_t bytes;	  /* written to the stream of a trace, or to lines; 0: a batch function */
	uint64_t missed_packets; /* by an optional output that fell behind or failed */
	uint64_t missed_events;	 /* in these */
	uint64_t queued;	 /* bytes of packets that wait for it */
	uint64_t busy_ns;	 /* time since its current call made progress; 0: no call */
	uint64_t busy_max_ns;	 /* the longest completed call, without paused_ns */
	uint64_t busy_total_ns;	 /* sum of the completed calls */
	/* Of a trace: */
	uint64_t plain_bytes;	 /* bytes before compression */
	uint64_t chunks;	 /* begun */
	uint64_t dropped_chunks; /* removed, to keep to a limit or because the disk was full */
	uint64_t dropped_events; /* in these; `events` counts them, too */
	uint64_t paused_ns;	 /* wait for room on a full disk */
};

struct nr_stats {
	size_t sz; /* bytes that the library filled in; less than sizeof if the library is older */
	uint64_t duration_ns; /* from the start to now, or to the stop */
	uint64_t cpu_ns;      /* CPU time of this process since the start, all threads */
	uint64_t reserved;    /* reservations by BPF programs, on all CPUs */
	uint64_t events_written;
	uint64_t bytes_written;	      /* to the streams of all traces */
	uint64_t lost[NR_LOSS_SLOTS]; /* by enum nr_loss; 0 for unused slots */
	uint64_t lost_total;
	uint64_t discarded;
	uint64_t malformed;
	uint64_t late;
	/* Set by the stop (I7). unaccounted: per CPU, reservations without a record in a ring, or
	 * the reverse; per shard, records neither written nor counted as unwritten. Anything but 0
	 * is an error. */
	uint64_t unaccounted;
	uint64_t unwritten; /* seen in a ring, but not written because a required output failed */
	uint64_t lag_ns;    /* age of the watermark to which the stream is complete */
	unsigned n_shards;
	size_t shard_stride;		     /* bytes from one shard's statistics to the next */
	const struct nr_shard_stats *shards; /* [n_shards]: use nr_stats_shard */
	const char *clocksource;	     /* the kernel's */
	uint64_t misfits;		     /* records that do not fit their type */
	unsigned n_types;		     /* types that have such records */
	size_t type_stride;
	const struct nr_type_stats *types; /* [n_types], by id: use nr_stats_type */
	uint64_t output_ns;		   /* largest busy_ns of the required outputs */
	uint64_t output_max_ns;		   /* their largest busy_max_ns */
	uint64_t output_total_ns;	   /* their largest busy_total_ns */
	/* The longest time that the merge thread did not run; it is due every 25 ms at least. */
	uint64_t merge_idle_max_ns;
	/* The time it waited for outputs because too many bytes of packets were on their way. */
	uint64_t merge_waited_ns;
	unsigned n_outputs;
	size_t output_stride;
	const struct nr_output_stats *outputs; /* [n_outputs]: use nr_stats_output */
	/* How often the kernel did not run a program because another one ran on the same CPU, also
	 * for tasks that are not recorded. These events are missing, and no loss. Programs of
	 * tracepoints by name, and of kprobes: counted since Linux 6.7. */
	uint64_t skipped_runs;
	/* Records that nr_collector_filter left out of the stream. Those that BPF programs left out
	 * were never reserved and are not counted. */
	uint64_t filtered;
	/* Processes that were not followed because there were too many at once, with all that they
	 * started. */
	uint64_t unfollowed;
};

/* Statistics of shard i, less than stats->n_shards. */
static inline const struct nr_shard_stats *nr_stats_shard(const struct nr_stats *stats, unsigned i)
{
	return (const struct nr_shard_stats *)((const char *)stats->shards +
					       i * stats->shard_stride);
}

/* Misfits of a type, i less than stats->n_types. */
static inline const struct nr_type_stats *nr_stats_type(const struct nr_stats *stats, unsigned i)
{
	return (const struct nr_type_stats *)((const char *)stats->types + i * stats->type_stride);
}

/* Statistics of output i, less than stats->n_outputs, in the order of the nr_collector_add_* calls.
 */
static inline const struct nr_output_stats *nr_stats_output(const struct nr_stats *stats,
							    unsigned i)
{
	return (const struct nr_output_stats *)((const char *)stats->outputs +
						i * stats->output_stride);
}

/* Statistics of a started or stopped collector; the caller frees them. NULL: no memory, or not
 * started. Any thread may call it between the return of nr_collector_start and the call of
 * nr_collector_close, also during nr_collector_stop and in an output's function. */
NR_API struct nr_stats *nr_collector_stats(const struct nr_collector *c);
NR_API void nr_stats_free(struct nr_stats *stats);

/* "full", "contended", ...; NULL for an unused slot. The library may name more causes below
 * NR_LOSS_SLOTS than this header. */
NR_API const char *nr_loss_name(unsigned cause);

#ifdef __cplusplus
}
#endif
#endif
