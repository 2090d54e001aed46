// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Ends a trace with its last whole packet and an end mark, in a copy or in place. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "base/opts.h"
#include "base/file.h"
#include "base/trace_files.h"
#include "output/dir.h"
#include "read/reader.h"

#define HEAD  sizeof(struct nr_packet_head)
#define PIECE (1u << 20)

struct repair {
	struct nr_trace *trace; /* read to its end */
	struct nr_logger log;
	struct nr_repair found;
	struct nr_account account; /* what the mark will say */
	char *buf;		   /* [PIECE] */
};

static const char *const names[] = { NR_FILE_METADATA, NR_FILE_BTF, NR_FILE_STREAM };

#define NR_NAMES (sizeof(names) / sizeof(*names))

/* ---- what there is ---- */

/* Does another packet of this trace begin behind the head of the first that is not whole? */
static int find_more(struct repair *r, uint64_t size)
{
	const struct nr_trace *t = r->trace;
	const __u32 magic = NR_CTF_MAGIC;
	uint8_t begin[sizeof(magic) + sizeof(t->md.uuid)];

	memcpy(begin, &magic, sizeof(magic));
	memcpy(begin + sizeof(magic), t->md.uuid, sizeof(t->md.uuid));
	for (uint64_t pos = t->next + HEAD; pos < size && !r->found.more;) {
		off_t data = lseek(t->fd, pos, SEEK_DATA); /* not through terabytes of nothing */
		ssize_t n;

		if (data < 0 && errno == ENXIO)
			break;
		pos = data > (off_t)pos ? (uint64_t)data : pos;
		n = nr_read_at(t->fd, r->buf, PIECE, pos);

		if (n < 0)
			return n;
		r->found.more = memmem(r->buf, n, begin, sizeof(begin));
		pos += n < PIECE ? size : PIECE - sizeof(begin);
	}
	return 0;
}

static int measure(struct repair *r)
{
	const struct nr_trace *t = r->trace;
	struct stat st;

	if (fstat(t->fd, &st))
		return -errno;
	r->found.needed = t->failed || (!t->marked && t->md.minor);
	r->found.packets = t->packets;
	r->found.lost = t->packet.lost;
	r->found.left_out = (uint64_t)st.st_size > t->next ? st.st_size - t->next : 0;
	r->account.repaired = true;
	r->account.end = t->packet.end;
	r->account.written = r->found.events + t->missed_events;
	r->account.lost_total = t->packet.lost;
	return find_more(r, st.st_size);
}

static int is_recorded(const struct repair *r)
{
	nr_log(&r->log, NR_LOG_ERROR, "%s is being recorded: end that recording first",
	       r->trace->dir);
	return -EBUSY;
}

/* Reads to the end, or to where the trace is damaged. */
static int survey(struct repair *r)
{
	struct nr_trace *t = r->trace;
	struct nr_event ev;
	int ret;

	while ((ret = nr_trace_next(t, &ev)) > 0) {
		r->found.events++;
		r->account.late += !!(ev.flags & NR_EVENT_LATE);
	}
	if (ret && ret != -EBADMSG)
		return ret;
	if (nr_stream_is_recorded(t->fd))
		return is_recorded(r);
	if (!t->packets) {
		nr_log(&r->log, NR_LOG_ERROR, "%s has no whole packet: nothing can be saved",
		       t->dir);
		return -ENODATA;
	}
	ret = measure(r);
	if (ret)
		nr_log(&r->log, NR_LOG_ERROR, "cannot read %s/" NR_FILE_STREAM ": %s", t->dir,
		       strerror(-ret));
	return ret;
}

/* ---- writing ---- */

static int sync_file(int fd)
{
	return fsync(fd) && errno != EINVAL ? -errno : 0; /* EINVAL: this file system has none */
}

static int copy_bytes(struct repair *r, int from, int to, uint64_t size)
{
	for (uint64_t pos = 0; pos < size;) {
		ssize_t n = nr_read_at(from, r->buf, size - pos < PIECE ? size - pos : PIECE, pos);
		int err = n > 0 ? nr_write_all(to, r->buf, n, pos) : n ? n : -ESTALE;

		if (err)
			return err;
		pos += n;
	}
	return 0;
}

/* A trace that is damaged behind its end mark has one already. */
static int write_mark(struct repair *r, int fd)
{
	const struct nr_trace *t = r->trace;
	uint8_t *packet = NULL;
	size_t size;
	int err;

	if (t->marked)
		return sync_file(fd);
	err = nr_end_packet(&packet, &size, t->md.uuid, t->seq, &r->account);
	if (!err)
		err = nr_write_all(fd, packet, size, t->next);
	free(packet);
	return err ?: sync_file(fd);
}

static int copy_side_file(struct repair *r, int to, const char *name)
{
	int from = openat(r->trace->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int err;

	if (from < 0)
		return -errno;
	err = fstat(from, &st) ? -errno : copy_bytes(r, from, to, st.st_size);
	close(from);
	return err ?: sync_file(to);
}

static int copy_file(struct repair *r, const struct nr_trace_dir *to, const char *name)
{
	int fd = nr_trace_dir_create(to, name), err;

	if (fd < 0)
		return fd;
	if (strcmp(name, NR_FILE_STREAM))
		err = copy_side_file(r, fd, name);
	else
		err = copy_bytes(r, r->trace->fd, fd, r->trace->next) ?: write_mark(r, fd);
	if (close(fd) && !err)
		err = -errno;
	if (err)
		nr_log(&r->log, NR_LOG_ERROR, "cannot write %s/%s: %s", to->path, name,
		       nr_write_reason(err));
	return err;
}

/* The new directory is on the disk when its parent is. */
static int sync_directories(int dir)
{
	int parent = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = sync_file(dir);

	if (parent >= 0) {
		err = err ?: sync_file(parent);
		close(parent);
	}
	return err;
}

static int fill_copy(struct repair *r, const struct nr_trace_dir *to)
{
	int err = 0;

	for (size_t i = 0; !err && i < NR_NAMES; i++)
		err = copy_file(r, to, names[i]);
	if (err)
		return err;
	err = sync_directories(to->fd);
	if (err)
		nr_log(&r->log, NR_LOG_ERROR, "cannot write %s: %s", to->path, strerror(-err));
	return err;
}

static int repair_copy(struct repair *r, const char *path)
{
	const struct nr_trace_dir_opts opts = {};
	struct nr_trace_dir to;
	struct stat st;
	int err;

	if (!lstat(path, &st)) {
		nr_log(&r->log, NR_LOG_ERROR, "%s exists already: give another directory", path);
		return -EEXIST;
	}
	err = nr_trace_dir_open(&to, path, &opts, &r->log);
	if (err)
		return err;
	err = fill_copy(r, &to);
	if (err)
		nr_trace_dir_undo(&to);
	nr_trace_dir_close(&to);
	return err;
}

static bool is_same_file(int a, int b)
{
	struct stat one, other;

	return !fstat(a, &one) && !fstat(b, &other) && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

static int cut_and_mark(struct repair *r, int fd)
{
	int err;

	if (nr_stream_is_recorded(fd))
		return is_recorded(r);
	nr_lock_file(fd); /* a reader may hold a lock of its own, and does not matter */
	if (!is_same_file(fd, r->trace->fd))
		err = -ESTALE;
	else
		err = ftruncate(fd, r->trace->next) ? -errno : write_mark(r, fd);
	if (err)
		nr_log(&r->log, NR_LOG_ERROR, "cannot repair %s/" NR_FILE_STREAM ": %s",
		       r->trace->dir, strerror(-err));
	return err;
}

static int repair_in_place(struct repair *r)
{
	int fd = openat(r->trace->dir_fd, NR_FILE_STREAM, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int err;

	if (fd < 0) {
		err = -errno;
		nr_log(&r->log, NR_LOG_ERROR, "cannot write %s/" NR_FILE_STREAM ": %s",
		       r->trace->dir, strerror(-err));
		return err;
	}
	err = cut_and_mark(r, fd);
	close(fd);
	return err;
}

static void give(struct nr_repair *result, struct nr_repair found)
{
	found.sz = result->sz < sizeof(found) ? result->sz : sizeof(found);
	memcpy(result, &found, found.sz);
}

static int repair(struct repair *r, const char *copy)
{
	int err;

	r->buf = malloc(PIECE);
	err = r->buf ? survey(r) : -ENOMEM;
	if (!err && r->found.needed)
		err = copy ? repair_copy(r, copy) : repair_in_place(r);
	free(r->buf);
	return err;
}

int nr_trace_repair(const char *dir, const struct nr_repair_opts *opts, struct nr_repair *result)
{
	struct nr_repair_opts o;
	struct nr_trace_opts reading = { .sz = sizeof(reading) };
	struct repair r = { .account.sz = sizeof(r.account) };
	sigset_t old;
	int err = NR_COPY_OPTS(nr_repair_opts, &o, opts);

	if (err)
		return err;
	if (result && result->sz < offsetof(struct nr_repair, left_out) + sizeof(r.found.left_out))
		return -EINVAL;
	r.log = (struct nr_logger){ o.log, o.log_ctx };
	reading.log = o.log;
	reading.log_ctx = o.log_ctx;
	nr_hold_file_limit(&old);
	err = nr_trace_open(&r.trace, dir, &reading) ?: repair(&r, o.copy);
	nr_release_file_limit(&old);
	if (!err && result)
		give(result, r.found);
	nr_trace_close(r.trace);
	return err;
}
