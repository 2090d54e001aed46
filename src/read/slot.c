// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "slot.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "base/bits.h"
#include "base/file.h"
#include "packet/end.h"
#include "packet/frame.h"
#include "packet/gap.h"
#include "packet/seek.h"

#define HEAD  sizeof(struct nr_packet_head)
#define LABEL sizeof(struct nr_label)

/* Packets up to this size are read at once. A larger packet is rare and its head may be wrong, so
 * its checksum is verified in pieces before memory for it is allocated. */
#define USUAL_PACKET (4u << 20)
#define PIECE	     (64u << 10)

int nr_fault(struct nr_fault *fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	return -EBADMSG;
}

static int bad_checksum(struct nr_fault *fault)
{
	return nr_fault(fault, "is damaged: its checksum is wrong");
}

int nr_read_stream_size(const struct nr_read_stream *s, uint64_t *size)
{
	struct stat st;

	if (fstat(s->fd, &st))
		return -errno;
	*size = st.st_size;
	return 0;
}

uint64_t nr_read_stream_table(const struct nr_read_stream *s, uint64_t size)
{
	uint8_t piece[NR_SEEK_PIECE];
	uint64_t table;

	if (!s->compressed || size < NR_SEEK_END ||
	    nr_read_at(s->fd, piece, NR_SEEK_END, size - NR_SEEK_END) != NR_SEEK_END)
		return 0;
	table = nr_seek_size(piece);
	if (!table || table > size ||
	    nr_read_at(s->fd, piece, sizeof(piece), size - table) != sizeof(piece))
		return 0;
	return nr_seek_is_begin(piece, table) ? table : 0;
}

/* ---- heads ---- */

/* The body of an end or gap mark looks like padding: its content size is that of the head. */
static bool has_right_sizes(const struct nr_packet_head *h)
{
	uint64_t size = h->packet_bits / 8;

	if (h->packet_bits % 64 || size < HEAD || h->content_bits < HEAD * 8)
		return false;
	if (nr_is_end_mark(h) || nr_is_gap_mark(h))
		return h->content_bits == HEAD * 8;
	return nr_packet_used(h) == size || nr_packet_padded(nr_packet_used(h)) == size;
}

static int check_head(const struct nr_read_stream *s, const struct nr_packet_head *h,
		      struct nr_fault *fault)
{
	if (h->magic != NR_CTF_MAGIC || h->stream_id != NR_CTF_STREAM)
		return nr_fault(fault, "has no packet header");
	if (memcmp(h->uuid, s->uuid, sizeof(h->uuid)))
		return nr_fault(fault, "belongs to another trace");
	if (!has_right_sizes(h))
		return nr_fault(fault, "has invalid sizes");
	if (h->packet_bits / 8 > NR_PACKET_MAX)
		return nr_fault(fault, "claims %" PRIu64 " bytes: no packet has more than 1 GiB",
				(uint64_t)(h->packet_bits / 8));
	return 0;
}

/* Is the file as long as the packet claims? */
static int check_length(const struct nr_read_stream *s, const struct nr_slot *packet)
{
	uint64_t size = 0;
	int err = nr_read_stream_size(s, &size);

	if (err)
		return err;
	return size < packet->offset || packet->bytes > size - packet->offset ? NR_INCOMPLETE : 1;
}

static int look_plain(const struct nr_read_stream *s, struct nr_slot *out, struct nr_fault *fault)
{
	ssize_t n = nr_read_at(s->fd, &out->head, HEAD, out->offset);

	if (n < (ssize_t)HEAD)
		return n > 0 ? NR_INCOMPLETE : n;
	out->bytes = out->head.packet_bits / 8;
	return check_head(s, &out->head, fault) ?: check_length(s, out);
}

static int look_compressed(const struct nr_read_stream *s, struct nr_slot *out,
			   struct nr_fault *fault)
{
	struct nr_label label;
	ssize_t n = nr_read_at(s->fd, &label, LABEL, out->offset);

	if (n < (ssize_t)LABEL)
		return n > 0 ? NR_INCOMPLETE : n;
	if (!nr_label_is_valid(&label))
		return nr_fault(fault, "has no valid label");
	out->head = label.head;
	out->bytes = LABEL + label.frame_size;
	return check_head(s, &out->head, fault) ?: check_length(s, out);
}

int nr_slot_look(const struct nr_read_stream *s, uint64_t offset, struct nr_slot *out,
		 struct nr_fault *fault)
{
	out->offset = offset;
	return s->compressed ? look_compressed(s, out, fault) : look_plain(s, out, fault);
}

/* ---- bodies ---- */

static int make_room(struct nr_bytes *b, size_t size)
{
	uint8_t *grown;

	b->size = 0;
	if (size <= b->cap)
		return 0;
	grown = realloc(b->data, size);
	if (!grown)
		return -ENOMEM;
	b->data = grown;
	b->cap = size;
	return 0;
}

/* Reads exactly size bytes. */
static int read_whole(const struct nr_read_stream *s, uint8_t *to, size_t size, uint64_t offset)
{
	ssize_t n = nr_read_at(s->fd, to, size, offset);

	return n < 0 ? n : (size_t)n < size ? NR_INCOMPLETE : 0;
}

/* Verifies the checksum of a packet that claims to be very large, with the memory of one piece. */
static int check_large(const struct nr_read_stream *s, const struct nr_slot *packet,
		       struct nr_bytes *piece, struct nr_fault *fault)
{
	struct nr_packet_head sealed = packet->head;
	uint32_t crc;
	int err = make_room(piece, PIECE);

	sealed.crc = 0;
	crc = libdeflate_crc32(0, &sealed, HEAD);
	for (uint64_t pos = HEAD; !err && pos < packet->bytes;) {
		uint64_t rest = packet->bytes - pos;
		size_t n = rest < PIECE ? rest : PIECE;

		err = read_whole(s, piece->data, n, packet->offset + pos);
		if (!err)
			crc = libdeflate_crc32(crc, piece->data, n);
		pos += n;
	}
	return err ?: crc == packet->head.crc ? 0 : bad_checksum(fault);
}

static int read_plain(const struct nr_read_stream *s, const struct nr_slot *packet,
		      struct nr_bytes *out, struct nr_fault *fault)
{
	int err = packet->bytes > USUAL_PACKET ? check_large(s, packet, out, fault) : 0;

	err = err ?: make_room(out, packet->bytes);
	return err ?: read_whole(s, out->data, packet->bytes, packet->offset);
}

/* A frame cannot be verified in pieces: to decompress a piece takes all before it. Its own head has to
 * agree with the label before memory for it is allocated. */
static int check_frame_head(const struct nr_read_stream *s, const struct nr_slot *packet,
			    struct nr_fault *fault)
{
	uint64_t size = packet->head.packet_bits / 8, frame_size = packet->bytes - LABEL;
	uint8_t begin[18]; /* a frame's head is no larger */
	ssize_t n =
		nr_read_at(s->fd, begin, frame_size < sizeof(begin) ? frame_size : sizeof(begin),
			   packet->offset + LABEL);

	if (n < 0)
		return n;
	return nr_frame_announces(begin, n, size) ? 0 : nr_fault(fault, "has an invalid frame");
}

static int read_frame(const struct nr_read_stream *s, const struct nr_slot *packet,
		      struct nr_bytes *out, struct nr_fault *fault)
{
	uint64_t size = packet->head.packet_bits / 8, frame_size = packet->bytes - LABEL;
	int err = check_frame_head(s, packet, fault);
	uint8_t *frame;

	if (err)
		return err;
	frame = malloc(frame_size);
	err = frame ? read_whole(s, frame, frame_size, packet->offset + LABEL) : -ENOMEM;
	err = err ?: make_room(out, size);
	err = err ?: nr_frame_read(out->data, size, frame, frame_size);
	if (err == -EBADMSG)
		nr_fault(fault, "is damaged: it cannot be decompressed");
	if (!err && memcmp(out->data, &packet->head, HEAD))
		err = nr_fault(fault, "has a label that does not fit");
	free(frame);
	return err;
}

int nr_slot_read(const struct nr_read_stream *s, const struct nr_slot *packet, struct nr_bytes *out,
		 struct nr_fault *fault)
{
	int err;

	out->size = 0;
	err = s->compressed ? read_frame(s, packet, out, fault) : read_plain(s, packet, out, fault);
	if (!err)
		out->size = packet->head.packet_bits / 8;
	return err;
}

int nr_slot_load(const struct nr_read_stream *s, const struct nr_slot *packet, struct nr_bytes *out,
		 struct nr_fault *fault)
{
	int err = nr_slot_read(s, packet, out, fault);

	if (err || nr_packet_crc(out->data, out->size) == packet->head.crc)
		return err;
	out->size = 0;
	return bad_checksum(fault);
}

/* ---- searching ---- */

/* What each packet has, and where it is from the packet's first byte in the file. */
struct pattern {
	uint8_t bytes[sizeof(__u32) + 16]; /* magic and uuid of the head */
	size_t at;
};

static struct pattern pattern_of(const struct nr_read_stream *s)
{
	const __u32 magic = NR_CTF_MAGIC;
	struct pattern p = { .at = s->compressed ? offsetof(struct nr_label, head) : 0 };

	memcpy(p.bytes, &magic, sizeof(magic));
	memcpy(p.bytes + sizeof(magic), s->uuid, sizeof(s->uuid));
	return p;
}

/* A stretch of the file in memory. */
struct window {
	uint8_t *bytes; /* [PIECE] */
	uint64_t offset;
	size_t size;
};

/* Reads on at offset, or behind the hole there, which may be terabytes. 0: nothing is left. */
static int move_window(const struct nr_read_stream *s, struct window *w, uint64_t offset,
		       uint64_t to)
{
	off_t data = lseek(s->fd, offset, SEEK_DATA);
	ssize_t n;

	if (data < 0 && errno == ENXIO)
		return 0;
	w->offset = data > (off_t)offset ? (uint64_t)data : offset;
	if (w->offset >= to)
		return 0;
	n = nr_read_at(s->fd, w->bytes, PIECE, w->offset);
	if (n < 0)
		return n;
	w->size = n;
	return n > 0;
}

/* The pattern in the window at pos or behind it; SIZE_MAX: not there. */
static size_t next_in(const struct window *w, const struct pattern *p, size_t pos)
{
	const uint8_t *at = memmem(w->bytes + pos, w->size - pos, p->bytes, sizeof(p->bytes));

	return at ? (size_t)(at - w->bytes) : SIZE_MAX;
}

/* Tries each place in the window where the pattern is. 1; 0: none is a packet; or an error. */
static int look_in(const struct nr_read_stream *s, const struct window *w, const struct pattern *p,
		   uint64_t to, struct nr_slot *out)
{
	struct nr_fault ignored;
	int ret = 0;

	for (size_t pos = next_in(w, p, 0); pos != SIZE_MAX; pos = next_in(w, p, pos + 1)) {
		uint64_t offset = w->offset + pos - p->at;

		if (w->offset + pos < p->at || offset >= to)
			continue;
		ret = nr_slot_look(s, offset, out, &ignored);
		if (ret != -EBADMSG && ret != NR_INCOMPLETE)
			break;
		ret = 0;
	}
	return ret;
}

int nr_slot_find(const struct nr_read_stream *s, uint64_t from, uint64_t to, struct nr_slot *out)
{
	const struct pattern p = pattern_of(s);
	struct window w = { .bytes = malloc(PIECE) };
	uint64_t pos = from + p.at;
	int ret = w.bytes ? 0 : -ENOMEM;

	while (!ret && (ret = move_window(s, &w, pos, to + p.at)) > 0) {
		ret = look_in(s, &w, &p, to, out);
		if (ret || w.size < PIECE)
			break;
		pos = w.offset + w.size - sizeof(p.bytes) + 1;
	}
	free(w.bytes);
	return ret;
}
