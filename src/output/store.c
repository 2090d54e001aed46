// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libdeflate.h>
#include <sys/random.h>
#include "base/counter.h"
#include "base/trace_files.h"
#include "packet/end.h"
#include "packet/gap.h"
#include "packet/metadata.h"
#include "sync.h"
#include "trace_parts.h"

/* ---- packets ---- */

static void note(struct nr_trace_output *t, const struct nr_stored *stored)
{
	t->plain += stored->head->packet_bits / 8;
	if (t->frames)
		nr_seek_table_add(&t->table, stored);
}

static int append(struct nr_trace_output *t, const struct nr_stored *stored)
{
	int err = nr_stream_file_append(&t->file, stored);

	if (err)
		return err;
	note(t, stored);
	t->last = *stored->head;
	t->next = t->last.seq + 1;
	return 0;
}

/* How a packet that this output made is stored. */
static int prepare(struct nr_trace_output *t, const void *packet, size_t size, struct nr_stored *to)
{
	int err;

	*to = (struct nr_stored){ packet, size, packet };
	if (!t->frames)
		return 0;
	err = nr_frame_make(t->frames, packet, size, &t->frame, &t->frame_cap, &to->size);
	to->bytes = t->frame;
	if (err)
		nr_log(t->output.recording->log, NR_LOG_ERROR, "cannot compress a packet of %s: %s",
		       t->output.name, nr_reason(err));
	return err;
}

int nr_store_own(struct nr_trace_output *t, const void *packet, size_t size)
{
	struct nr_stored stored;

	return prepare(t, packet, size, &stored) ?: append(t, &stored);
}

static bool is_padded(const struct nr_trace_output *t, const struct nr_packet *packet)
{
	return !t->frames && packet->size >= NR_PADDED_FROM;
}

size_t nr_store_size(const struct nr_trace_output *t, const struct nr_packet *packet)
{
	if (t->frames)
		return packet->frame_size;
	return packet->size + is_padded(t, packet) * 2 * NR_BLOCK;
}

/* A padded packet begins at a block of the file. */
static int align(struct nr_trace_output *t, const struct nr_packet *packet)
{
	_Alignas(8) uint8_t mark[2 * NR_BLOCK];
	size_t size = nr_gap_align_size(t->file.bytes);

	if (!is_padded(t, packet) || t->file.bytes % NR_BLOCK == 0 || nr_is_gap_mark(&t->last))
		return 0;
	nr_gap_align(mark, size, &t->last);
	return nr_store_own(t, mark, size);
}

int nr_store_packet(struct nr_trace_output *t, const struct nr_packet *packet)
{
	const struct nr_stored stored = {
		.bytes = t->frames ? packet->frame : packet->bytes,
		.size = t->frames ? packet->frame_size : packet->size,
		.head = (const struct nr_packet_head *)packet->bytes,
	};

	return align(t, packet) ?: append(t, &stored);
}

void nr_store_count(struct nr_trace_output *t)
{
	struct nr_output *o = &t->output;

	o->due = t->file.due;
	nr_counter_set(&o->bytes, t->stored + (t->file.fd < 0 ? 0 : t->file.bytes));
	nr_counter_set(&o->plain_bytes, t->plain);
	nr_counter_set(&o->chunks, t->series ? t->chunks.next : 1);
	nr_counter_set(&o->dropped_chunks, t->chunks.dropped);
	nr_counter_set(&o->dropped_events, t->chunks.dropped_events);
}

/* ---- the beginning ---- */

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

int nr_store_init(struct nr_trace_output *t)
{
	const struct nr_recording *rec = t->output.recording;
	struct nr_metadata md = {
		.clock_offset = rec->clock_offset,
		.filter = rec->filter,
		.cpu_nodes = rec->cpu_nodes,
		.n_cpus = rec->n_cpus,
	};
	uint32_t btf_size = 0;
	const void *btf = nr_types_raw(rec->format.types, &btf_size);
	int err = btf ? 0 : -ENOMEM;

	memcpy(md.uuid, rec->format.uuid, sizeof(md.uuid));
	read_boot_id(md.clock_uuid);
	if (!err)
		md.btf_crc = libdeflate_crc32(0, btf, btf_size);
	if (!err && t->output.wants_frames)
		err = nr_frames_new(&t->frames, t->output.level);
	return err ?: nr_metadata_write(&t->metadata, &t->metadata_size, rec->format.types, &md);
}

static int write_metadata(struct nr_trace_output *t, struct nr_trace_dir *dir)
{
	return nr_trace_dir_write(dir, NR_FILE_METADATA, t->metadata, t->metadata_size);
}

static int write_btf(struct nr_trace_output *t, struct nr_trace_dir *dir)
{
	uint32_t size = 0;
	const void *btf = nr_types_raw(t->output.recording->format.types, &size);

	return btf ? nr_trace_dir_write(dir, NR_FILE_BTF, btf, size) : -ENOMEM;
}

/* A chunk gets its metadata last: before, it is not there. In a flat trace they come first: they
 * show whose the other files are. */
int nr_store_begin(struct nr_trace_output *t, struct nr_trace_dir *dir, const void *packet,
		   size_t size)
{
	int err = t->series ? 0 : write_metadata(t, dir);

	err = err ?: write_btf(t, dir) ?: nr_store_begin_names(t, dir)
			     ?: nr_stream_file_create(&t->file, dir, &t->output, &t->stream);
	err = err ?: nr_store_own(t, packet, size);
	if (!err && t->series)
		err = write_metadata(t, dir);
	return err ?: nr_store_sync(t, dir);
}

int nr_store_sync(const struct nr_trace_output *t, const struct nr_trace_dir *dir)
{
	return t->stream.fsync_ns ? nr_trace_dir_sync(dir) : 0;
}

/* ---- the end ---- */

static int append_mark(struct nr_trace_output *t, const struct nr_account *account, uint64_t seq)
{
	struct nr_stored stored;
	uint8_t *packet = NULL;
	size_t size;
	int err = nr_end_packet(&packet, &size, t->output.recording->format.uuid, seq, account);

	err = err ?: prepare(t, packet, size, &stored)
			     ?: nr_stream_file_append_mark(&t->file, &stored);
	if (!err)
		note(t, &stored);
	free(packet);
	return err;
}

int nr_store_end(struct nr_trace_output *t, const struct nr_account *account, uint64_t seq)
{
	int err;

	t->file.error = nr_stream_file_check(&t->file);
	err = t->file.error ?: append_mark(t, account, seq);
	if (!err && t->frames)
		nr_seek_table_append(&t->table, &t->file);
	return err;
}

int nr_store_close(struct nr_trace_output *t)
{
	nr_store_end_names(t);
	t->stored += t->file.bytes;
	return nr_stream_file_close(&t->file);
}
