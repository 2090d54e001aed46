// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libdeflate.h>
#include <sys/random.h>
#include "base/bits.h"
#include "base/counter.h"
#include "base/file.h"
#include "base/trace_files.h"
#include "dir.h"
#include "packet/end.h"
#include "packet/gap.h"
#include "packet/metadata.h"
#include "trace.h"

#define HEAD sizeof(struct nr_packet_head)

struct trace {
	struct nr_output output;
	struct nr_trace_dir_opts how;
	gid_t group; /* how.group points here, or is NULL */
	struct nr_trace_dir dir;
	int fd; /* the stream; -1: not open */

	uint64_t bytes;	  /* of whole packets in the file */
	uint64_t packets; /* in the file */
	uint64_t next;	  /* sequence number of the next packet */
	struct nr_packet_head last;
	uint32_t heads; /* CRC-32 of their heads */
	size_t largest; /* bytes of the largest of them */
	int error;	/* the file no longer holds what was written; the log says why */
};

static struct trace *trace_of(struct nr_output *o)
{
	return (struct trace *)o; /* its first member */
}

static const struct nr_logger *log_of(const struct trace *t)
{
	return t->output.recording->log;
}

/* ---- packets ---- */

/* Removes the rest of a packet that was not written completely. If that fails as well, nothing can
 * be appended any more. */
static bool cut_back(struct trace *t, int err)
{
	bool cut = !ftruncate(t->fd, t->bytes);

	if (!cut)
		t->error = err;
	return cut;
}

static void note_packet(struct trace *t, const struct nr_packet_head *head, size_t size)
{
	t->heads = libdeflate_crc32(t->heads, head, HEAD);
	t->bytes += size;
	t->packets++;
	t->next = head->seq + 1;
	t->last = *head;
	t->largest = size > t->largest ? size : t->largest;
	nr_counter_set(&t->output.bytes, t->bytes);
}

static int append(struct trace *t, const void *packet, size_t size)
{
	int err;

	if (!t->error)
		t->error = nr_trace_dir_check(&t->dir, t->fd, NR_FILE_STREAM, t->bytes);
	if (t->error)
		return t->error;
	err = nr_write_all(t->fd, packet, size, t->bytes);
	if (!err) {
		note_packet(t, packet, size);
		return 0;
	}
	nr_log(log_of(t), NR_LOG_ERROR, "cannot write %s/" NR_FILE_STREAM ": %s; %s", t->dir.path,
	       nr_write_reason(err),
	       cut_back(t, err)
		       ? "what was written before is whole and can be read"
		       : "the stream could not be cut back to its last whole packet either");
	return err;
}

static int take(struct nr_output *o, const struct nr_packet *packet)
{
	return append(trace_of(o), packet->bytes, packet->size);
}

/* Writes the gap mark in place of the missing packets. */
static int miss(struct nr_output *o, const struct nr_gap *gap)
{
	struct trace *t = trace_of(o);
	struct nr_gap_packet mark;
	int err;

	nr_gap_fill(&mark, &t->last, gap);
	err = append(t, &mark, sizeof(mark));
	t->next += err ? 0 : gap->packets;
	return err;
}

/* ---- begin ---- */

/* The boot identifies the clock: times in two traces of one boot can be compared. */
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

static int write_metadata(struct trace *t, const struct nr_recording *rec)
{
	struct nr_metadata md = { .clock_offset = rec->clock_offset };
	uint32_t btf_size = 0;
	const void *btf = nr_types_raw(rec->format.types, &btf_size);
	char *text = NULL;
	size_t len;
	int err;

	if (!btf)
		return -ENOMEM;
	memcpy(md.uuid, rec->format.uuid, sizeof(md.uuid));
	read_boot_id(md.clock_uuid);
	md.btf_crc = libdeflate_crc32(0, btf, btf_size);
	err = nr_metadata_write(&text, &len, rec->format.types, &md);
	if (err)
		return err;
	err = nr_trace_dir_write(&t->dir, NR_FILE_METADATA, text, len)
		      ?: nr_trace_dir_write(&t->dir, NR_FILE_BTF, btf, btf_size);
	free(text);
	return err;
}

static int create(struct trace *t, const struct nr_recording *rec)
{
	int err = nr_trace_dir_open(&t->dir, t->output.name, &t->how, rec->log)
			  ?: write_metadata(t, rec);

	if (err)
		return err;
	t->fd = nr_trace_dir_create(&t->dir, NR_FILE_STREAM);
	if (t->fd < 0)
		return t->fd;
	nr_lock_file(t->fd);
	return append(t, rec->first->bytes, rec->first->size);
}

static void undo(struct nr_output *o)
{
	struct trace *t = trace_of(o);

	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	nr_trace_dir_undo(&t->dir);
	nr_trace_dir_close(&t->dir);
}

static int begin(struct nr_output *o)
{
	struct trace *t = trace_of(o);
	sigset_t old;
	int err;

	nr_hold_file_limit(&old);
	err = create(t, o->recording);
	nr_release_file_limit(&old);
	if (err == -ENOMEM)
		nr_log(o->recording->log, NR_LOG_ERROR, "cannot create the trace %s: %s", o->name,
		       nr_reason(err));
	if (err)
		undo(o);
	return err;
}

static void keep(struct nr_output *o)
{
	nr_trace_dir_keep(&trace_of(o)->dir);
}

/* ---- end ---- */

static int read_again(const struct trace *t, void *data, size_t size, uint64_t off)
{
	ssize_t n = nr_read_at(t->fd, data, size, off);

	if (n < 0)
		nr_log(log_of(t), NR_LOG_ERROR, "cannot read %s/" NR_FILE_STREAM " again: %s",
		       t->dir.path, strerror(-n));
	return n < 0 ? n : n == (ssize_t)size ? 0 : -ESTALE;
}

static int overwritten(const struct trace *t, uint64_t seq, uint64_t off)
{
	nr_log(log_of(t), NR_LOG_ERROR,
	       "another program changed the trace: %s/" NR_FILE_STREAM
	       " was overwritten in packet %" PRIu64 ", which begins at byte %" PRIu64,
	       t->dir.path, seq, off);
	return -ESTALE;
}

static int check_packet(const struct trace *t, uint64_t off, uint64_t size)
{
	uint8_t *packet = size > t->largest ? NULL : malloc(size);
	const struct nr_packet_head *head = (void *)packet;
	int err;

	if (!packet)
		return size > t->largest ? -ESTALE : -ENOMEM;
	err = read_again(t, packet, size, off);
	if (!err && nr_packet_crc(packet, size) != head->crc)
		err = -ESTALE;
	free(packet);
	return err;
}

/* Steps from the head of one packet to that of the next, at off, and checks it. Reads the whole
 * packet if it reaches into the next hole of the file: a program may have punched it there, but some
 * file systems also store the packet's own zeros as a hole. */
static int look_again(const struct trace *t, struct nr_packet_head *head, uint64_t off,
		      uint64_t *hole)
{
	uint64_t seq = head->seq, end;
	int err = read_again(t, head, HEAD, off);

	if (!err && (head->seq < seq ||
		     memcmp(head->uuid, t->output.recording->format.uuid, sizeof(head->uuid))))
		err = -ESTALE;
	end = off + head->packet_bits / 8;
	if (err || *hole >= end)
		return err;
	err = check_packet(t, off, end - off);
	*hole = lseek(t->fd, end, SEEK_HOLE);
	return err;
}

/* A walk over the packets, up to the first that was changed. */
struct walk {
	uint64_t seq, off; /* of the current packet */
	uint32_t heads;	   /* CRC-32 of the heads before it */
};

static int walk(const struct trace *t, struct walk *at, bool whole)
{
	uint64_t hole = lseek(t->fd, 0, SEEK_HOLE);
	struct nr_packet_head head = {};
	int err;

	for (*at = (struct walk){}; at->seq < t->packets; at->seq++) {
		hole = whole ? 0 : hole;
		err = look_again(t, &head, at->off, &hole);
		if (err)
			return err;
		at->heads = libdeflate_crc32(at->heads, (void *)&head, HEAD);
		at->off += head.packet_bits / 8;
	}
	return 0;
}

static int check_packets(const struct trace *t)
{
	struct walk at;
	int err = walk(t, &at, false);

	if (!err && at.heads != t->heads) /* which one? */
		err = walk(t, &at, true) ?: -ESTALE;
	return err == -ESTALE ? overwritten(t, at.seq, at.off) : err;
}

/* Writes succeed even if another program changes the file meanwhile, so it is read again. */
static int check_stream(struct trace *t)
{
	return t->error ?: nr_trace_dir_check(&t->dir, t->fd, NR_FILE_STREAM, t->bytes)
				   ?: nr_trace_dir_check_content(&t->dir) ?: check_packets(t);
}

static int write_mark(struct trace *t, const uint8_t *packet, size_t size)
{
	int err = nr_write_all(t->fd, packet, size, t->bytes);

	if (!err) {
		note_packet(t, (const void *)packet, size);
		return 0;
	}
	cut_back(t, err);
	nr_log(log_of(t), NR_LOG_ERROR,
	       "cannot write the end mark of %s: %s; \"numaring stat\" will call the trace "
	       "incomplete",
	       t->dir.path, nr_write_reason(err));
	return err;
}

static int add_mark(struct trace *t, const struct nr_account *account)
{
	uint8_t *packet = NULL;
	size_t size;
	int err = nr_end_packet(&packet, &size, t->output.recording->format.uuid, t->next, account);

	if (!err)
		err = write_mark(t, packet, size);
	free(packet);
	return err;
}

/* Checks the size once more, but not the packets, which check_stream has read. */
static int close_stream(struct trace *t)
{
	int err = t->error ?: nr_trace_dir_check(&t->dir, t->fd, NR_FILE_STREAM, t->bytes);
	int fd = t->fd;

	t->fd = -1;
	if (!close(fd))
		return err;
	err = -errno; /* the log function may change it */
	nr_log(log_of(t), NR_LOG_ERROR, "cannot write %s/" NR_FILE_STREAM ": %s", t->dir.path,
	       strerror(-err));
	return err;
}

/* The end mark is the last packet, so its time is not before that of the others. */
static int end(struct nr_output *o, const struct nr_account *account)
{
	struct trace *t = trace_of(o);
	struct nr_account a = *account;
	int err, closed;

	t->error = check_stream(t);
	a.end = a.end > t->last.end ? a.end : t->last.end;
	err = t->error ?: add_mark(t, &a);
	closed = close_stream(t);
	nr_trace_dir_close(&t->dir);
	return err ?: closed;
}

static void destroy(struct nr_output *o)
{
	struct trace *t = trace_of(o);

	if (t->fd >= 0)
		close(t->fd);
	nr_trace_dir_close(&t->dir);
	nr_output_destroy(o);
}

static const struct nr_output_ops ops = {
	.begin = begin,
	.keep = keep,
	.undo = undo,
	.take = take,
	.miss = miss,
	.end = end,
	.destroy = destroy,
};

int nr_trace_output_new(struct nr_output **out, const char *dir, const struct nr_output_opts *opts)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->fd = t->dir.fd = t->dir.parent = t->dir.lock = -1;
	t->how.force = opts->force;
	if (opts->group) {
		t->group = *opts->group;
		t->how.group = &t->group;
	}
	t->output.is_trace = t->output.wants_bytes = true;
	if (nr_output_init(&t->output, &ops, dir, opts)) {
		free(t);
		return -ENOMEM;
	}
	*out = &t->output;
	return 0;
}
