/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads a trace: a directory as `numaring record` writes it.
 *
 *	struct nr_trace *trace;
 *	struct nr_event ev;
 *	nr_trace_open(&trace, "dir", NULL);
 *	while (nr_trace_next(trace, &ev) > 0) {
 *		const char *name = nr_types_name(nr_trace_types(trace), ev.rec->id);
 *		puts(name ? name : "numaring:raw");
 *	}
 *	nr_trace_close(trace);
 *
 * The name is NULL for a record of no known type, of which there are only the bytes (docs/format.md,
 * records that do not fit their type).
 *
 * Conventions: see plan.h. A trace is used by one thread at a time.
 */
#ifndef NUMARING_TRACE_H
#define NUMARING_TRACE_H

#include <numaring/event.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nr_trace;

struct nr_trace_opts {
	size_t sz;
	nr_log_fn log; /* says what is wrong with a trace, and where in which file */
	void *log_ctx;
};

/* What the head of a packet says. Times are ns of the host's CLOCK_MONOTONIC, sizes bytes. */
struct nr_packet_info {
	uint64_t offset; /* in the stream file */
	uint64_t size;
	uint64_t seq;
	uint64_t begin, end; /* times of its first and last event; both the watermark if empty */
	uint64_t watermark;  /* every record with a time below is in this packet or an earlier one;
			      * UINT64_MAX in the end mark: nothing more will come */
	uint64_t lost;	     /* records lost since the recording began, all causes and CPUs */
	/* What this trace has missed so far: an optional output fell behind. A gap mark is a packet of
	 * its own without events, in the place of those that are missing; seq is that of the last. */
	uint64_t missed_packets;
	uint64_t missed_events;
};

/* -ENOENT: no trace there; -EBADMSG: damaged; -EPROTO: of another format version. */
NR_API int nr_trace_open(struct nr_trace **out, const char *dir, const struct nr_trace_opts *opts);
NR_API void nr_trace_close(struct nr_trace *trace);

NR_API const struct nr_types *nr_trace_types(const struct nr_trace *trace);

/* Adds to a time of the trace to get ns since the epoch, UTC. */
NR_API int64_t nr_trace_clock_offset(const struct nr_trace *trace);

/* 1: *ev is the next event, valid until the next call; 0: end; -EBADMSG: the file is damaged here (what
 * came before is good: every packet is verified as a whole before its first event is returned); -ENOMEM,
 * or what read or fstat said: the packet may be good, and cannot be read here. After an error there is
 * nothing more, and every call returns it again. */
NR_API int nr_trace_next(struct nr_trace *trace, struct nr_event *ev);

/* Packet of the last event returned; after the end, the last packet, which has the final loss (the end mark,
 * if the trace has one, and after it its begin and end are the time at which the recording ended); after an
 * error, the last that is whole. NULL before the first call of nr_trace_next, and if no packet is whole. */
NR_API const struct nr_packet_info *nr_trace_packet(const struct nr_trace *trace);

/* The final account of a recording, as its end mark holds it. */
struct nr_account {
	size_t sz;    /* sizeof(struct nr_account); nr_trace_end fills in no more than that */
	uint64_t end; /* when the recording ended, CLOCK_MONOTONIC ns */
	int error; /* 0: it ended as asked; else the negative errno that ended it, or this trace */
	bool repaired; /* nr_trace_repair wrote the mark: it knows written, late and lost_total only, and
			* end is the time of the last whole packet */
	uint64_t reserved;  /* by BPF programs, on all CPUs */
	uint64_t written;   /* events in the trace, and those in its gaps */
	uint64_t discarded; /* taken back by BPF programs */
	uint64_t malformed; /* submitted by programs that do not use numaring.bpf.h; not written */
	uint64_t unwritten; /* seen in a ring, and not in the trace: writing failed before */
	uint64_t unaccounted; /* as in struct nr_stats */
	uint64_t late;
	uint64_t lost_total;
	unsigned n_lost; /* causes that the recorder knew */
	unsigned n_misfits;
	const uint64_t *lost;		     /* [n_lost], by enum nr_loss */
	const struct nr_type_stats *misfits; /* [n_misfits]: use nr_account_misfits */
	size_t misfit_stride;		     /* bytes from one type's to the next */
};

/* Misfits of a type, i below account->n_misfits; only types that have any are there. */
static inline const struct nr_type_stats *nr_account_misfits(const struct nr_account *account,
							     unsigned i)
{
	return (const struct nr_type_stats *)((const char *)account->misfits +
					      i * account->misfit_stride);
}

/*
 * How the trace ended. Call it when nr_trace_next has returned 0 or an error; the arrays are valid until
 * nr_trace_close. 0: with its end mark, whose account is in *account (the caller sets sz);
 * -ENODATA: without, so the recorder was killed, or the machine or the disk failed, or the mark is behind
 * the damage; -EBUSY: it is being recorded right now; -EOPNOTSUPP: format 1.0 has no end mark;
 * -EAGAIN: nr_trace_next has not come to the end; -EINVAL: sz is not set.
 */
NR_API int nr_trace_end(const struct nr_trace *trace, struct nr_account *account);

struct nr_repair_opts {
	size_t sz;
	nr_log_fn log;
	void *log_ctx;
	const char *copy; /* directory to make for the repaired copy, 0700; NULL: repair in place */
};

/* What nr_trace_repair found. */
struct nr_repair {
	size_t sz;	  /* sizeof(struct nr_repair); nr_trace_repair fills in no more than that */
	bool needed;	  /* false: the trace has its end mark (or is of format 1.0) and no damage;
			   * nothing was written */
	bool more;	  /* whole packets may be among the bytes that were left out */
	uint64_t packets; /* whole ones, from the beginning of the stream */
	uint64_t events;  /* in these */
	uint64_t lost;	  /* losses they tell of */
	uint64_t left_out; /* bytes of the stream behind them */
};

/*
 * Ends a trace with its last whole packet and an end mark that says so, in a copy or in place. Every packet
 * is verified as nr_trace_next does. All that is written is on the disk when it returns 0.
 * -EBUSY: the trace is being recorded; -EEXIST: copy exists; -ENODATA: no packet is whole; others as
 * nr_trace_open and of the file system. After an error in a copy nothing of it is left; in place, the trace
 * can be repaired again. *result may be NULL, and is filled in on success.
 */
NR_API int nr_trace_repair(const char *dir, const struct nr_repair_opts *opts,
			   struct nr_repair *result);

#ifdef __cplusplus
}
#endif
#endif
