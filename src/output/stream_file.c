// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "base/clock.h"
#include "base/file.h"
#include "base/trace_files.h"
#include "stream_file.h"

static const struct nr_logger *log_of(const struct nr_stream_file *f)
{
	return f->output->recording->log;
}

int nr_stream_file_create(struct nr_stream_file *f, const struct nr_trace_dir *dir,
			  struct nr_output *output, const struct nr_stream_opts *opts)
{
	*f = (struct nr_stream_file){ .dir = dir, .output = output, .opts = *opts };
	f->name = opts->compressed ? NR_FILE_ZSTD : NR_FILE_STREAM;
	f->fd = nr_trace_dir_create(dir, f->name);
	if (f->fd < 0)
		return f->fd;
	nr_lock_file(f->fd);
	nr_direct_init(&f->direct, f->fd);
	return 0;
}

/* ---- the disk ---- */

/* The disk did not take what the kernel had accepted. Nobody knows what stands there now, and a second
 * try would prove nothing: the kernel calls the lost pages clean. */
static int lose(struct nr_stream_file *f, int err)
{
	char from[40] = "";

	if (f->synced)
		snprintf(from, sizeof(from), " from byte %" PRIu64 " on", f->synced);
	f->error = err;
	nr_log(log_of(f), NR_LOG_ERROR,
	       "the disk did not take all of %s/%s: %s; what stands there%s may be damaged",
	       f->dir->path, f->name, nr_write_reason(err), from);
	return err;
}

int nr_stream_file_sync(struct nr_stream_file *f)
{
	f->due = 0;
	if (f->error)
		return f->error;
	if (fdatasync(f->fd))
		return lose(f, -errno);
	f->synced = f->bytes;
	return 0;
}

/* Has the disk refused something of the file since the last look? Waits for no writes but those to
 * the first byte, whose time is long past. */
static int check_disk(struct nr_stream_file *f)
{
	int err = sync_file_range(f->fd, 0, 1, SYNC_FILE_RANGE_WAIT_BEFORE) ? -errno : 0;

	return err == -EIO || err == -ENOSPC || err == -EDQUOT ? lose(f, err) : 0;
}

/* Before each packet, and at the end: have other programs or the disk damaged the file? */
static int check(struct nr_stream_file *f)
{
	if (!f->error)
		f->error = nr_trace_dir_check(f->dir, f->fd, f->name, f->bytes);
	return f->error ?: check_disk(f);
}

/* ---- writing ---- */

/* Removes the rest of a packet that was not written completely. If that fails as well, nothing can
 * be appended any more. */
static bool cut_back(struct nr_stream_file *f, int err)
{
	struct stat st;
	bool whole = !fstat(f->fd, &st) && (uint64_t)st.st_size == f->bytes;

	if (!whole && ftruncate(f->fd, f->bytes)) {
		f->error = err;
		return false;
	}
	return true;
}

static int write_directly(struct nr_stream_file *f, const struct nr_stored *p)
{
	int err = nr_direct_write(&f->direct, f->fd, p->bytes, p->size, f->bytes,
				  p->head->end - p->head->begin);

	if (err != -EINVAL || !cut_back(f, err))
		return err;
	nr_log(log_of(f), NR_LOG_INFO, "%s/%s takes no direct writes", f->dir->path, f->name);
	return nr_write_all(f->fd, p->bytes, p->size, f->bytes);
}

static int write_packet(struct nr_stream_file *f, const struct nr_stored *p)
{
	if (nr_direct_suits(&f->direct, p->bytes, p->size, f->bytes))
		return write_directly(f, p);
	return nr_write_all(f->fd, p->bytes, p->size, f->bytes);
}

static void note_packet(struct nr_stream_file *f, const struct nr_stored *p)
{
	nr_heads_add(&f->heads, p->head, f->bytes);
	f->bytes += p->size;
	f->last = *p->head;
	f->largest = p->size > f->largest ? p->size : f->largest;
	if (f->opts.fsync_ns && !f->due)
		f->due = nr_clock_now() + f->opts.fsync_ns;
}

/* Is it of use to write the packet again? Waiting does not keep the packets before it from the disk,
 * nor hide what other programs do to them. */
static bool try_again(struct nr_stream_file *f, int err)
{
	if (!nr_full_again(f->opts.full, err))
		return false;
	if (f->due && nr_clock_now() >= f->due)
		nr_stream_file_sync(f);
	return !check(f);
}

/* Writes a packet whole or not at all. *explained: the log has the error. */
static int append(struct nr_stream_file *f, const struct nr_stored *p, bool *explained)
{
	bool cut = true;
	int err;

	do {
		err = write_packet(f, p);
		if (err)
			cut = cut_back(f, err);
	} while (err && cut && try_again(f, err));
	nr_full_over(f->opts.full, err);
	if (!err)
		note_packet(f, p);
	*explained = err && cut && f->error; /* it came up while there was no room */
	return *explained ? f->error : err;
}

/* A packet that is not on the disk is not acknowledged, so it does not stay. */
static int sync_packet(struct nr_stream_file *f, size_t size)
{
	int err = f->opts.fsync_ns == NR_FSYNC_PACKET ? nr_stream_file_sync(f) : 0;

	if (err) {
		f->bytes -= size;
		cut_back(f, err);
	}
	return err;
}

static const char *what_is_left(const struct nr_stream_file *f)
{
	if (f->error)
		return "the stream could not be cut back to its last whole packet either";
	return "what was written before is whole and can be read";
}

int nr_stream_file_append(struct nr_stream_file *f, const struct nr_stored *packet)
{
	bool explained;
	int err = check(f);

	if (err)
		return err;
	err = append(f, packet, &explained);
	if (err && !explained)
		nr_log(log_of(f), NR_LOG_ERROR, "cannot write %s/%s: %s; %s", f->dir->path, f->name,
		       nr_write_reason(err), what_is_left(f));
	return err ?: sync_packet(f, packet->size);
}

int nr_stream_file_append_mark(struct nr_stream_file *f, const struct nr_stored *mark)
{
	bool explained;
	int err = append(f, mark, &explained);

	if (err && !explained)
		nr_log(log_of(f), NR_LOG_ERROR,
		       "cannot write the end mark of %s: %s; \"numaring stat\" will call the trace "
		       "incomplete",
		       f->dir->path, nr_write_reason(err));
	return err;
}

/* ---- the end ---- */

int nr_stream_file_close(struct nr_stream_file *f)
{
	int err = check(f), fd = f->fd;

	if (!err && f->due)
		err = nr_stream_file_sync(f);
	f->fd = -1;
	f->due = 0;
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
