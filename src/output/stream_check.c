// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writes succeed even if another program changes the file meanwhile. So the end reads again what
 * such a program is likely to have changed: heads, at both ends of the file, and holes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "packet/frame.h"
#include "stream_file.h"

#define HEAD sizeof(struct nr_packet_head)

/* A packet found in the file. */
struct found {
	uint64_t seq;  /* counted from 0 at the beginning of the file */
	uint64_t off;  /* of the packet, or of its label */
	uint64_t size; /* of the packet, or of its label and frame */
	struct nr_packet_head head;
};

static int overwritten(const struct nr_stream_file *f, const struct found *at)
{
	nr_log(f->output->recording->log, NR_LOG_ERROR,
	       "another program changed the trace: %s/%s was overwritten in packet %" PRIu64
	       ", which begins at byte %" PRIu64,
	       f->dir->path, f->name, at->seq, at->off);
	return -ESTALE;
}

static int read_again(const struct nr_stream_file *f, void *data, size_t size, uint64_t off)
{
	ssize_t n = nr_read_at(f->fd, data, size, off);

	if (n < 0)
		nr_log(f->output->recording->log, NR_LOG_ERROR, "cannot read %s/%s again: %s",
		       f->dir->path, f->name, strerror(-n));
	return n < 0 ? n : n == (ssize_t)size ? 0 : -ESTALE;
}

static int read_label(const struct nr_stream_file *f, struct found *at)
{
	struct nr_label label;
	int err = read_again(f, &label, sizeof(label), at->off);

	if (err)
		return err;
	at->head = label.head;
	at->size = sizeof(label) + label.frame_size;
	return nr_label_is_valid(&label) ? 0 : -ESTALE;
}

static int read_head(const struct nr_stream_file *f, struct found *at)
{
	int err;

	if (f->opts.compressed)
		return read_label(f, at);
	err = read_again(f, &at->head, HEAD, at->off);
	at->size = at->head.packet_bits / 8;
	return err;
}

/* ---- heads ---- */

static int check_head(const struct nr_stream_file *f, struct found *at)
{
	const struct nr_known_head *known = nr_heads_get(&f->heads, at->seq);
	int err;

	at->off = known->off;
	err = read_head(f, at);
	return err ?: nr_heads_match(known, &at->head) ? 0 : -ESTALE;
}

static int check_heads(const struct nr_stream_file *f, struct found *at)
{
	int err = 0;

	for (*at = (struct found){}; at->seq < f->heads.n;
	     at->seq = nr_heads_next(&f->heads, at->seq)) {
		err = check_head(f, at);
		if (err)
			break;
	}
	return err;
}

/* ---- holes ---- */

static int check_content(const struct nr_stream_file *f, const uint8_t *stored,
			 const struct found *at)
{
	size_t size = at->head.packet_bits / 8;
	uint8_t *packet;
	int err;

	if (!f->opts.compressed)
		return nr_packet_crc(stored, at->size) == at->head.crc ? 0 : -ESTALE;
	packet = malloc(size);
	if (!packet)
		return -ENOMEM;
	stored += sizeof(struct nr_label);
	err = nr_frame_read(packet, size, stored, at->size - sizeof(struct nr_label));
	if (!err && nr_packet_crc(packet, size) != at->head.crc)
		err = -ESTALE;
	free(packet);
	return err == -EBADMSG ? -ESTALE : err;
}

static int check_packet(const struct nr_stream_file *f, const struct found *at)
{
	uint8_t *stored = at->size > f->largest ? NULL : malloc(at->size);
	int err;

	if (!stored)
		return at->size > f->largest ? -ESTALE : -ENOMEM;
	err = read_again(f, stored, at->size, at->off) ?: check_content(f, stored, at);
	free(stored);
	return err;
}

/* Steps over a packet; reads it if it reaches into the next hole. */
static int step_over(const struct nr_stream_file *f, struct found *at, uint64_t *hole)
{
	const struct nr_recording *rec = f->output->recording;
	int err = read_head(f, at);

	if (!err && (memcmp(at->head.uuid, rec->format.uuid, 16) || at->size < HEAD))
		err = -ESTALE;
	if (!err && *hole < at->off + at->size) {
		err = check_packet(f, at);
		*hole = lseek(f->fd, at->off + at->size, SEEK_HOLE);
	}
	return err;
}

/* A program may have punched the hole, but some file systems also store a packet's own zeros as one.
 * So its packet has to be found and read. */
static int check_holes(const struct nr_stream_file *f, struct found *at)
{
	uint64_t hole = lseek(f->fd, 0, SEEK_HOLE);
	int err = 0;

	for (*at = (struct found){}; !err && hole < f->bytes && at->off < f->bytes;) {
		err = step_over(f, at, &hole);
		at->off += err ? 0 : at->size;
		at->seq += !err;
	}
	return err;
}

int nr_stream_file_check(struct nr_stream_file *f)
{
	struct found at = {};
	int err = f->error ?: nr_trace_dir_check(f->dir, f->fd, f->name, f->bytes)
				     ?: nr_trace_dir_check_content(f->dir);

	if (err)
		return err;
	err = check_heads(f, &at) ?: check_holes(f, &at);
	return err == -ESTALE ? overwritten(f, &at) : err;
}
