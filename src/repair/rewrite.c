// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "rewrite.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/file.h"
#include "packet/frame.h"
#include "packet/seek.h"

#define HEAD  sizeof(struct nr_packet_head)
#define LABEL sizeof(struct nr_label)
#define PIECE (1u << 20)

/* A stream that is written. */
struct writer {
	struct nr_read_stream stream; /* as it is read again for the seek table */
	struct nr_frames *frames;     /* of a compressed stream */
	struct nr_bytes frame;	      /* label and frame of a mark */
	uint64_t pos;
};

static int copy_bytes(int from, uint64_t offset, uint64_t size, int to, uint64_t pos)
{
	char *buf = malloc(PIECE);
	int err = buf ? 0 : -ENOMEM;

	for (uint64_t done = 0; !err && done < size;) {
		ssize_t n = nr_read_at(from, buf, size - done < PIECE ? size - done : PIECE,
				       offset + done);

		err = n > 0 ? nr_write_all(to, buf, n, pos + done) : n ? n : -ESTALE;
		done += n > 0 ? n : 0;
	}
	free(buf);
	return err;
}

int nr_rewrite_copy(int from, int to)
{
	const struct nr_read_stream s = { .fd = from };
	uint64_t size = 0;
	int err = nr_read_stream_size(&s, &size);

	return err ?: copy_bytes(from, 0, size, to, 0) ?: nr_sync(to);
}

static int append(struct writer *w, const void *data, size_t size)
{
	int err = nr_write_all(w->stream.fd, data, size, w->pos);

	w->pos += err ? 0 : size;
	return err;
}

/* ---- packets that are made ---- */

static int put_packet(struct writer *w, const void *packet, size_t size)
{
	int err;

	if (!w->stream.compressed)
		return append(w, packet, size);
	err = w->frames ? 0 : nr_frames_new(&w->frames, NR_FRAMES_DEFAULT);
	err = err
		      ?: nr_frame_make(w->frames, packet, size, &w->frame.data, &w->frame.cap,
				       &w->frame.size);
	return err ?: append(w, w->frame.data, w->frame.size);
}

static int put_gap(struct writer *w, const struct nr_piece *piece)
{
	struct nr_gap_packet mark;

	if (!piece->gap.packets)
		return 0;
	nr_gap_fill(&mark, &piece->before, &piece->gap);
	return put_packet(w, &mark, sizeof(mark));
}

static int put_piece(struct writer *w, const struct nr_read_stream *from,
		     const struct nr_piece *piece)
{
	int err = piece->open ? put_packet(w, &piece->opening, HEAD) : 0;

	err = err ?: put_gap(w, piece);
	err = err ?: copy_bytes(from->fd, piece->offset, piece->bytes, w->stream.fd, w->pos);
	w->pos += piece->bytes;
	return err;
}

static int put_mark(struct writer *w, const struct nr_repair_chunk *c)
{
	uint8_t *packet = NULL;
	size_t size;
	int err = nr_end_packet(&packet, &size, w->stream.uuid, c->mark_seq, &c->account);

	err = err ?: put_packet(w, packet, size);
	free(packet);
	return err;
}

/* ---- the seek table ---- */

/* Steps over the packets of the stream, and appends the entries of the table if to. */
static int each_label(struct writer *w, uint64_t end, bool put, uint64_t *packets)
{
	uint8_t entry[NR_SEEK_PIECE];
	struct nr_label label;
	uint64_t pos = 0;

	for (*packets = 0; pos < end; ++*packets) {
		ssize_t n = nr_read_at(w->stream.fd, &label, LABEL, pos);
		int err = n < 0						     ? n
			  : n < (ssize_t)LABEL || !nr_label_is_valid(&label) ? -ESTALE
									     : 0;

		if (!err && put)
			err = append(w, entry, nr_seek_entry(entry, &label));
		if (err)
			return err;
		pos += LABEL + label.frame_size;
	}
	return 0;
}

static int put_table(struct writer *w)
{
	uint8_t piece[NR_SEEK_PIECE];
	uint64_t packets, end = w->pos;
	int err = each_label(w, end, false, &packets);

	if (err || packets > NR_SEEK_MAX_PACKETS)
		return err;
	err = append(w, piece, nr_seek_begin(piece, packets));
	err = err ?: each_label(w, end, true, &packets);
	return err ?: append(w, piece, nr_seek_end(piece, packets));
}

/* ---- streams ---- */

/* Writes what comes behind the packets that are kept. */
static int put_end(struct writer *w, const struct nr_repair_chunk *c)
{
	int err = c->mark ? put_mark(w, c) : 0;

	if (w->stream.compressed)
		err = err ?: put_table(w);
	return err ?: nr_sync(w->stream.fd);
}

static void close_writer(struct writer *w)
{
	nr_frames_free(w->frames);
	free(w->frame.data);
}

int nr_rewrite(const struct nr_read_stream *from, const struct nr_repair_chunk *c, int to)
{
	struct writer w = { .stream = *from };
	int err = 0;

	w.stream.fd = to;
	for (size_t i = 0; !err && i < c->n; i++)
		err = put_piece(&w, from, &c->pieces[i]);
	err = err ?: put_end(&w, c);
	close_writer(&w);
	return err;
}

int nr_rewrite_end(const struct nr_read_stream *stream, const struct nr_repair_chunk *c)
{
	struct writer w = { .stream = *stream, .pos = c->end };
	int err = ftruncate(stream->fd, c->end) ? -errno : put_end(&w, c);

	close_writer(&w);
	return err;
}
