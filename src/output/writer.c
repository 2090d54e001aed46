// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Records are copied into one buffer behind room for the packet's head; commit fills the head in
 * and writes the buffer with one call.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libdeflate.h>
#include <sys/random.h>
#include "dir.h"
#include "base/bits.h"
#include "base/file.h"
#include "base/trace_files.h"
#include "packet/end.h"
#include "types/align.h"
#include "packet/metadata.h"
#include "writer.h"

#define PACKET_BYTES (1u << 20)
#define HEAD	     sizeof(struct nr_packet_head)

struct nr_writer {
	const struct nr_types *types;
	struct nr_misfits *misfits; /* NULL: they are not counted */
	struct nr_logger log;
	struct nr_trace_dir dir;
	int fd; /* the stream */
	__u8 uuid[16];

	uint8_t *buf;	  /* the packet under construction, head first */
	size_t cap;	  /* bytes of buf */
	size_t used;	  /* bytes of it in use, the head included */
	size_t full;	  /* used at which the packet is full */
	size_t last;	  /* where its last record is */
	uint64_t last_ts; /* of the last record, or the end of the packet before */
	uint32_t events;  /* in the packet */
	uint64_t seq;	  /* of the packet */
	uint64_t bytes;	  /* of whole packets in the file */
	uint32_t heads;	  /* crc32 over their heads */
	bool finished;	  /* nr_writer_finish was called */
	int error;	  /* the file is not what we wrote any more; it was said why */
};

/* ---- records ---- */

static int grow(struct nr_writer *w, uint64_t need)
{
	uint64_t cap = 2 * (uint64_t)w->cap;
	uint8_t *buf;

	if (w->used + need > NR_PACKET_MAX)
		return -EMSGSIZE;
	while (cap < w->used + need)
		cap *= 2;
	buf = realloc(w->buf, cap);
	if (!buf)
		return -ENOMEM;
	w->buf = buf;
	w->cap = cap;
	return 0;
}

/* A late record says in its payload what the program had read; the header keeps the order (I6). */
static uint8_t *put_head(uint8_t *p, const struct nr_event *ev, uint16_t id, uint64_t ts)
{
	struct nr_record rec = *ev->rec;

	rec.ts = ts;
	rec.id = id | (ev->flags & NR_EVENT_LATE ? NR_LATE_ID : 0);
	memcpy(p, &rec, sizeof(rec));
	p += sizeof(rec);
	if (ev->flags & NR_EVENT_LATE) {
		memcpy(p, &ev->rec->ts, sizeof(ev->rec->ts));
		p += sizeof(ev->rec->ts);
	}
	return p;
}

static int put(struct nr_writer *w, const struct nr_event *ev)
{
	uint64_t ts = ev->ts, size = nr_misfits_size(w->misfits, w->types, ev), need;
	bool late = ev->flags & NR_EVENT_LATE, raw = size > ev->size;
	uint8_t *p;

	if (raw)
		size = ev->size;
	need = nr_round8(sizeof(struct nr_record) + 8 * late + sizeof(struct nr_raw) * raw + size);
	if (__builtin_expect(need > w->cap - w->used, 0)) {
		int err = grow(w, need);

		if (err)
			return err;
	}
	if (__builtin_expect(ts < w->last_ts, 0)) {
		if (!late)
			return -EINVAL;
		ts = w->last_ts;
	}
	p = w->buf + w->used;
	memset(p + need - 8, 0, 8); /* padding */
	p = put_head(p, ev, raw ? NR_RAW_ID : ev->rec->id, ts);
	if (raw) {
		struct nr_raw head = { .id = ev->rec->id, .data_len = ev->size };

		memcpy(p, &head, sizeof(head));
		p += sizeof(head);
	}
	memcpy(p, ev->data, size);
	w->last = w->used;
	w->used += need;
	w->last_ts = ts;
	w->events++;
	return 0;
}

int nr_writer_append(struct nr_writer *w, const struct nr_event *evs, unsigned n)
{
	size_t used = w->used, last = w->last;
	uint64_t last_ts = w->last_ts;
	uint32_t events = w->events;
	int err = 0;

	if (n > UINT32_MAX - events)
		return -ENOMEM;
	for (unsigned i = 0; i < n && !err; i++)
		err = put(w, &evs[i]);
	if (!err)
		return 0;
	if (err == -EINVAL)
		nr_log(&w->log, NR_LOG_ERROR,
		       "an event came out of order and was not marked as late; the packet was left "
		       "as it was before");
	if (err == -EMSGSIZE)
		nr_log(&w->log, NR_LOG_ERROR,
		       "more than 1 GiB of records stand at one time, and a packet holds no more");
	w->used = used;
	w->last = last;
	w->last_ts = last_ts;
	w->events = events;
	return err;
}

size_t nr_writer_room(const struct nr_writer *w)
{
	return w->used < w->full ? w->full - w->used : 0;
}

/* ---- packets ---- */

/* Bits from the start of the packet to the end of the last field of the last record. */
static uint64_t content_bits(const struct nr_writer *w)
{
	const uint8_t *p = w->buf + w->last;
	struct nr_record rec;
	struct nr_raw raw;

	if (!w->events)
		return HEAD * 8;
	memcpy(&rec, p, sizeof(rec));
	p += sizeof(rec);
	if (rec.id & NR_LATE_ID)
		p += 8;
	rec.id &= ~NR_LATE_ID;
	if (rec.id != NR_RAW_ID)
		return (p - w->buf) * 8ull + nr_layout_end(nr_types_layout(w->types, rec.id), p);
	memcpy(&raw, p, sizeof(raw));
	return (p - w->buf + sizeof(raw) + raw.data_len) * 8ull;
}

static uint64_t first_ts(const struct nr_writer *w)
{
	uint64_t ts;

	memcpy(&ts, w->buf + HEAD, sizeof(ts));
	return ts;
}

/* An empty packet stands at its watermark, or at the end of the packet before if that is later. */
static void fill_head(struct nr_writer *w, uint64_t watermark, uint64_t lost)
{
	uint64_t end = w->events || w->last_ts > watermark ? w->last_ts : watermark;
	struct nr_packet_head head = {
		.magic = NR_CTF_MAGIC,
		.stream_id = NR_CTF_STREAM,
		.begin = w->events ? first_ts(w) : end,
		.end = end,
		.content_bits = content_bits(w),
		.packet_bits = w->used * 8ull,
		.seq = w->seq,
		.lost = lost,
		.watermark = watermark,
		.events = w->events,
	};

	memcpy(head.uuid, w->uuid, sizeof(head.uuid));
	memcpy(w->buf, &head, sizeof(head));
	head.crc = libdeflate_crc32(0, w->buf, w->used);
	memcpy(w->buf, &head, sizeof(head));
}

/* A packet that is not whole goes; if it cannot, there is no way on. */
static int cut_back(struct nr_writer *w, int err)
{
	bool cut = !ftruncate(w->fd, w->bytes);

	if (!cut)
		w->error = err;
	nr_log(&w->log, NR_LOG_ERROR, "cannot write %s/" NR_FILE_STREAM ": %s; %s", w->dir.path,
	       nr_write_reason(err),
	       cut ? "what was written before is whole and can be read"
		   : "the stream could not be cut back to its last whole packet either");
	return err;
}

int nr_writer_commit(struct nr_writer *w, uint64_t watermark, uint64_t lost)
{
	const struct nr_packet_head *head = (const void *)w->buf;
	int err;

	if (!w->error)
		w->error = nr_trace_dir_check(&w->dir, w->fd, NR_FILE_STREAM, w->bytes);
	if (w->error)
		return w->error;
	fill_head(w, watermark, lost);
	err = nr_write_all(w->fd, w->buf, w->used, w->bytes);
	if (err)
		return cut_back(w, err);
	w->heads = libdeflate_crc32(w->heads, w->buf, HEAD);
	w->bytes += w->used;
	w->last_ts = head->end;
	w->used = HEAD;
	w->events = 0;
	w->seq++;
	return 0;
}

uint64_t nr_writer_bytes(const struct nr_writer *w)
{
	return w->bytes;
}

/* ---- begin and end ---- */

/* The clock's identity is the boot: two traces with it have times that can be compared. */
static void read_boot_id(__u8 *uuid)
{
	char text[40] = "";
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	bool good = f && fgets(text, sizeof(text), f);
	const char *p = text;

	for (int i = 0; i < 16 && good; i++, p += 2) {
		p += *p == '-';
		good = sscanf(p, "%2hhx", &uuid[i]) == 1;
	}
	if (f)
		fclose(f);
	if (!good && getrandom(uuid, 16, 0) != 16)
		memset(uuid, 0, 16);
}

static int write_metadata(struct nr_writer *w, int64_t clock_offset)
{
	struct nr_metadata md = { .clock_offset = clock_offset };
	uint32_t btf_size = 0;
	const void *btf = nr_types_raw(w->types, &btf_size);
	char *text = NULL;
	size_t len;
	int err;

	if (!btf)
		return -ENOMEM;
	if (getrandom(w->uuid, sizeof(w->uuid), 0) != sizeof(w->uuid))
		return -EIO;
	w->uuid[6] = (w->uuid[6] & 0x0f) | 0x40; /* version 4: random */
	w->uuid[8] = (w->uuid[8] & 0x3f) | 0x80;
	memcpy(md.uuid, w->uuid, sizeof(md.uuid));
	read_boot_id(md.clock_uuid);
	md.btf_crc = libdeflate_crc32(0, btf, btf_size);
	err = nr_metadata_write(&text, &len, w->types, &md);
	if (err)
		return err;
	err = nr_trace_dir_write(&w->dir, NR_FILE_METADATA, text, len)
		      ?: nr_trace_dir_write(&w->dir, NR_FILE_BTF, btf, btf_size);
	free(text);
	return err;
}

static struct nr_writer *writer_new(const struct nr_types *types, const struct nr_writer_opts *opts)
{
	struct nr_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->fd = w->dir.fd = -1;
	w->types = types;
	w->misfits = opts->misfits;
	w->log = (struct nr_logger){ opts->log, opts->log_ctx };
	w->full = HEAD + (opts->packet_bytes ?: PACKET_BYTES);
	w->cap = w->full;
	w->used = HEAD;
	w->buf = malloc(w->cap);
	if (w->buf)
		return w;
	nr_writer_close(w);
	return NULL;
}

static int begin(struct nr_writer *w, const struct nr_writer_opts *opts)
{
	int err = write_metadata(w, opts->clock_offset);

	if (err)
		return err;
	w->fd = nr_trace_dir_create(&w->dir, NR_FILE_STREAM);
	if (w->fd < 0)
		return w->fd;
	nr_lock_file(w->fd);
	return nr_writer_commit(w, opts->start, 0);
}

int nr_writer_open(struct nr_writer **out, const char *dir, const struct nr_types *types,
		   const struct nr_writer_opts *opts)
{
	struct nr_writer *w = writer_new(types, opts);
	const struct nr_trace_dir_opts how = { opts->force, opts->group };
	sigset_t old;
	int err;

	if (!w)
		return -ENOMEM;
	nr_hold_file_limit(&old);
	err = nr_trace_dir_open(&w->dir, dir, &how, &w->log) ?: begin(w, opts);
	nr_release_file_limit(&old);
	if (err)
		nr_writer_discard(w);
	else
		*out = w;
	return err;
}

static int read_again(const struct nr_writer *w, void *data, size_t size, uint64_t off)
{
	ssize_t n = nr_read_at(w->fd, data, size, off);

	if (n < 0)
		nr_log(&w->log, NR_LOG_ERROR, "cannot read %s/" NR_FILE_STREAM " again: %s",
		       w->dir.path, strerror(-n));
	return n < 0 ? n : n == (ssize_t)size ? 0 : -ESTALE;
}

static int overwritten(const struct nr_writer *w, uint64_t seq, uint64_t off)
{
	nr_log(&w->log, NR_LOG_ERROR,
	       "another program changed the trace: %s/" NR_FILE_STREAM
	       " was overwritten in packet %" PRIu64 ", which begins at byte %" PRIu64,
	       w->dir.path, seq, off);
	return -ESTALE;
}

/* Into the buffer, which had room for it once. */
static int check_packet(const struct nr_writer *w, uint64_t off, uint64_t size)
{
	const struct nr_packet_head *head = (void *)w->buf;
	int err = size > w->cap ? -ESTALE : read_again(w, w->buf, size, off);

	return err ? err : nr_packet_crc(w->buf, size) == head->crc ? 0 : -ESTALE;
}

/* The packet's head, and all of it if it ends behind the next hole: some file systems make a hole
 * of the zeros in it. */
static int look_again(const struct nr_writer *w, struct nr_packet_head *head, uint64_t seq,
		      uint64_t off, uint64_t *hole)
{
	int err = read_again(w, head, HEAD, off);
	uint64_t end = off + head->packet_bits / 8;

	if (!err && (head->seq != seq || memcmp(head->uuid, w->uuid, sizeof(head->uuid))))
		err = -ESTALE;
	if (err || *hole >= end)
		return err;
	err = check_packet(w, off, end - off);
	*hole = lseek(w->fd, end, SEEK_HOLE);
	return err;
}

/* A walk over the packets, up to the first that was changed. */
struct walk {
	uint64_t seq, off; /* of the packet it has come to */
	uint32_t heads;	   /* crc32 over the heads before */
};

static int walk(const struct nr_writer *w, struct walk *at, bool whole)
{
	uint64_t hole = lseek(w->fd, 0, SEEK_HOLE);
	struct nr_packet_head head = {};
	int err;

	for (*at = (struct walk){}; at->seq < w->seq; at->seq++) {
		hole = whole ? 0 : hole;
		err = look_again(w, &head, at->seq, at->off, &hole);
		if (err)
			return err;
		at->heads = libdeflate_crc32(at->heads, (void *)&head, HEAD);
		at->off += head.packet_bits / 8;
	}
	return 0;
}

static int check_packets(const struct nr_writer *w)
{
	struct walk at;
	int err = walk(w, &at, false);

	if (!err && at.heads != w->heads) /* which one? */
		err = walk(w, &at, true) ?: -ESTALE;
	return err == -ESTALE ? overwritten(w, at.seq, at.off) : err;
}

/* A file that was changed by others while it was written to took every write without an error. */
static int check_stream(struct nr_writer *w)
{
	return w->error ?: nr_trace_dir_check(&w->dir, w->fd, NR_FILE_STREAM, w->bytes)
				   ?: nr_trace_dir_check_content(&w->dir) ?: check_packets(w);
}

/* The end mark becomes the last packet. */
static int write_mark(struct nr_writer *w, const uint8_t *packet, size_t size)
{
	sigset_t old;
	int err;

	nr_hold_file_limit(&old);
	err = nr_write_all(w->fd, packet, size, w->bytes);
	nr_release_file_limit(&old);
	if (err) {
		if (ftruncate(w->fd, w->bytes))
			w->error = err;
		nr_log(&w->log, NR_LOG_ERROR,
		       "cannot write the end mark of %s: %s; \"numaring stat\" will call the trace "
		       "incomplete",
		       w->dir.path, nr_write_reason(err));
		return err;
	}
	w->heads = libdeflate_crc32(w->heads, packet, HEAD);
	w->bytes += size;
	w->seq++;
	return 0;
}

int nr_writer_finish(struct nr_writer *w, const struct nr_account *account)
{
	struct nr_account a = *account;
	uint8_t *packet = NULL;
	size_t size;
	int err;

	w->error = check_stream(w);
	w->finished = true;
	if (w->error)
		return w->error;
	a.end = a.end > w->last_ts ? a.end : w->last_ts;
	err = nr_end_packet(&packet, &size, w->uuid, w->seq, &a);
	if (!err)
		err = write_mark(w, packet, size);
	free(packet);
	return err;
}

/* What finish has looked at is not read again. */
static int close_stream(struct nr_writer *w)
{
	int err = !w->finished ? check_stream(w)
			       : w->error ?: nr_trace_dir_check(&w->dir, w->fd, NR_FILE_STREAM,
								w->bytes);

	if (!close(w->fd))
		return err;
	err = -errno; /* the log function may change it */
	nr_log(&w->log, NR_LOG_ERROR, "cannot write %s/" NR_FILE_STREAM ": %s", w->dir.path,
	       strerror(-err));
	return err;
}

int nr_writer_close(struct nr_writer *w)
{
	int err;

	if (!w)
		return 0;
	err = w->fd < 0 ? 0 : close_stream(w);
	nr_trace_dir_close(&w->dir);
	free(w->buf);
	free(w);
	return err;
}

void nr_writer_keep(struct nr_writer *w)
{
	if (w)
		nr_trace_dir_keep(&w->dir);
}

void nr_writer_discard(struct nr_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	nr_trace_dir_undo(&w->dir);
	nr_writer_close(w);
}
