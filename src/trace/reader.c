// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reads a stream packet by packet into a buffer. Nothing in the files is trusted: a packet is
 * checked as a whole, checksum and every record's place, before its first event goes out.
 *
 * read instead of mmap: a file that is cut while it is read is an error here, not a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <numaring/trace.h>
#include <sys/stat.h>
#include "../../topology/opts.h"
#include "store.h"

#define MAX_SIDE_FILE (64u << 20) /* metadata and .btf are a few KiB */
#define HEAD	      sizeof(struct nr_packet_head)

struct nr_trace {
	struct nr_logger log;
	struct nr_types *types;
	struct nr_metadata md;
	char *dir;
	int fd;

	uint8_t *buf; /* the packet, whole */
	size_t cap;
	size_t used;	  /* bytes of the packet */
	size_t pos;	  /* of the next record in it */
	uint64_t next;	  /* where the next packet begins in the file */
	uint64_t packets; /* whole ones so far */
	struct nr_packet packet;
	struct nr_record rec; /* header of the last event as its program wrote it */
	int failed;	      /* sticky: what nr_trace_next found */
};

/* ---- files ---- */

/* A regular file, whatever its name is made to point to. */
static int open_regular(const struct nr_trace *t, int dir, const char *name, uint64_t *size)
{
	struct stat st;
	int err, fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

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
		nr_log(&t->log, NR_LOG_ERROR, "%s/%s is no regular file", t->dir, name);
	} else {
		*size = st.st_size;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return err;
}

/* Bytes read, fewer than size at the end of the file. */
static ssize_t read_at(int fd, void *data, size_t size, uint64_t off)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = pread(fd, (char *)data + got, size - got, off + got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		got += n;
	}
	return got;
}

static int slurp(const struct nr_trace *t, int dir, const char *name, char **out, uint64_t *size)
{
	int fd = open_regular(t, dir, name, size);
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
	n = text ? read_at(fd, text, *size, 0) : -ENOMEM;
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

static int load_metadata(struct nr_trace *t, int dir)
{
	char *text = NULL;
	uint64_t size;
	int err = slurp(t, dir, NR_FILE_METADATA, &text, &size);

	if (!err)
		err = nr_metadata_read(&t->md, text, size, &t->log);
	free(text);
	return err;
}

static int load_types(struct nr_trace *t, int dir)
{
	char *raw = NULL;
	uint64_t size;
	int err = slurp(t, dir, NR_FILE_BTF, &raw, &size);

	if (err)
		return err;
	if (crc32_z(0, (const Bytef *)raw, size) != t->md.btf_crc)
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
	int err, dir = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0) {
		err = -errno;
		nr_log(&t->log, NR_LOG_ERROR, "cannot open the trace %s: %s", t->dir,
		       strerror(-err));
		return err;
	}
	err = load_metadata(t, dir) ?: load_types(t, dir);
	if (!err) {
		t->fd = open_regular(t, dir, NR_FILE_STREAM, &size);
		err = t->fd < 0 ? t->fd : 0;
	}
	close(dir);
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
	t->fd = -1;
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
	nr_types_free(t->types);
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

const struct nr_packet *nr_trace_packet(const struct nr_trace *t)
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

static int cut_off(struct nr_trace *t)
{
	return damaged(t, "is cut off: the recording did not end by itself, or the disk was full");
}

/* The next record in the packet: fills rec and ev, returns its bytes in the file, 0 if it is bad.
 */
static uint64_t parse(const struct nr_trace *t, size_t pos, struct nr_record *rec,
		      struct nr_event *ev)
{
	const uint8_t *p = t->buf + pos, *end = t->buf + t->used;
	const struct nr_layout *layout;
	struct nr_raw raw;
	uint64_t size;

	if (end - p < (ptrdiff_t)(sizeof(*rec) + 8))
		return 0;
	memcpy(rec, p, sizeof(*rec));
	p += sizeof(*rec);
	ev->rec = rec;
	ev->ts = rec->ts;
	ev->flags = rec->id & NR_LATE_ID ? NR_EVENT_LATE : 0;
	rec->id &= ~NR_LATE_ID;
	if (ev->flags) {
		memcpy(&rec->ts, p, sizeof(rec->ts));
		p += sizeof(rec->ts);
	}
	if (rec->id != NR_RAW_ID) {
		layout = nr_types_layout(t->types, rec->id);
		size = layout ? nr_layout_size(layout, p, end - p) : UINT64_MAX;
	} else {
		if (end - p < (ptrdiff_t)sizeof(raw))
			return 0;
		memcpy(&raw, p, sizeof(raw));
		p += sizeof(raw);
		rec->id = raw.id;
		size = raw.data_len;
	}
	if (size > (uint64_t)(end - p))
		return 0;
	ev->data = p;
	ev->size = size;
	size = nr_round8(p + size - (t->buf + pos));
	return size <= t->used - pos ? size : 0;
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
			return damaged(t,
				       "has a record of unknown type or of wrong size at byte %zu",
				       pos);
		pos += size;
		events++;
	}
	if (events != h->events)
		return damaged(t, "has %u events and says %u", events, h->events);
	return 0;
}

static int check_head(struct nr_trace *t, const struct nr_packet_head *h)
{
	if (h->magic != NR_CTF_MAGIC || h->stream_id != NR_CTF_STREAM)
		return damaged(t, "does not begin as packets do");
	if (memcmp(h->uuid, t->md.uuid, sizeof(h->uuid)))
		return damaged(t, "belongs to another trace");
	if (h->packet_bits % 64 || h->packet_bits < HEAD * 8 || h->content_bits < HEAD * 8 ||
	    nr_round8((h->content_bits - 1) / 8 + 1) != h->packet_bits / 8)
		return damaged(t, "has impossible sizes");
	return 0;
}

static int check_body(struct nr_trace *t, struct nr_packet_head *h)
{
	static const __u8 zero[sizeof(h->crc)];
	uLong crc = crc32_z(0, t->buf, offsetof(struct nr_packet_head, crc));

	crc = crc32_z(crc, zero, sizeof(zero));
	crc = crc32_z(crc, t->buf + HEAD, t->used - HEAD);
	if (crc != h->crc)
		return damaged(t, "is damaged: its checksum is wrong");
	if (h->seq != t->packets)
		return damaged(t,
			       "has sequence number %" PRIu64 ", so packets are missing or twice",
			       (uint64_t)h->seq);
	if (h->begin > h->end ||
	    (t->packets && (h->begin < t->packet.end || h->lost < t->packet.lost)))
		return damaged(t, "goes back in time or in its count of lost records");
	return check_records(t, h);
}

/* The packet may be whole: this machine cannot read it. */
static int cannot_read(struct nr_trace *t, int err)
{
	nr_log(&t->log, NR_LOG_ERROR,
	       "%s/" NR_FILE_STREAM ": cannot read packet %" PRIu64 " at byte %" PRIu64 ": %s",
	       t->dir, t->packets, t->next, strerror(-err));
	return err;
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

/* 1: the next packet is in buf, checked; 0: there is none. */
static int load_packet(struct nr_trace *t)
{
	struct nr_packet_head h;
	struct stat st;
	ssize_t n = read_at(t->fd, &h, HEAD, t->next);
	uint64_t size;
	int err;

	if (n < 0)
		return cannot_read(t, n);
	if (!n && t->packets)
		return 0;
	if ((size_t)n < HEAD) /* also nothing at all: every writer leaves a first packet */
		return cut_off(t);
	err = check_head(t, &h);
	if (err)
		return err;
	size = h.packet_bits / 8;
	if (fstat(t->fd, &st))
		return cannot_read(t, -errno);
	if ((uint64_t)st.st_size < t->next || size > (uint64_t)st.st_size - t->next)
		return cut_off(t);
	err = make_room(t, size);
	if (err)
		return err;
	n = read_at(t->fd, t->buf, size, t->next);
	if (n < 0)
		return cannot_read(t, n);
	if ((uint64_t)n < size)
		return cut_off(t);
	t->used = size;
	err = check_body(t, &h);
	if (err)
		return err;
	t->packet = (struct nr_packet){ t->next, size, h.seq, h.begin, h.end, h.watermark, h.lost };
	t->packets++;
	t->next += size;
	t->pos = HEAD;
	return 1;
}

int nr_trace_next(struct nr_trace *t, struct nr_event *ev)
{
	while (!t->failed && t->pos >= t->used) {
		int ret = load_packet(t);

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
