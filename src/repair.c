// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Repairs a trace, in a copy or in place: keeps its packets up to the last whole one, and adds an
 * end mark. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "base/bits.h"
#include "base/opts.h"
#include "base/file.h"
#include "base/trace_files.h"
#include "output/dir.h"
#include "read/reader.h"

#define HEAD  sizeof(struct nr_packet_head)
#define PIECE (1u << 20)

struct repair {
	struct nr_trace *trace; /* read to the end */
	struct nr_logger log;
	struct nr_repair found;
	struct nr_account account; /* for the end mark */
	char *buf;		   /* [PIECE] */
};

static const char *const file_names[] = { NR_FILE_METADATA, NR_FILE_BTF, NR_FILE_STREAM };

/* ---- reading ---- */

/* Looks for another packet of this trace after the head of the first damaged one. */
static int find_more(struct repair *r, uint64_t size)
{
	const struct nr_trace *t = r->trace;
	const __u32 magic = NR_CTF_MAGIC;
	uint8_t begin[sizeof(magic) + sizeof(t->md.uuid)];

	memcpy(begin, &magic, sizeof(magic));
	memcpy(begin + sizeof(magic), t->md.uuid, sizeof(t->md.uuid));
	for (uint64_t pos = t->next + HEAD; pos < size && !r->found.more;) {
		off_t data = lseek(t->fd, pos, SEEK_DATA); /* skips holes, which may be terabytes */
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

/* Fills in the result and the account. */
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

static int refuse_recorded(const struct repair *r)
{
	nr_log(&r->log, NR_LOG_ERROR, "%s is being recorded: end that recording first",
	       r->trace->dir);
	return -EBUSY;
}

/* Reads the trace to its end or to the damage. */
static int read_trace(struct repair *r)
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
		return refuse_recorded(r);
	if (!t->packets) {
		nr_log(&r->log, NR_LOG_ERROR, "%s has no whole packet: nothing can be recovered",
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
	return fsync(fd) && errno != EINVAL ? -errno : 0; /* EINVAL: the file system has no fsync */
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

/* Writes the end mark, unless the trace has one and is damaged after it. */
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

/* A new directory is on the disk only when its parent is, too. */
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

	for (size_t i = 0; !err && i < NR_ARRAY_SIZE(file_names); i++)
		err = copy_file(r, to, file_names[i]);
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
		nr_log(&r->log, NR_LOG_ERROR, "%s already exists: use another directory", path);
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
		return refuse_recorded(r);
	nr_lock_file(fd); /* may fail: a reader may hold a lock, which is harmless */
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

static void copy_result(struct nr_repair *result, struct nr_repair found)
{
	found.sz = result->sz < sizeof(found) ? result->sz : sizeof(found);
	memcpy(result, &found, found.sz);
}

static int repair(struct repair *r, const char *copy)
{
	int err;

	r->buf = malloc(PIECE);
	err = r->buf ? read_trace(r) : -ENOMEM;
	if (!err && r->found.needed)
		err = copy ? repair_copy(r, copy) : repair_in_place(r);
	free(r->buf);
	return err;
}

int nr_trace_repair(const char *dir, const struct nr_repair_opts *opts, struct nr_repair *result)
{
	struct nr_repair_opts o;
	struct nr_trace_opts trace_opts = { .sz = sizeof(trace_opts) };
	struct repair r = { .account.sz = sizeof(r.account) };
	sigset_t old;
	int err = NR_COPY_OPTS(nr_repair_opts, &o, opts);

	if (err)
		return err;
	if (result && result->sz < offsetof(struct nr_repair, left_out) + sizeof(r.found.left_out))
		return -EINVAL;
	r.log = (struct nr_logger){ o.log, o.log_ctx };
	trace_opts.log = o.log;
	trace_opts.log_ctx = o.log_ctx;
	nr_hold_file_limit(&old);
	err = nr_trace_open(&r.trace, dir, &trace_opts) ?: repair(&r, o.copy);
	nr_release_file_limit(&old);
	if (!err && result)
		copy_result(result, r.found);
	nr_trace_close(r.trace);
	return err;
}
