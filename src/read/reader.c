// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reads a stream packet by packet into a buffer. The files are not trusted: before it returns the
 * first event of a packet, it verifies the checksum and the place of every record.
 *
 * It uses read, not mmap: if the file is truncated meanwhile, read fails, while mmap raises a
 * signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libdeflate.h>
#include <numaring/trace.h>
#include <sys/stat.h>
#include "base/opts.h"
#include "base/bits.h"
#include "base/file.h"
#include "base/trace_files.h"
#include "packet/build.h"
#include "packet/gap.h"
#include "reader.h"

#define MAX_SIDE_FILE (64u << 20) /* metadata and .btf are a few KiB */
#define HEAD	      sizeof(struct nr_packet_head)

/* Packets up to this size are read at once. A larger packet is rare and its head may be wrong, so
 * its checksum is verified in pieces before memory for it is allocated. */
#define USUAL_PACKET (4u << 20)
#define PIECE	     (64u << 10)

/* The file ends within the packet. */
#define INCOMPLETE (-ENODATA)

/* ---- files ---- */

/* Opens a regular file. It cannot hang on a FIFO or a device that has the name. */
static int open_regular(const struct nr_trace *t, const char *name, uint64_t *size)
{
	struct stat st;
	int err, fd = openat(t->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, &st)) {
		err = -errno;
		if (!strcmp(name, NR_FILE_BTF) && err == -ENOENT)
			nr_log(&t->log, NR_LOG_ERROR,
			       "%s/.btf is missing: copy the whole directory, or read it with "
			       "babeltrace2",
			       t->dir);
		else
			nr_log(&t->log, NR_LOG_ERROR, "cannot open %s/%s: %s", t->dir, name,
			       strerror(-err));
	} else if (!S_ISREG(st.st_mode)) {
		err = -EBADMSG;
		nr_log(&t->log, NR_LOG_ERROR, "%s/%s is not a regular file", t->dir, name);
	} else {
		*size = st.st_size;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int read_side_file(const struct nr_trace *t, const char *name, char **out, uint64_t *size)
{
	int fd = open_regular(t, name, size);
	char *text = NULL;
	ssize_t n = fd;

	if (fd < 0)
		return fd;
	if (*size > MAX_SIDE_FILE) {
		n = -EBADMSG;
		nr_log(&t->log, NR_LOG_ERROR, "%s/%s is larger than 64 MiB", t->dir, name);
		goto out;
	}
	text = malloc(*size + 1);
	n = text ? nr_read_at(fd, text, *size, 0) : -ENOMEM;
	if (n < 0)
		goto out;
	*size = n;
	text[n] = 0;
	*out = text;
	text = NULL;
out:
	free(text);
	close(fd);
	return n < 0 ? n : 0;
}

static int load_metadata(struct nr_trace *t)
{
	char *text = NULL;
	uint64_t size;
	int err = read_side_file(t, NR_FILE_METADATA, &text, &size);

	if (!err)
		err = nr_metadata_read(&t->md, text, size, &t->log);
	free(text);
	return err;
}

static int load_types(struct nr_trace *t)
{
	char *raw = NULL;
	uint64_t size;
	int err = read_side_file(t, NR_FILE_BTF, &raw, &size);

	if (err)
		return err;
	if (libdeflate_crc32(0, raw, size) != t->md.btf_crc)
		err = -EBADMSG;
	else
		err = nr_types_from_raw(&t->types, raw, size, t->log.fn, t->log.ctx);
	if (err == -EBADMSG)
		nr_log(&t->log, NR_LOG_ERROR,
		       "%s/.btf is damaged or belongs to another trace; babeltrace2 does not need "
		       "it",
		       t->dir);
	free(raw);
	return err;
}

static int open_all(struct nr_trace *t)
{
	uint64_t size;
	int err;

	t->dir_fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir_fd < 0) {
		err = -errno;
		nr_log(&t->log, NR_LOG_ERROR, "cannot open the trace %s: %s", t->dir,
		       strerror(-err));
		return err;
	}
	err = load_metadata(t) ?: load_types(t);
	if (!err) {
		t->fd = open_regular(t, NR_FILE_STREAM, &size);
		err = t->fd < 0 ? t->fd : 0;
	}
	if (nr_trace_dir_is_interrupted(t->dir_fd) && !nr_stream_is_recorded(t->fd))
		nr_log(&t->log, NR_LOG_WARN,
		       "%s holds another trace under names with .old-: a recording was killed "
		       "while it replaced that trace; rename .old-metadata, .old-.btf and "
		       ".old-stream",
		       t->dir);
	return err;
}

int nr_trace_open(struct nr_trace **out, const char *dir, const struct nr_trace_opts *opts)
{
	struct nr_trace_opts o;
	struct nr_trace *t;
	int err = NR_COPY_OPTS(nr_trace_opts, &o, opts);

	if (err)
		return err;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->fd = t->dir_fd = -1;
	t->log = (struct nr_logger){ o.log, o.log_ctx };
	t->dir = strdup(dir);
	err = t->dir ? open_all(t) : -ENOMEM;
	if (err)
		nr_trace_close(t);
	else
		*out = t;
	return err;
}

void nr_trace_close(struct nr_trace *t)
{
	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	if (t->dir_fd >= 0)
		close(t->dir_fd);
	nr_types_free(t->types);
	nr_end_free(&t->mark);
	free(t->buf);
	free(t->dir);
	free(t);
}

const struct nr_types *nr_trace_types(const struct nr_trace *t)
{
	return t->types;
}

int64_t nr_trace_clock_offset(const struct nr_trace *t)
{
	return t->md.clock_offset;
}

const struct nr_packet_info *nr_trace_packet(const struct nr_trace *t)
{
	return t->packets ? &t->packet : NULL;
}

/* ---- packets ---- */

__attribute__((format(printf, 2, 3))) static int damaged(struct nr_trace *t, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	nr_log(&t->log, NR_LOG_ERROR,
	       "%s/" NR_FILE_STREAM ": packet %" PRIu64 " at byte %" PRIu64 " %s; the %" PRIu64
	       " packets before it are whole",
	       t->dir, t->packets, t->next, text, t->packets);
	return -EBADMSG;
}

/* The packet may be intact, but reading it failed. */
static int cannot_read(struct nr_trace *t, int err)
{
	nr_log(&t->log, NR_LOG_ERROR,
	       "%s/" NR_FILE_STREAM ": cannot read packet %" PRIu64 " at byte %" PRIu64 ": %s",
	       t->dir, t->packets, t->next, strerror(-err));
	return err;
}

/* Parses the record at pos in the packet, see nr_packet_parse. */
static uint64_t parse(const struct nr_trace *t, size_t pos, struct nr_record *rec,
		      struct nr_event *ev)
{
	return nr_packet_parse(t->buf, t->used, pos, t->types, rec, ev);
}

static int check_records(struct nr_trace *t, const struct nr_packet_head *h)
{
	struct nr_record rec;
	struct nr_event ev;
	uint32_t events = 0;
	size_t pos = HEAD;

	while (pos < t->used) {
		uint64_t size = parse(t, pos, &rec, &ev);

		if (!size)
			return damaged(t, "has a record of unknown type or wrong size at byte %zu",
				       pos);
		pos += size;
		events++;
	}
	if (events != h->events)
		return damaged(t, "holds %u events, but its header says %u", events, h->events);
	return 0;
}

/* The body of an end or gap mark looks like padding: its content size is that of the head. */
static bool has_right_sizes(const struct nr_packet_head *h)
{
	uint64_t size = h->packet_bits / 8;

	if (h->packet_bits % 64 || size < HEAD || h->content_bits < HEAD * 8)
		return false;
	if (nr_is_end_mark(h) || nr_is_gap_mark(h))
		return h->content_bits == HEAD * 8;
	return nr_round8((h->content_bits - 1) / 8 + 1) == size;
}

static int check_head(struct nr_trace *t, const struct nr_packet_head *h)
{
	if (h->magic != NR_CTF_MAGIC || h->stream_id != NR_CTF_STREAM)
		return damaged(t, "has no packet header");
	if (memcmp(h->uuid, t->md.uuid, sizeof(h->uuid)))
		return damaged(t, "belongs to another trace");
	if (!has_right_sizes(h))
		return damaged(t, "has invalid sizes");
	if (h->packet_bits / 8 > NR_PACKET_MAX)
		return damaged(t, "claims %" PRIu64 " bytes: no packet has more than 1 GiB",
			       (uint64_t)(h->packet_bits / 8));
	return 0;
}

static int bad_checksum(struct nr_trace *t)
{
	return damaged(t, "is damaged: its checksum is wrong");
}

static int read_mark(struct nr_trace *t)
{
	int err = nr_end_read(&t->mark, t->buf, t->used);

	if (err == -EBADMSG)
		return damaged(t, "is an end mark whose account is damaged");
	t->marked = !err;
	return err ? cannot_read(t, err) : 0;
}

/* The packet after the gap mark shows whether its count is right. */
static int read_gap(struct nr_trace *t)
{
	struct nr_gap gap;

	if (nr_gap_read(&gap, t->buf, t->used) || !t->packets)
		return damaged(t, "is an invalid gap mark");
	t->seq += gap.packets - 1;
	t->missed_packets += gap.packets;
	t->missed_events += gap.events;
	return 0;
}

static int check_body(struct nr_trace *t, const struct nr_packet_head *h)
{
	bool gap = nr_is_gap_mark(h);

	if (nr_packet_crc(t->buf, t->used) != h->crc)
		return bad_checksum(t);
	if (h->seq != t->seq - gap)
		return damaged(t,
			       "has sequence number %" PRIu64 ": packets are missing or duplicated",
			       (uint64_t)h->seq);
	if (h->begin > h->end ||
	    (t->packets && (h->begin < t->packet.end || h->lost < t->packet.lost)))
		return damaged(t, "goes back in time or in its count of lost records");
	if (gap)
		return read_gap(t);
	return nr_is_end_mark(h) ? read_mark(t) : check_records(t, h);
}

/* Verifies the checksum of a packet that claims to be very large, with the memory of one piece. */
static int check_large(struct nr_trace *t, const struct nr_packet_head *h)
{
	struct nr_packet_head sealed = *h;
	uint64_t size = h->packet_bits / 8;
	uint32_t crc;

	sealed.crc = 0;
	crc = libdeflate_crc32(0, &sealed, HEAD);
	for (uint64_t pos = HEAD; pos < size;) {
		size_t piece = size - pos < PIECE ? size - pos : PIECE;
		ssize_t n = nr_read_at(t->fd, t->buf, piece, t->next + pos);

		if (n < 0)
			return cannot_read(t, n);
		if ((size_t)n < piece)
			return INCOMPLETE;
		crc = libdeflate_crc32(crc, t->buf, piece);
		pos += piece;
	}
	return crc == h->crc ? 0 : bad_checksum(t);
}

static int make_room(struct nr_trace *t, size_t size)
{
	uint8_t *buf;

	if (size <= t->cap)
		return 0;
	buf = realloc(t->buf, size);
	if (!buf)
		return cannot_read(t, -ENOMEM);
	t->buf = buf;
	t->cap = size;
	return 0;
}

/* Is the file as long as the head claims? */
static int check_file(struct nr_trace *t, uint64_t size)
{
	struct stat st;

	if (fstat(t->fd, &st))
		return cannot_read(t, -errno);
	return (uint64_t)st.st_size < t->next || size > (uint64_t)st.st_size - t->next ? INCOMPLETE
										       : 0;
}

/* Reads the whole packet into buf. Its head was checked. */
static int read_body(struct nr_trace *t, const struct nr_packet_head *h)
{
	uint64_t size = h->packet_bits / 8;
	int err = check_file(t, size);
	ssize_t n;

	if (!err && size > USUAL_PACKET)
		err = make_room(t, PIECE) ?: check_large(t, h);
	err = err ?: make_room(t, size);
	if (err)
		return err;
	n = nr_read_at(t->fd, t->buf, size, t->next);
	if (n < 0)
		return cannot_read(t, n);
	if ((uint64_t)n < size)
		return INCOMPLETE;
	t->used = size;
	return 0;
}

/* 1: buf holds the next packet, checked; 0: the file ends here; INCOMPLETE: it ends within the
 * packet. */
static int try_packet(struct nr_trace *t)
{
	struct nr_packet_head h;
	ssize_t n = nr_read_at(t->fd, &h, HEAD, t->next);
	int err;

	if (n < 0)
		return cannot_read(t, n);
	if (!n && t->packets)
		return 0;
	if (t->marked)
		return damaged(t, "follows the end mark");
	if ((size_t)n < HEAD) /* an empty stream, too: every writer writes a first packet */
		return INCOMPLETE;
	err = check_head(t, &h) ?: read_body(t, &h) ?: check_body(t, &h);
	if (err)
		return err;
	t->packet = (struct nr_packet_info){
		.offset = t->next,
		.size = t->used,
		.seq = t->seq,
		.begin = h.begin,
		.end = h.end,
		.watermark = h.watermark,
		.lost = h.lost,
		.missed_packets = t->missed_packets,
		.missed_events = t->missed_events,
	};
	t->packets++;
	t->seq++;
	t->next += t->used;
	t->pos = h.events ? HEAD : t->used;
	return 1;
}

/* While a trace is being recorded, an incomplete packet is one that is still to come. The recorder
 * may have written more and ended between the read and the check of its lock, so read again. */
static int load_packet(struct nr_trace *t)
{
	int ret = try_packet(t);

	if (t->marked || (ret && ret != INCOMPLETE))
		return ret;
	t->recorded = nr_stream_is_recorded(t->fd);
	if (t->recorded)
		return 0;
	ret = try_packet(t);
	if (ret != INCOMPLETE)
		return ret;
	t->cut_off = true;
	return damaged(t, "is cut off: the recording was killed, or the disk was full");
}

int nr_trace_next(struct nr_trace *t, struct nr_event *ev)
{
	while (!t->failed && t->pos >= t->used) {
		int ret = load_packet(t);

		t->ended = ret <= 0;
		if (!ret)
			return 0;
		if (ret < 0) {
			t->failed = ret;
			t->used = t->pos = 0;
		}
	}
	if (t->failed)
		return t->failed;
	t->pos += parse(t, t->pos, &t->rec, ev);
	return 1;
}

int nr_trace_end(const struct nr_trace *t, struct nr_account *account)
{
	struct nr_account mark = t->mark.account;
	size_t sz = account->sz;

	if (sz < offsetof(struct nr_account, misfits) + sizeof(mark.misfits))
		return -EINVAL;
	if (!t->ended)
		return -EAGAIN;
	if (t->failed || !t->marked) {
		if (!t->failed && t->recorded)
			return -EBUSY;
		return t->failed || t->md.minor ? -ENODATA : -EOPNOTSUPP;
	}
	mark.sz = sz < sizeof(mark) ? sz : sizeof(mark);
	memcpy(account, &mark, mark.sz);
	return 0;
}

int nr_trace_span(struct nr_trace *t, uint64_t *begin, uint64_t *end)
{
	(void)t, (void)begin, (void)end;
	return -EOPNOTSUPP;
}

int nr_trace_seek(struct nr_trace *t, uint64_t ns)
{
	(void)t, (void)ns;
	return -EOPNOTSUPP;
}
