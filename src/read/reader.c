// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/opts.h"
#include "damage.h"
#include "files.h"
#include "load.h"
#include "packet/build.h"

/* ---- open and close ---- */

/* A trace with metadata of its own is flat. */
static int choose_kind(struct nr_trace *t, uint64_t *first)
{
	int err = nr_chunk_list_read(&t->chunks, t->dir_fd);

	t->series = t->chunks.n && faccessat(t->dir_fd, NR_FILE_METADATA, F_OK, 0);
	*first = t->series ? t->chunks.numbers[0] : 0;
	return err;
}

static int read_side_files(struct nr_trace *t, uint64_t chunk)
{
	struct nr_read_dir d;
	int err = nr_load_dir(t, chunk, &d);

	if (err)
		return err;
	nr_types_free(t->types);
	t->types = NULL;
	nr_metadata_destroy(&t->md);
	err = nr_read_metadata(&d, &t->md) ?: nr_read_types(&d, t->md.btf_crc, &t->types);
	memcpy(t->stream.uuid, t->md.uuid, sizeof(t->md.uuid));
	t->described = chunk;
	nr_load_close_dir(&d);
	return err;
}

/* Reads metadata and .btf, and opens the first stream. All chunks have the same metadata and .btf: if
 * those of the first one are damaged, others serve. */
static int open_first(struct nr_trace *t, uint64_t chunk)
{
	bool skip = t->series && t->opts.skip_damaged && nr_chunk_exists(t->dir_fd, chunk);
	int err = read_side_files(t, chunk);

	for (size_t i = 1; err && skip && i < t->chunks.n; i++)
		err = read_side_files(t, t->chunks.numbers[i]);
	if (err)
		return err;
	err = nr_load_open(t, chunk);
	for (size_t i = 1; err == -ENOENT && skip && i < t->chunks.n; i++)
		err = nr_load_open(t, t->chunks.numbers[i]);
	if (err == -ENOENT && t->series)
		nr_log(&t->log, NR_LOG_ERROR,
		       "cannot open the stream of chunk %06" PRIu64 " of %s: %s", chunk, t->dir,
		       strerror(-err));
	return err;
}

/* While a trace is recorded, its first chunk may be removed, and a flat trace may become a series. */
static int try_files(struct nr_trace *t)
{
	uint64_t first, now;
	bool series;
	int err = choose_kind(t, &first);

	while (!err) {
		series = t->series;
		err = open_first(t, first);
		if (err != -ENOENT || choose_kind(t, &now) || (now == first && t->series == series))
			break;
		first = now;
		err = 0;
	}
	return err;
}

/* Reports what open_first did without. A chunk that the recorder removes has no metadata any more. */
static int check_first(struct nr_trace *t)
{
	char number[NR_CHUNK_NAME], file[sizeof(t->file)];

	for (size_t i = 0; i < t->chunks.n && t->chunks.numbers[i] < t->chunk; i++) {
		if (!nr_chunk_exists(t->dir_fd, t->chunks.numbers[i]))
			continue;
		nr_chunk_name(number, t->chunks.numbers[i]);
		snprintf(file, sizeof(file), "%s/" NR_FILE_STREAM, number);
		nr_damage_report(t, file, "it is missing", 0);
	}
	return t->described == t->chunk ? 0 : nr_load_check(t);
}

static int open_files(struct nr_trace *t)
{
	const struct nr_logger log = t->log;
	int err;

	t->log = (struct nr_logger){}; /* the next try may succeed */
	err = try_files(t);
	t->log = log;
	if (err)
		err = open_first(t, t->series ? t->chunks.numbers[0] : 0);
	return err ?: check_first(t);
}

static int open_all(struct nr_trace *t)
{
	int err;

	t->dir_fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir_fd < 0) {
		err = -errno;
		nr_log(&t->log, NR_LOG_ERROR, "cannot open the trace %s: %s", t->dir,
		       strerror(-err));
		return err;
	}
	err = open_files(t);
	if (nr_trace_dir_is_interrupted(t->dir_fd) && !nr_stream_is_recorded(t->stream.fd))
		nr_log(&t->log, NR_LOG_WARN,
		       "%s holds another trace under names with .old-: a recording was killed "
		       "while it replaced that trace; rename .old-metadata, .old-.btf and "
		       ".old-stream",
		       t->dir);
	return err;
}

int nr_trace_open(struct nr_trace **out, const char *dir, const struct nr_trace_opts *opts)
{
	struct nr_trace_opts o;
	struct nr_trace *t;
	int err = NR_COPY_OPTS(nr_trace_opts, &o, opts);

	if (err)
		return err;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->stream.fd = t->dir_fd = -1;
	t->opts = o;
	t->log = (struct nr_logger){ o.log, o.log_ctx };
	t->dir = strdup(dir);
	err = t->dir ? open_all(t) : -ENOMEM;
	if (err)
		nr_trace_close(t);
	else
		*out = t;
	return err;
}

void nr_trace_close(struct nr_trace *t)
{
	if (!t)
		return;
	if (t->stream.fd >= 0)
		close(t->stream.fd);
	if (t->dir_fd >= 0)
		close(t->dir_fd);
	nr_types_free(t->types);
	nr_metadata_destroy(&t->md);
	nr_end_free(&t->mark);
	nr_chunk_list_free(&t->chunks);
	free(t->bytes.data);
	free(t->dir);
	free(t);
}

const struct nr_types *nr_trace_types(const struct nr_trace *t)
{
	return t->types;
}

int64_t nr_trace_clock_offset(const struct nr_trace *t)
{
	return t->md.clock_offset;
}

const uint32_t *nr_trace_nodes(const struct nr_trace *t, unsigned *n_cpus)
{
	*n_cpus = t->md.n_cpus;
	return t->md.cpu_nodes;
}

const char *nr_trace_filter(const struct nr_trace *t)
{
	return t->md.filter;
}

const struct nr_packet_info *nr_trace_packet(const struct nr_trace *t)
{
	return t->packets ? &t->packet : NULL;
}

/* ---- reading ---- */

/* 1: there is an event in the current packet; or as nr_trace_next. */
static int load_events(struct nr_trace *t)
{
	while (!t->failed && t->pos >= t->bytes.size) {
		int ret = nr_load_next(t);

		t->ended = ret <= 0;
		if (ret <= 0) /* the bytes may be those of the packet behind the damage */
			t->bytes.size = t->pos = 0;
		if (!ret)
			return 0;
		t->failed = ret < 0 ? ret : 0;
	}
	return t->failed ?: 1;
}

int nr_trace_next(struct nr_trace *t, struct nr_event *ev)
{
	do {
		int ret = load_events(t);

		if (ret <= 0)
			return ret;
		t->pos += nr_packet_parse(t->bytes.data, t->bytes.size, t->pos, t->types, &t->rec,
					  ev);
	} while (ev->ts < t->from);
	return 1;
}

int nr_trace_end(const struct nr_trace *t, struct nr_account *account)
{
	struct nr_account mark = t->mark.account;
	size_t sz = account->sz;

	if (sz < offsetof(struct nr_account, misfits) + sizeof(mark.misfits))
		return -EINVAL;
	if (!t->ended)
		return -EAGAIN;
	if (!t->failed && t->recorded)
		return -EBUSY;
	if (t->failed || !t->marked)
		return t->failed || t->md.minor ? -ENODATA : -EOPNOTSUPP;
	mark.earlier = t->earlier;
	mark.sz = sz < sizeof(mark) ? sz : sizeof(mark);
	memcpy(account, &mark, mark.sz);
	return 0;
}
