// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "packet/seek.h"
#include "seek_table.h"

/* A table takes at most 16 MiB of memory. Packets are cut at 1 MiB, so the stream has 1 TiB then. */
#define MOST (1ul << 20)

_Static_assert(MOST <= NR_SEEK_MAX_PACKETS, "no more than the format has");

/* Makes room for another piece. The first one is for the table's beginning, which is written last. */
static bool grow(struct nr_seek_table *t)
{
	size_t cap = t->cap ? 2 * t->cap : 64 * NR_SEEK_PIECE;
	uint8_t *grown;

	t->used = t->used ?: NR_SEEK_PIECE;
	if (t->used + NR_SEEK_PIECE <= t->cap)
		return true;
	grown = realloc(t->bytes, cap);
	if (!grown)
		return false;
	t->bytes = grown;
	t->cap = cap;
	return true;
}

void nr_seek_table_add(struct nr_seek_table *t, const struct nr_stored *packet)
{
	struct nr_label label;

	t->missing |= t->packets == MOST || !grow(t);
	if (t->missing)
		return;
	memcpy(&label, packet->bytes, sizeof(label));
	t->used += nr_seek_entry(t->bytes + t->used, &label);
	t->packets++;
}

/* In one write, so that a recorder that is killed hardly leaves a part of it. */
static int write_table(struct nr_seek_table *t, struct nr_stream_file *f)
{
	uint8_t begin[NR_SEEK_PIECE], *table;
	size_t size = nr_seek_begin(begin, t->packets);
	int err;

	table = t->bytes + NR_SEEK_PIECE - size;
	memcpy(table, begin, size);
	t->used += nr_seek_end(t->bytes + t->used, t->packets);
	size = t->bytes + t->used - table;
	err = nr_write_all(f->fd, table, size, f->bytes);
	f->bytes += err ? 0 : size;
	return err;
}

void nr_seek_table_clear(struct nr_seek_table *t)
{
	t->used = t->packets = 0;
	t->missing = false;
}

void nr_seek_table_append(struct nr_seek_table *t, struct nr_stream_file *f)
{
	int err = t->missing || !grow(t) ? 0 : write_table(t, f);

	nr_seek_table_clear(t);
	if (!err)
		return;
	if (ftruncate(f->fd, f->bytes))
		f->error = err;
	nr_log(f->output->recording->log, NR_LOG_WARN,
	       "cannot write the seek table of %s: %s; numaring reads the trace without it",
	       f->dir->path, nr_write_reason(err));
}

void nr_seek_table_destroy(struct nr_seek_table *t)
{
	free(t->bytes);
	*t = (struct nr_seek_table){};
}
