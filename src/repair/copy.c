// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "base/bits.h"
#include "base/file.h"
#include "output/dir.h"
#include "output/sync.h"
#include "read/load.h"
#include "rewrite.h"

/* The directory of a flat trace or a chunk, and its copy. */
struct pair {
	const struct nr_repair_plan *plan;
	const struct nr_repair_chunk *chunk;
	struct nr_read_dir from;
	struct nr_read_stream stream; /* in from */
	struct nr_read_dir side;      /* where whole metadata and .btf are */
	struct nr_read_dir to;
};

static const char *const side_files[] = { NR_FILE_METADATA, NR_FILE_BTF };
/* They give addresses names; not every trace has them. */
static const char *const name_files[] = { NR_FILE_KALLSYMS, NR_FILE_MAPPINGS, NR_FILE_STACKS };

static int cannot_write(const struct nr_read_dir *d, const char *name, int err)
{
	nr_log(d->log, NR_LOG_ERROR, "cannot write %s/%s: %s", d->path, name, nr_write_reason(err));
	return err;
}

/* ---- files ---- */

static int create(const struct pair *p, const char *name)
{
	int fd = openat(p->to.fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	if (!fchmod(fd, 0600)) /* regardless of default ACLs */
		return fd;
	close(fd);
	return -errno;
}

static int copy_named(int dir, int to, const char *name)
{
	int from = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err;

	if (from < 0)
		return -errno;
	err = nr_rewrite_copy(from, to);
	close(from);
	return err;
}

static int copy_side_file(const struct pair *p, int to, const char *name)
{
	return copy_named(p->side.fd, to, name);
}

static int copy_stream(const struct pair *p, int to)
{
	return p->chunk->needed ? nr_rewrite(&p->stream, p->chunk, to)
				: nr_rewrite_copy(p->stream.fd, to);
}

static int copy_file(const struct pair *p, const char *name, bool is_stream)
{
	int fd = create(p, name), err = fd;

	if (fd >= 0) {
		err = is_stream ? copy_stream(p, fd) : copy_side_file(p, fd, name);
		if (close(fd) && !err)
			err = -errno;
	}
	return err ? cannot_write(&p->to, name, err) : 0;
}

static int copy_name_file(const struct pair *p, const char *name)
{
	int fd, err;

	if (faccessat(p->from.fd, name, F_OK, AT_SYMLINK_NOFOLLOW))
		return 0;
	fd = create(p, name);
	err = fd < 0 ? fd : copy_named(p->from.fd, fd, name);
	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	return err ? cannot_write(&p->to, name, err) : 0;
}

static int copy_files(const struct pair *p)
{
	int err = 0;

	for (size_t i = 0; !err && i < NR_ARRAY_SIZE(side_files); i++)
		err = copy_file(p, side_files[i], false);
	for (size_t i = 0; !err && i < NR_ARRAY_SIZE(name_files); i++)
		err = copy_name_file(p, name_files[i]);
	err = err ?: copy_file(p, nr_read_stream_name(&p->stream), true);
	return err ?: nr_sync(p->to.fd);
}

/* ---- directories ---- */

static int open_pair(struct pair *p)
{
	struct nr_trace *t = p->plan->trace;
	int err = nr_load_dir(t, p->chunk->number, &p->from);

	if (err)
		return err;
	err = nr_load_dir(t, t->described, &p->side);
	if (err)
		goto from;
	p->stream = t->stream;
	err = nr_read_open_stream(&p->from, &p->stream);
	if (!err)
		return 0;
	nr_load_close_dir(&p->side);
from:
	nr_load_close_dir(&p->from);
	return err;
}

static void close_pair(struct pair *p)
{
	close(p->stream.fd);
	nr_load_close_dir(&p->side);
	nr_load_close_dir(&p->from);
}

/* Makes the directory of a chunk, or takes that of the flat trace. */
static int make_dir(struct pair *p, const struct nr_trace_dir *d)
{
	char name[NR_CHUNK_NAME], *path;

	nr_chunk_name(name, p->chunk->number);
	if (asprintf(&path, p->plan->trace->series ? "%s/%s" : "%s", d->path, name) < 0)
		return -ENOMEM;
	p->to = (struct nr_read_dir){ .fd = d->fd, .path = path, .log = &d->log };
	if (!p->plan->trace->series)
		return 0;
	p->to.fd = -1;
	if (!mkdirat(d->fd, name, 0700))
		p->to.fd = openat(d->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return p->to.fd < 0 ? -errno : 0;
}

static void close_copy(struct pair *p)
{
	if (p->plan->trace->series && p->to.fd >= 0)
		close(p->to.fd);
	free((char *)p->to.path);
}

static int copy_chunk(const struct nr_repair_plan *plan, const struct nr_repair_chunk *chunk,
		      const struct nr_trace_dir *d)
{
	struct pair p = { .plan = plan, .chunk = chunk };
	int err = open_pair(&p);

	if (err)
		return err;
	err = make_dir(&p, d);
	if (err)
		nr_log(&d->log, NR_LOG_ERROR, "cannot make a directory in %s: %s", d->path,
		       nr_write_reason(err));
	err = err ?: copy_files(&p);
	close_copy(&p);
	close_pair(&p);
	return err;
}

static void remove_files(int dir)
{
	for (size_t i = 0; i < NR_ARRAY_SIZE(side_files); i++)
		unlinkat(dir, side_files[i], 0);
	for (size_t i = 0; i < NR_ARRAY_SIZE(name_files); i++)
		unlinkat(dir, name_files[i], 0);
	unlinkat(dir, NR_FILE_STREAM, 0);
	unlinkat(dir, NR_FILE_ZSTD, 0);
}

static void remove_copy(const struct nr_repair_plan *plan, struct nr_trace_dir *d)
{
	for (size_t i = 0; plan->trace->series && i < plan->n; i++) {
		char name[NR_CHUNK_NAME];
		int fd;

		nr_chunk_name(name, plan->chunks[i].number);
		fd = openat(d->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		remove_files(fd);
		close(fd);
		unlinkat(d->fd, name, AT_REMOVEDIR);
	}
	remove_files(d->fd);
	nr_trace_dir_undo(d);
}

static int fill(const struct nr_repair_plan *plan, const struct nr_trace_dir *d)
{
	int err = 0;

	for (size_t i = 0; !err && i < plan->n; i++)
		err = copy_chunk(plan, &plan->chunks[i], d);
	return err ?: nr_trace_dir_sync(d);
}

int nr_repair_copy(const struct nr_repair_plan *plan, const char *path)
{
	const struct nr_trace_dir_opts opts = {};
	const struct nr_logger *log = &plan->trace->log;
	struct nr_trace_dir d;
	struct stat st;
	int err;

	if (!lstat(path, &st)) {
		nr_log(log, NR_LOG_ERROR, "%s already exists: use another directory", path);
		return -EEXIST;
	}
	err = nr_trace_dir_open(&d, path, &opts, log);
	if (err)
		return err;
	err = fill(plan, &d);
	if (err)
		remove_copy(plan, &d);
	nr_trace_dir_close(&d);
	return err;
}

/* ---- in place ---- */

static bool is_same_file(int a, int b)
{
	struct stat one, other;

	return !fstat(a, &one) && !fstat(b, &other) && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

/* Replaces a file that is damaged in the middle by a new one of the stream's owner and mode. */
static int replace(const struct pair *p, const char *name, bool is_stream)
{
	int fd, err;
	struct stat st;

	unlinkat(p->from.fd, NR_NEW NR_FILE_STREAM, 0);
	fd = openat(p->from.fd, NR_NEW NR_FILE_STREAM,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = fstat(p->stream.fd, &st) || fchown(fd, st.st_uid, st.st_gid) ||
			      fchmod(fd, st.st_mode & 0777)
		      ? -errno
	      : is_stream ? nr_rewrite(&p->stream, p->chunk, fd)
			  : copy_side_file(p, fd, name);
	if (!err && renameat(p->from.fd, NR_NEW NR_FILE_STREAM, p->from.fd, name))
		err = -errno;
	if (err)
		unlinkat(p->from.fd, NR_NEW NR_FILE_STREAM, 0);
	close(fd);
	return err ?: nr_sync(p->from.fd);
}

static int replace_side_files(const struct pair *p)
{
	int err = 0;

	for (size_t i = 0; !err && p->chunk->foreign && i < NR_ARRAY_SIZE(side_files); i++)
		err = replace(p, side_files[i], false);
	return err;
}

static int cut(const struct pair *p, int fd)
{
	struct nr_read_stream stream = p->stream;

	stream.fd = fd;
	return nr_rewrite_end(&stream, p->chunk);
}

static int repair_locked(const struct pair *p, const char *name, int fd)
{
	const struct nr_piece *piece = p->chunk->pieces;
	bool only_end = p->chunk->n == 1 && !piece->offset && !piece->open;
	int err;

	if (nr_stream_is_recorded(fd))
		return -EBUSY;
	nr_lock_file(fd); /* may fail: a reader may hold a lock, which is harmless */
	if (!is_same_file(fd, p->stream.fd))
		return -ESTALE;
	err = replace_side_files(p);
	return err ?: only_end ? cut(p, fd) : replace(p, name, true);
}

static int repair_chunk(const struct nr_repair_plan *plan, const struct nr_repair_chunk *chunk)
{
	struct pair p = { .plan = plan, .chunk = chunk };
	int err = open_pair(&p), fd;
	const char *name;

	if (err)
		return err;
	name = nr_read_stream_name(&p.stream);
	fd = openat(p.from.fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	err = fd < 0 ? -errno : repair_locked(&p, name, fd);
	if (fd >= 0)
		close(fd);
	if (err)
		nr_log(&plan->trace->log, NR_LOG_ERROR, "cannot repair %s/%s: %s", p.from.path,
		       name, nr_write_reason(err));
	close_pair(&p);
	return err;
}

/* To remove whole packets, or what may belong to another trace, is not what "repair" promises. */
static int refuse(const struct nr_repair_plan *plan)
{
	nr_log(&plan->trace->log, NR_LOG_ERROR,
	       "%s has chunks of which nothing would be kept: repair it into a copy%s",
	       plan->trace->dir, plan->trace->opts.skip_damaged ? "" : ", or skip what is damaged");
	return -ENOTEMPTY;
}

int nr_repair_in_place(const struct nr_repair_plan *plan)
{
	int err = plan->unplanned ? refuse(plan) : 0;

	for (size_t i = 0; !err && i < plan->n; i++)
		if (plan->chunks[i].needed)
			err = repair_chunk(plan, &plan->chunks[i]);
	return err;
}
