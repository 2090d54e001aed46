// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "damage.h"
#include "files.h"

/* ---- opening ---- */

static void use_stream(struct nr_trace *t, uint64_t chunk, const struct nr_read_stream *stream)
{
	const char *name = nr_read_stream_name(stream);
	char number[NR_CHUNK_NAME];

	if (t->stream.fd >= 0)
		close(t->stream.fd);
	t->stream.fd = stream->fd;
	t->stream.compressed = stream->compressed;
	nr_chunk_name(number, chunk);
	if (t->series)
		snprintf(t->file, sizeof(t->file), "%s/%s", number, name);
	else
		snprintf(t->file, sizeof(t->file), "%s", name);
	t->chunk = chunk;
	t->next = 0;
	t->events_before = t->events;
	t->marked = t->spent = t->foreign = false;
	nr_end_free(&t->mark);
}

int nr_load_dir(const struct nr_trace *t, uint64_t chunk, struct nr_read_dir *d)
{
	char name[NR_CHUNK_NAME] = ".", *path;
	int err;

	if (t->series)
		nr_chunk_name(name, chunk);
	if (asprintf(&path, t->series ? "%s/%s" : "%s", t->dir, name) < 0)
		return -ENOMEM;
	*d = (struct nr_read_dir){
		.fd = openat(t->dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.path = path,
		.log = &t->log,
	};
	err = d->fd < 0 ? -errno : 0;
	if (err)
		free(path);
	return err;
}

void nr_load_close_dir(struct nr_read_dir *d)
{
	close(d->fd);
	free((char *)d->path);
}

int nr_load_stream(const struct nr_trace *t, uint64_t chunk, struct nr_read_stream *out)
{
	struct nr_read_dir d;
	int err = nr_load_dir(t, chunk, &d);

	if (err)
		return err;
	*out = t->stream;
	d.may_vanish = t->series;
	err = nr_read_open_stream(&d, out);
	nr_load_close_dir(&d);
	return err;
}

int nr_load_open(struct nr_trace *t, uint64_t chunk)
{
	struct nr_read_stream stream;
	int err = nr_load_stream(t, chunk, &stream);

	if (!err)
		use_stream(t, chunk, &stream);
	return err;
}

/* ---- one chunk ---- */

/* 1: the next packet is the current one; 0: the stream ends here; NR_INCOMPLETE: within a packet. */
static int try_packet(struct nr_trace *t, struct nr_fault *fault)
{
	struct nr_step step = {};
	int ret = nr_step_next(t, &step, fault);

	if (ret > 0) {
		t->hole = (struct nr_hole){};
		nr_step_take(t, &step);
	}
	if (ret == -EBADMSG)
		return nr_damage_pass(t, fault);
	return ret < 0 && ret != NR_INCOMPLETE ? nr_damage_unreadable(t, ret) : ret;
}

/* While a trace is being recorded, an incomplete packet is one that is still to come. The recorder
 * may have written more and ended between the read and the check of its lock, so read again. */
static int next_in_chunk(struct nr_trace *t)
{
	struct nr_fault fault;
	int ret = try_packet(t, &fault);

	if ((ret && ret != NR_INCOMPLETE) || (!ret && (t->marked || t->spent)))
		return ret;
	t->recorded = nr_stream_is_recorded(t->stream.fd);
	if (t->recorded)
		return 0;
	ret = try_packet(t, &fault);
	return ret == NR_INCOMPLETE ? nr_damage_pass(t, &fault) : ret;
}

/* ---- the next chunk ---- */

/* Between two chunks no stream is locked, but the directory is. */
static bool is_locked(const struct nr_trace *t)
{
	int fd = openat(t->dir_fd, NR_FILE_LOCK, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool locked = fd >= 0 && nr_stream_is_recorded(fd);

	if (fd >= 0)
		close(fd);
	return locked;
}

/* All chunks have the same metadata and .btf. The packets tell by themselves whether they belong to
 * this trace. If the chunk was removed meanwhile, its stream is still open. */
int nr_load_check(struct nr_trace *t)
{
	const struct nr_logger quiet = {};
	const char *name;
	struct nr_read_dir d;
	char number[NR_CHUNK_NAME], file[sizeof(t->file)];
	int err = nr_load_dir(t, t->chunk, &d);

	if (err == -ENOENT && t->series) /* removed since its stream was opened */
		return 0;
	if (err)
		return nr_damage_unreadable(t, err);
	d.log = &quiet;
	name = nr_read_foreign(&d, &t->md);
	nr_load_close_dir(&d);
	t->foreign = name && nr_chunk_exists(t->dir_fd, t->chunk); /* it is not being removed */
	if (!t->foreign)
		return 0;
	nr_chunk_name(number, t->chunk);
	snprintf(file, sizeof(file), "%s/%s", number, name);
	return nr_damage_report(t, file, "it is missing or damaged, or belongs to another trace",
				0);
}

static bool is_readable(const struct nr_trace *t, uint64_t chunk)
{
	return nr_chunk_exists(t->dir_fd, chunk) && nr_chunk_has_stream(t->dir_fd, chunk);
}

/* The chunk after the current one. 1; 0: there is none; or an error. */
static int find_next_chunk(struct nr_trace *t, uint64_t *next)
{
	int err;

	*next = t->chunk + 1;
	if (*next && is_readable(t, *next)) /* without a list of what may be many */
		return 1;
	err = nr_chunk_list_read(&t->chunks, t->dir_fd);
	if (err)
		return nr_damage_unreadable(t, err);
	for (size_t i = nr_chunk_list_after(&t->chunks, t->chunk); i < t->chunks.n; i++)
		if (is_readable(t, t->chunks.numbers[i])) {
			*next = t->chunks.numbers[i];
			return 1;
		}
	return 0;
}

static void note_jump(struct nr_trace *t, uint64_t next)
{
	t->jump = next == t->chunk + 1		    ? NR_JUMP_NONE
		  : t->chunks.numbers[0] > t->chunk ? NR_JUMP_REMOVED
						    : NR_JUMP_MISSING;
	t->jump_from = t->chunk + 1;
}

/* Finds the next chunk and opens its stream. The recorder may remove it meanwhile. As find_next_chunk. */
static int open_next(struct nr_trace *t, uint64_t *next, struct nr_read_stream *stream)
{
	int ret, err;

	do {
		ret = find_next_chunk(t, next);
		err = ret > 0 ? nr_load_stream(t, *next, stream) : 0;
	} while (err == -ENOENT);
	return err ? nr_damage_unreadable(t, err) : ret;
}

/* 1: the next chunk is open; 0: there is none; or an error. */
static int next_chunk(struct nr_trace *t)
{
	bool flat = !t->series;
	struct nr_read_stream stream;
	uint64_t next = 0;
	int ret;

	if (flat && !(t->marked && t->mark.account.rotated))
		return 0;
	t->series = true;
	ret = open_next(t, &next, &stream);
	if (ret <= 0) {
		t->series = !flat;
		t->recorded = !(t->marked && !t->mark.account.rotated) && is_locked(t);
		return ret;
	}
	ret = t->marked || t->spent
		      ? 0
		      : nr_damage_report(t, t->file, "the end mark of this chunk is missing", 0);
	if (ret) {
		close(stream.fd);
		return ret;
	}
	note_jump(t, next);
	use_stream(t, next, &stream);
	return nr_load_check(t) ?: 1;
}

bool nr_load_is_recorded(struct nr_trace *t)
{
	struct nr_read_stream newest;
	bool recorded = nr_stream_is_recorded(t->stream.fd) || is_locked(t);

	if (recorded || !t->series || nr_chunk_list_read(&t->chunks, t->dir_fd) || !t->chunks.n ||
	    nr_load_stream(t, t->chunks.numbers[t->chunks.n - 1], &newest))
		return recorded;
	recorded = nr_stream_is_recorded(newest.fd);
	close(newest.fd);
	return recorded;
}

int nr_load_next(struct nr_trace *t)
{
	for (;;) {
		int ret;

		t->recorded = false;
		ret = next_in_chunk(t);
		if (ret || t->recorded)
			return ret;
		ret = next_chunk(t);
		if (ret <= 0)
			return ret;
	}
}
