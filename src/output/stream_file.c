// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libdeflate.h>
#include "base/file.h"
#include "base/trace_files.h"
#include "stream_file.h"

#define HEAD sizeof(struct nr_packet_head)

/* ---- writing ---- */

int nr_stream_file_create(struct nr_stream_file *f, const struct nr_trace_dir *dir,
			  const __u8 *uuid, const struct nr_logger *log)
{
	*f = (struct nr_stream_file){ .dir = dir, .log = log };
	memcpy(f->uuid, uuid, sizeof(f->uuid));
	f->fd = nr_trace_dir_create(dir, NR_FILE_STREAM);
	if (f->fd < 0)
		return f->fd;
	nr_lock_file(f->fd);
	return 0;
}

/* Removes the rest of a packet that was not written completely. If that fails as well, nothing can
 * be appended any more. */
static bool cut_back(struct nr_stream_file *f, int err)
{
	bool cut = !ftruncate(f->fd, f->bytes);

	if (!cut)
		f->error = err;
	return cut;
}

static void note_packet(struct nr_stream_file *f, const struct nr_packet_head *head, size_t size)
{
	f->heads = libdeflate_crc32(f->heads, head, HEAD);
	f->bytes += size;
	f->packets++;
	f->last = *head;
	f->largest = size > f->largest ? size : f->largest;
}

int nr_stream_file_append(struct nr_stream_file *f, const void *packet, size_t size)
{
	int err;

	if (!f->error)
		f->error = nr_trace_dir_check(f->dir, f->fd, NR_FILE_STREAM, f->bytes);
	if (f->error)
		return f->error;
	err = nr_write_all(f->fd, packet, size, f->bytes);
	if (!err) {
		note_packet(f, packet, size);
		return 0;
	}
	nr_log(f->log, NR_LOG_ERROR, "cannot write %s/" NR_FILE_STREAM ": %s; %s", f->dir->path,
	       nr_write_reason(err),
	       cut_back(f, err)
		       ? "what was written before is whole and can be read"
		       : "the stream could not be cut back to its last whole packet either");
	return err;
}

int nr_stream_file_append_mark(struct nr_stream_file *f, const void *packet, size_t size)
{
	int err = nr_write_all(f->fd, packet, size, f->bytes);

	if (!err) {
		note_packet(f, packet, size);
		return 0;
	}
	cut_back(f, err);
	nr_log(f->log, NR_LOG_ERROR,
	       "cannot write the end mark of %s: %s; \"numaring stat\" will call the trace "
	       "incomplete",
	       f->dir->path, nr_write_reason(err));
	return err;
}

/* ---- reading it again ---- */

static int read_again(const struct nr_stream_file *f, void *data, size_t size, uint64_t off)
{
	ssize_t n = nr_read_at(f->fd, data, size, off);

	if (n < 0)
		nr_log(f->log, NR_LOG_ERROR, "cannot read %s/" NR_FILE_STREAM " again: %s",
		       f->dir->path, strerror(-n));
	return n < 0 ? n : n == (ssize_t)size ? 0 : -ESTALE;
}

static int overwritten(const struct nr_stream_file *f, uint64_t seq, uint64_t off)
{
	nr_log(f->log, NR_LOG_ERROR,
	       "another program changed the trace: %s/" NR_FILE_STREAM
	       " was overwritten in packet %" PRIu64 ", which begins at byte %" PRIu64,
	       f->dir->path, seq, off);
	return -ESTALE;
}

static int check_packet(const struct nr_stream_file *f, uint64_t off, uint64_t size)
{
	uint8_t *packet = size > f->largest ? NULL : malloc(size);
	const struct nr_packet_head *head = (void *)packet;
	int err;

	if (!packet)
		return size > f->largest ? -ESTALE : -ENOMEM;
	err = read_again(f, packet, size, off);
	if (!err && nr_packet_crc(packet, size) != head->crc)
		err = -ESTALE;
	free(packet);
	return err;
}

/* Steps from the head of one packet to that of the next, at off, and checks it. Reads the whole
 * packet if it reaches into the next hole of the file: a program may have punched it there, but some
 * file systems also store the packet's own zeros as a hole. */
static int look_again(const struct nr_stream_file *f, struct nr_packet_head *head, uint64_t off,
		      uint64_t *hole)
{
	uint64_t seq = head->seq, end;
	int err = read_again(f, head, HEAD, off);

	if (!err && (head->seq < seq || memcmp(head->uuid, f->uuid, sizeof(head->uuid))))
		err = -ESTALE;
	end = off + head->packet_bits / 8;
	if (err || *hole >= end)
		return err;
	err = check_packet(f, off, end - off);
	*hole = lseek(f->fd, end, SEEK_HOLE);
	return err;
}

/* A walk over the packets, up to the first that was changed. */
struct walk {
	uint64_t seq, off; /* of the current packet */
	uint32_t heads;	   /* CRC-32 of the heads before it */
};

static int walk(const struct nr_stream_file *f, struct walk *at, bool whole)
{
	uint64_t hole = lseek(f->fd, 0, SEEK_HOLE);
	struct nr_packet_head head = {};
	int err;

	for (*at = (struct walk){}; at->seq < f->packets; at->seq++) {
		hole = whole ? 0 : hole;
		err = look_again(f, &head, at->off, &hole);
		if (err)
			return err;
		at->heads = libdeflate_crc32(at->heads, (void *)&head, HEAD);
		at->off += head.packet_bits / 8;
	}
	return 0;
}

static int check_packets(const struct nr_stream_file *f)
{
	struct walk at;
	int err = walk(f, &at, false);

	if (!err && at.heads != f->heads) /* which one? */
		err = walk(f, &at, true) ?: -ESTALE;
	return err == -ESTALE ? overwritten(f, at.seq, at.off) : err;
}

int nr_stream_file_check(struct nr_stream_file *f)
{
	return f->error ?: nr_trace_dir_check(f->dir, f->fd, NR_FILE_STREAM, f->bytes)
				   ?: nr_trace_dir_check_content(f->dir) ?: check_packets(f);
}

/* ---- the end ---- */

int nr_stream_file_close(struct nr_stream_file *f)
{
	int err = f->error ?: nr_trace_dir_check(f->dir, f->fd, NR_FILE_STREAM, f->bytes);
	int fd = f->fd;

	f->fd = -1;
	if (!close(fd))
		return err;
	err = -errno; /* the log function may change it */
	nr_log(f->log, NR_LOG_ERROR, "cannot write %s/" NR_FILE_STREAM ": %s", f->dir->path,
	       strerror(-err));
	return err;
}

void nr_stream_file_drop(struct nr_stream_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}
