/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads a trace, a directory that `numaring record` writes: a flat one, whose stream may be
 * compressed, or a series of chunks, which is read as one trace. A chunk of a series can also be
 * read alone.
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
 * The name is NULL for a record of unknown type, which has only its bytes (docs/format.md, records
 * that do not fit their type).
 *
 * Conventions: see plan.h. Only one thread at a time may use a trace.
 */
#ifndef NUMARING_TRACE_H
#define NUMARING_TRACE_H

#include <numaring/event.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nr_trace;

/* A place where a trace is damaged: a stretch of a file that does not hold what it should. */
struct nr_damage {
	size_t sz;	  /* sizeof(struct nr_damage) of the library */
	const char *file; /* below the trace's directory: "stream", "000003/stream.zst" */
	uint64_t offset;
	uint64_t size;	  /* bytes of the file up to the next whole packet, or to the file's end;
			       0: nothing but packets are missing before this offset */
	const char *what; /* a sentence without a full stop:
			       "packet 7 is damaged: its checksum is wrong" */
	uint64_t packets; /* missing here by the numbers of the packets around it; 0: unknown or
			       none */
};

/* The strings are valid during the call. */
typedef void (*nr_damage_fn)(void *ctx, const struct nr_damage *damage);

struct nr_trace_opts {
	size_t sz;
	nr_log_fn log; /* gets what is wrong with the trace, with file and place */
	void *log_ctx;
	/* Go on with the next whole packet after damage. If it is not set, the first damage ends
	 * the trace with -EBADMSG. */
	bool skip_damaged;
	/* Gets each damage once, in the order of the stream, instead of log. */
	nr_damage_fn damage;
	void *damage_ctx;
};

/* The head of a packet. Times are ns of the host's CLOCK_MONOTONIC, sizes are bytes. */
struct nr_packet_info {
	uint64_t offset; /* in the stream file; in a compressed one, of its label */
	uint64_t size;	 /* not compressed */
	uint64_t seq;
	uint64_t begin, end; /* times of its first and last event; the watermark if it has none */
	uint64_t watermark;  /* every record below this time is in this packet or an earlier one;
				UINT64_MAX in the end mark */
	uint64_t lost; /* records lost since the recording began, by all causes, on all CPUs */
	/*
	 * What is missing in this trace so far, since it was opened or since nr_trace_seek: because
	 * its optional output fell behind, or because of damage that was skipped (or left out by
	 * nr_trace_repair). A gap mark, a packet without events, stands in the place of missing
	 * packets; its seq is that of the last of them. Damage that was skipped is counted from the
	 * packet after it on. Events that are missing because of damage are counted only if their
	 * number is known.
	 */
	uint64_t missed_packets;
	uint64_t missed_events;
	uint64_t damaged_packets; /* those of missed_packets that are missing because of damage */
	uint64_t chunk;		  /* number of the chunk that holds it; 0 in a flat trace */
	/* Before this trace, in chunks that are not here; after nr_trace_seek, up to the end of the
	 * packet before the place: */
	uint64_t lost_before;	 /* of lost */
	uint64_t packets_before; /* of the packets that seq counts */
};

/* -ENOENT: there is no trace; -EBADMSG: it is damaged; -EPROTO: it has another format version. */
NR_API int nr_trace_open(struct nr_trace **out, const char *dir, const struct nr_trace_opts *opts);
NR_API void nr_trace_close(struct nr_trace *trace);

NR_API const struct nr_types *nr_trace_types(const struct nr_trace *trace);

/*
 * The first and the last time of the trace, CLOCK_MONOTONIC ns: the begin of its first packet, and
 * the end of its last whole packet so far. Reads only a few packets and does not move the reader.
 * -ENODATA: no packet is whole; an error of read.
 */
NR_API int nr_trace_span(struct nr_trace *trace, uint64_t *begin, uint64_t *end);

/* The ns to add to a time of the trace to get ns since the epoch, UTC. */
NR_API int64_t nr_trace_clock_offset(const struct nr_trace *trace);

/* The NUMA node of each CPU when the recording began, and the number of CPUs; UINT32_MAX: unknown.
 * NULL: all are unknown, as in traces of a format before 1.4. Valid until nr_trace_close. */
NR_API const uint32_t *nr_trace_nodes(const struct nr_trace *trace, unsigned *n_cpus);

/* The filter of the recording, whose other events are not in the trace; NULL: it had none. Valid until
 * nr_trace_close. */
NR_API const char *nr_trace_filter(const struct nr_trace *trace);

/*
 * 1: *ev is the next event, valid until the next call; 0: end; -EBADMSG: the file is damaged here
 * (unless skip_damaged is set), and all earlier events are good, because a packet is verified
 * before its first event is returned; -ENOMEM, or an error of read or fstat: the packet may be
 * good, but could not be read. After an error, every call returns it again.
 */
NR_API int nr_trace_next(struct nr_trace *trace, struct nr_event *ev);

/*
 * Moves the reader, back or forth: the next event is the first one with ts >= ns (CLOCK_MONOTONIC).
 * It finds the place by bisection and reads only a few packets, whatever the size of the trace. Until
 * the next nr_trace_next, nr_trace_packet is the packet before that place, so that losses can be
 * counted from there; NULL if there is none. Damage before that packet is not noticed. If there is
 * damage between the packet and the place, nr_trace_next returns -EBADMSG, or skips it.
 *
 * 0, also if no event is left (nr_trace_next tells); an error of read. A failed reader can be moved.
 */
NR_API int nr_trace_seek(struct nr_trace *trace, uint64_t ns);

/*
 * The packet of the last event returned. After the end, it is the last packet, which has the final
 * loss; if that is the end mark, its begin and end are nr_account.end. After
 * an error, it is the last whole packet. NULL before the first call of nr_trace_next, and if no
 * packet is whole.
 */
NR_API const struct nr_packet_info *nr_trace_packet(const struct nr_trace *trace);

/* The final account of a recording, from its end mark. */
struct nr_account {
	size_t sz;	    /* sizeof(struct nr_account); nr_trace_end fills in no more bytes */
	uint64_t end;	    /* CLOCK_MONOTONIC ns: when the recording began to stop, or after its
			       last event if that is later */
	int error;	    /* 0, or the negative errno that ended the recording, or this trace */
	bool repaired;	    /* nr_trace_repair wrote the mark: only written, late and lost_total are
			       known, and end is the time of the last whole packet */
	uint64_t reserved;  /* reservations by BPF programs, on all CPUs */
	uint64_t written;   /* events in the trace, and those in its gaps */
	uint64_t discarded; /* discarded by BPF programs */
	uint64_t malformed; /* submitted by programs that do not use numaring.bpf.h; not written */
	uint64_t unwritten; /* seen in a ring, but not written because writing failed */
	uint64_t unaccounted; /* as in struct nr_stats */
	uint64_t late;
	uint64_t lost_total;
	unsigned n_lost; /* causes of loss that the recorder knew */
	unsigned n_misfits;
	const uint64_t *lost;		     /* [n_lost], by enum nr_loss */
	const struct nr_type_stats *misfits; /* [n_misfits]: use nr_account_misfits */
	size_t misfit_stride;		     /* bytes from one type's misfits to the next */
	/* Since format 1.3. written and late count from the recording's start, in all chunks. */
	bool rotated;	  /* the recording went on in the next chunk, which is not here: of the
			     counts, only written, late and lost_total are known */
	uint64_t chunk;	  /* number of the last chunk; 0 in a flat trace */
	uint64_t earlier; /* of written: events of earlier chunks than the first one read, and of
			     their gaps */
	/* Since format 1.4: left out by the filter of the recording, but not by BPF programs, which
	 * do not reserve what they leave out. */
	uint64_t filtered;
};

/* Misfits of a type, i less than account->n_misfits. Types without misfits are not listed. */
static inline const struct nr_type_stats *nr_account_misfits(const struct nr_account *account,
							     unsigned i)
{
	return (const struct nr_type_stats *)((const char *)account->misfits +
					      i * account->misfit_stride);
}

/*
 * Tells how the trace ended. Call it after nr_trace_next has returned 0 or an error. The caller
 * sets account->sz; the arrays are valid until nr_trace_close.
 *
 * 0: the trace has an end mark, and *account is its account; -ENODATA: it has none, because the
 * recorder was killed, the machine or the disk failed, or the mark is after the damage; -EBUSY: it
 * is still being recorded; -EOPNOTSUPP: format 1.0 has no end mark; -EAGAIN: nr_trace_next has not
 * reached the end; -EINVAL: sz is not set.
 */
NR_API int nr_trace_end(const struct nr_trace *trace, struct nr_account *account);

struct nr_repair_opts {
	size_t sz;
	nr_log_fn log;
	void *log_ctx;
	const char *copy; /* directory to make for the repaired copy, mode 0700; NULL: repair in
			     place */
	/* Keep all whole packets, and put a gap mark in the place of each damage. If it is not set,
	 * the trace ends at the first damage. */
	bool skip_damaged;
};

/* The result of nr_trace_repair. */
struct nr_repair {
	size_t sz;   /* sizeof(struct nr_repair); nr_trace_repair fills in no more bytes */
	bool needed; /* false: the trace has an end mark (or format 1.0) and no damage, and nothing
			was written */
	bool more;   /* the bytes left out may contain whole packets */
	uint64_t packets;  /* whole packets that are kept, by their numbers: marks and opening
			      packets, which repeat a number, are not counted */
	uint64_t events;   /* in these */
	uint64_t lost;	   /* losses that they report */
	uint64_t left_out; /* bytes of the stream after them */
	/* With skip_damaged, in the middle of the stream: */
	uint64_t damages;	  /* gap marks in the place of damage */
	uint64_t skipped_bytes;	  /* left out there */
	uint64_t skipped_packets; /* missing there */
	uint64_t skipped_events;  /* in these, as far as known */
	uint64_t described;	  /* chunks whose metadata and .btf were taken from another chunk */
};

/*
 * Repairs a trace, in a copy or in place: keeps the packets up to the first damage, or all whole ones
 * with skip_damaged, and adds an end mark with the flag repaired if the trace lost its own. Verifies
 * packets like nr_trace_next. When it returns 0, all that it wrote is on the disk. Of a series, a copy
 * has all chunks of which something is kept; in place, only the chunks that need it are written.
 *
 * -EBUSY: the trace is being recorded; -EEXIST: copy exists; -ENODATA: no packet is whole; -ENOTEMPTY:
 * in place, and nothing would be kept of some chunk; other errors of nr_trace_open and of the file
 * system. After an error, the copy is removed; in place, the trace can be repaired again. result may
 * be NULL; it is filled in on success.
 */
NR_API int nr_trace_repair(const char *dir, const struct nr_repair_opts *opts,
			   struct nr_repair *result);

#ifdef __cplusplus
}
#endif
#endif
