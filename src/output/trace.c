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
#include "stream_file.h"
#include "trace.h"

struct trace {
	struct nr_output output;
	struct nr_trace_dir_opts how;
	gid_t group; /* how.group points here, or is NULL */
	struct nr_trace_dir dir;
	struct nr_stream_opts stream;
	struct nr_stream_file file;
	uint64_t next; /* sequence number of the next packet */
};

static struct trace *trace_of(struct nr_output *o)
{
	return (struct trace *)o; /* its first member */
}

/* ---- packets ---- */

static int append(struct trace *t, const void *packet, size_t size)
{
	const struct nr_stored stored = { packet, size, packet };
	int err = nr_stream_file_append(&t->file, &stored);

	if (err)
		return err;
	t->next = t->file.last.seq + 1;
	nr_counter_set(&t->output.bytes, t->file.bytes);
	return 0;
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

	nr_gap_fill(&mark, &t->file.last, gap);
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
	err = nr_stream_file_create(&t->file, &t->dir, &t->output, &t->stream);
	return err ? err : append(t, rec->first->bytes, rec->first->size);
}

static void undo(struct nr_output *o)
{
	struct trace *t = trace_of(o);

	nr_stream_file_drop(&t->file);
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

static int add_mark(struct trace *t, const struct nr_account *account)
{
	uint8_t *packet = NULL;
	size_t size;
	int err = nr_end_packet(&packet, &size, t->output.recording->format.uuid, t->next, account);

	if (!err)
		err = nr_stream_file_append_mark(
			&t->file, &(struct nr_stored){ packet, size, (void *)packet });
	free(packet);
	nr_counter_set(&t->output.bytes, t->file.bytes);
	return err;
}

/* The end mark is the last packet, so its time is not before that of the others. */
static int end(struct nr_output *o, const struct nr_account *account)
{
	struct trace *t = trace_of(o);
	struct nr_account a = *account;
	int err, closed;

	t->file.error = nr_stream_file_check(&t->file);
	a.end = a.end > t->file.last.end ? a.end : t->file.last.end;
	err = t->file.error ?: add_mark(t, &a);
	closed = nr_stream_file_close(&t->file);
	nr_trace_dir_close(&t->dir);
	return err ?: closed;
}

static void destroy(struct nr_output *o)
{
	struct trace *t = trace_of(o);

	nr_stream_file_drop(&t->file);
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
	t->file.fd = t->dir.fd = t->dir.parent = t->dir.lock = -1;
	t->how.force = opts->force;
	t->stream.on_full = opts->on_full;
	t->stream.fsync_ns = opts->fsync_ns;
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
