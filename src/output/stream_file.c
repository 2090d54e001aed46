// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libdeflate.h>
#include "base/file.h"
#include "base/trace_files.h"
#include "packet/frame.h"
#include "stream_file.h"

#define HEAD sizeof(struct nr_packet_head)

/* ---- writing ---- */

static const struct nr_logger *log_of(const struct nr_stream_file *f)
{
	return f->output->recording->log;
}

int nr_stream_file_create(struct nr_stream_file *f, const struct nr_trace_dir *dir,
			  const struct nr_output *output, const struct nr_stream_opts *opts)
{
	*f = (struct nr_stream_file){ .dir = dir, .output = output, .opts = *opts };
	f->name = opts->compressed ? NR_FILE_ZSTD : NR_FILE_STREAM;
	f->fd = nr_trace_dir_create(dir, f->name);
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

static void note_packet(struct nr_stream_file *f, const struct nr_stored *packet)
{
	f->heads = libdeflate_crc32(f->heads, packet->head, HEAD);
	f->bytes += packet->size;
	f->packets++;
	f->last = *packet->head;
	f->largest = packet->size > f->largest ? packet->size : f->largest;
}

static int write_packet(struct nr_stream_file *f, const struct nr_stored *packet)
{
	int err = nr_write_all(f->fd, packet->bytes, packet->size, f->bytes);

	if (!err)
		note_packet(f, packet);
	return err;
}

int nr_stream_file_append(struct nr_stream_file *f, const struct nr_stored *packet)
{
	int err;

	if (!f->error)
		f->error = nr_trace_dir_check(f->dir, f->fd, f->name, f->bytes);
	if (f->error)
		return f->error;
	err = write_packet(f, packet);
	if (err)
		nr_log(log_of(f), NR_LOG_ERROR, "cannot write %s/%s: %s; %s", f->dir->path, f->name,
		       nr_write_reason(err),
		       cut_back(f, err) ? "what was written before is whole and can be read"
					: "the stream could not be cut back to its last whole "
					  "packet either");
	return err;
}

int nr_stream_file_append_mark(struct nr_stream_file *f, const struct nr_stored *mark)
{
	int err = write_packet(f, mark);

	if (!err)
		return 0;
	cut_back(f, err);
	nr_log(log_of(f), NR_LOG_ERROR,
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
		nr_log(log_of(f), NR_LOG_ERROR, "cannot read %s/%s again: %s", f->dir->path,
		       f->name, strerror(-n));
	return n < 0 ? n : n == (ssize_t)size ? 0 : -ESTALE;
}

static int overwritten(const struct nr_stream_file *f, uint64_t seq, uint64_t off)
{
	nr_log(log_of(f), NR_LOG_ERROR,
	       "another program changed the trace: %s/%s was overwritten in packet %" PRIu64
	       ", which begins at byte %" PRIu64,
	       f->dir->path, f->name, seq, off);
	return -ESTALE;
}

/* A packet in the file. */
struct place {
	uint64_t off, size; /* of its packet, or of its label and frame */
	struct nr_packet_head head;
};

static int read_head(const struct nr_stream_file *f, struct place *at)
{
	struct nr_label label;
	int err;

	if (!f->opts.compressed) {
		err = read_again(f, &at->head, HEAD, at->off);
		at->size = at->head.packet_bits / 8;
		return err;
	}
	err = read_again(f, &label, sizeof(label), at->off);
	at->head = label.head;
	at->size = sizeof(label) + label.frame_size;
	return err ?: nr_label_is_valid(&label) ? 0 : -ESTALE;
}

static int check_content(const struct nr_stream_file *f, const uint8_t *stored,
			 const struct place *at)
{
	const struct nr_packet_head *head = (void *)stored;
	size_t size = at->head.packet_bits / 8;
	uint8_t *packet;
	int err;

	if (!f->opts.compressed)
		return nr_packet_crc(stored, at->size) == head->crc ? 0 : -ESTALE;
	packet = malloc(size);
	if (!packet)
		return -ENOMEM;
	err = nr_frame_read(packet, size, stored + sizeof(struct nr_label),
			    at->size - sizeof(struct nr_label));
	free(packet);
	return err == -EBADMSG ? -ESTALE : err;
}

static int check_packet(const struct nr_stream_file *f, const struct place *at)
{
	uint8_t *stored = at->size > f->largest ? NULL : malloc(at->size);
	int err;

	if (!stored)
		return at->size > f->largest ? -ESTALE : -ENOMEM;
	err = read_again(f, stored, at->size, at->off) ?: check_content(f, stored, at);
	free(stored);
	return err;
}

/* Checks the head of a packet. Reads the whole packet if it reaches into the next hole of the file:
 * a program may have punched it there, but some file systems also store the packet's own zeros as a
 * hole. */
static int look_again(const struct nr_stream_file *f, struct place *at, uint64_t *hole)
{
	uint64_t seq = at->head.seq;
	int err = read_head(f, at);

	if (!err &&
	    (at->head.seq < seq || memcmp(at->head.uuid, f->output->recording->format.uuid, 16)))
		err = -ESTALE;
	if (err || *hole >= at->off + at->size)
		return err;
	err = check_packet(f, at);
	*hole = lseek(f->fd, at->off + at->size, SEEK_HOLE);
	return err;
}

/* A walk over the packets, up to the first that was changed. */
struct walk {
	uint64_t seq; /* of the current packet */
	struct place at;
	uint32_t heads; /* CRC-32 of the heads before it */
};

static int walk(const struct nr_stream_file *f, struct walk *w, bool whole)
{
	uint64_t hole = lseek(f->fd, 0, SEEK_HOLE);
	int err;

	for (*w = (struct walk){}; w->seq < f->packets; w->seq++) {
		hole = whole ? 0 : hole;
		err = look_again(f, &w->at, &hole);
		if (err)
			return err;
		w->heads = libdeflate_crc32(w->heads, &w->at.head, HEAD);
		w->at.off += w->at.size;
	}
	return 0;
}

static int check_packets(const struct nr_stream_file *f)
{
	struct walk w;
	int err = walk(f, &w, false);

	if (!err && w.heads != f->heads) /* which one? */
		err = walk(f, &w, true) ?: -ESTALE;
	return err == -ESTALE ? overwritten(f, w.seq, w.at.off) : err;
}

int nr_stream_file_check(struct nr_stream_file *f)
{
	return f->error ?: nr_trace_dir_check(f->dir, f->fd, f->name, f->bytes)
				   ?: nr_trace_dir_check_content(f->dir) ?: check_packets(f);
}

/* ---- the end ---- */

int nr_stream_file_close(struct nr_stream_file *f)
{
	int err = f->error ?: nr_trace_dir_check(f->dir, f->fd, f->name, f->bytes);
	int fd = f->fd;

	f->fd = -1;
	if (!close(fd))
		return err;
	err = -errno; /* the log function may change it */
	nr_log(log_of(f), NR_LOG_ERROR, "cannot write %s/%s: %s", f->dir->path, f->name,
	       strerror(-err));
	return err;
}

void nr_stream_file_drop(struct nr_stream_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}
