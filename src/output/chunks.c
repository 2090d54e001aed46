// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "base/bits.h"
#include "base/file.h"
#include "base/trace_files.h"
#include "chunks.h"
#include "contents.h"

void nr_chunks_init(struct nr_chunks *c, const struct nr_trace_dir *series)
{
	*c = (struct nr_chunks){ .series = series, .newest.fd = -1 };
	c->newest.parent = c->newest.lock = -1;
}

/* ---- the newest ---- */

/* So that a chunk can always be closed. */
static int make_room(struct nr_chunks *c)
{
	unsigned cap = c->cap ? 2 * c->cap : 64;
	struct nr_chunk *grown;

	if (c->n < c->cap)
		return 0;
	grown = realloc(c->closed, cap * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->closed = grown;
	c->cap = cap;
	return 0;
}

static int make_directory(const struct nr_trace_dir *series, const char *name,
			  struct nr_trace_dir *d)
{
	bool made = !mkdirat(series->fd, name, 0700);
	int err = made ? 0 : -errno;

	if (made) {
		d->fd = openat(series->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		err = d->fd < 0 ? -errno : 0;
	}
	if (made && err)
		unlinkat(series->fd, name, AT_REMOVEDIR);
	if (err)
		nr_log(&series->log, NR_LOG_ERROR, "cannot create %s: %s", d->path,
		       nr_write_reason(err));
	return err ? err : nr_trace_dir_set_access(d, d->fd, "", 0700);
}

static int open_newest(struct nr_chunks *c, const char *name)
{
	struct nr_trace_dir *d = &c->newest;

	nr_trace_dir_close(d);
	d->log = c->series->log;
	d->shared = c->series->shared;
	d->group = c->series->group;
	if (make_room(c) || asprintf(&d->path, "%s/%s", c->series->path, name) < 0) {
		nr_log(&c->series->log, NR_LOG_ERROR, "cannot create %s/%s: %s", c->series->path,
		       name, nr_reason(-ENOMEM));
		d->path = NULL;
		return -ENOMEM;
	}
	return make_directory(c->series, name, d);
}

int nr_chunks_make(struct nr_chunks *c)
{
	char name[NR_CHUNK_NAME];
	int err;

	nr_chunk_name(name, c->next);
	err = open_newest(c, name);
	c->next++;
	if (err)
		nr_chunks_unmake(c);
	return err;
}

void nr_chunks_unmake(struct nr_chunks *c)
{
	char name[NR_CHUNK_NAME];

	nr_chunk_name(name, --c->next);
	if (c->newest.fd >= 0 && nr_is_named(c->series->fd, name, c->newest.fd))
		nr_contents_remove_chunk(c->series->fd, name);
	nr_trace_dir_close(&c->newest);
}

uint64_t nr_chunks_overhead(const struct nr_chunks *c)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < NR_DIR_SHARED; i++)
		sum += c->newest.sizes[i];
	return sum;
}

/* ---- a flat trace becomes a series ---- */

/* Until metadata move, the trace is flat and the other files have two names. Then it is a series. */
static int move_files(const struct nr_chunks *c, const char *stream)
{
	const char *const names[] = { stream, NR_FILE_BTF, NR_FILE_KALLSYMS, NR_FILE_MAPPINGS,
				      NR_FILE_STACKS };
	int from = c->series->fd, to = c->newest.fd;

	/* Not every trace has the last three. */
	for (unsigned i = 0; i < NR_ARRAY_SIZE(names); i++)
		if (linkat(from, names[i], to, names[i], 0) && (i < 2 || errno != ENOENT))
			return -errno;
	if (renameat(from, NR_FILE_METADATA, to, NR_FILE_METADATA))
		return -errno;
	for (unsigned i = 0; i < NR_ARRAY_SIZE(names); i++)
		unlinkat(from, names[i], 0);
	return 0;
}

int nr_chunks_adopt(struct nr_chunks *c, const char *stream)
{
	int err = nr_chunks_make(c);

	if (err)
		return err;
	err = move_files(c, stream);
	if (err) {
		nr_log(&c->series->log, NR_LOG_WARN, "cannot move the trace %s to %s: %s",
		       c->series->path, c->newest.path, nr_write_reason(err));
		nr_chunks_unmake(c);
		return err;
	}
	memcpy(c->newest.sizes, c->series->sizes, sizeof(c->newest.sizes));
	memcpy(c->newest.crcs, c->series->crcs, sizeof(c->newest.crcs));
	return 0;
}

/* ---- the closed ones ---- */

void nr_chunks_close(struct nr_chunks *c, uint64_t events, uint64_t stream)
{
	uint64_t bytes = stream + nr_chunks_overhead(c);

	c->closed[c->n++] = (struct nr_chunk){ c->next - 1, events, bytes };
	c->bytes += bytes;
}

static struct nr_chunk take_oldest(struct nr_chunks *c)
{
	struct nr_chunk oldest = c->closed[0];

	memmove(c->closed, c->closed + 1, --c->n * sizeof(*c->closed));
	c->bytes -= oldest.bytes;
	return oldest;
}

/* Passes over chunks that another program removed. One that cannot be removed is not tried again:
 * the log says so. */
int nr_chunks_drop_oldest(struct nr_chunks *c)
{
	char name[NR_CHUNK_NAME];
	struct nr_chunk oldest;
	int err = -ENOENT;

	while (err == -ENOENT && c->n) {
		oldest = take_oldest(c);
		nr_chunk_name(name, oldest.number);
		err = nr_contents_remove_chunk(c->series->fd, name);
	}
	if (err && err != -ENOENT)
		nr_log(&c->series->log, NR_LOG_WARN, "cannot remove %s/%s: %s", c->series->path,
		       name, nr_write_reason(err));
	if (err)
		return err;
	c->dropped++;
	c->dropped_events += oldest.events;
	return 0;
}

void nr_chunks_destroy(struct nr_chunks *c)
{
	nr_trace_dir_close(&c->newest);
	free(c->closed);
	c->closed = NULL;
	c->n = c->cap = 0;
}
