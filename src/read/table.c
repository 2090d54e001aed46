// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "table.h"

#include <string.h>
#include "base/file.h"
#include "packet/seek.h"

static bool has_piece(const struct nr_read_stream *s, uint64_t at, const uint8_t *piece,
		      size_t size)
{
	uint8_t stored[NR_SEEK_PIECE];

	return nr_read_at(s->fd, stored, size, at) == (ssize_t)size && !memcmp(stored, piece, size);
}

bool nr_table_is_right(const struct nr_read_stream *s, uint64_t offset, uint64_t size)
{
	uint8_t piece[NR_SEEK_PIECE];
	uint64_t at = offset + nr_seek_begin(piece, 0);
	struct nr_slot packet;
	struct nr_fault ignored;

	for (uint64_t pos = 0; pos < offset; pos = nr_slot_end(&packet)) {
		struct nr_label label = {};
		size_t n;

		if (nr_slot_look(s, pos, &packet, &ignored) <= 0)
			return true;
		label.frame_size = packet.bytes - sizeof(label);
		label.head = packet.head;
		n = nr_seek_entry(piece, &label);
		if (!has_piece(s, at, piece, n))
			return false;
		at += n;
	}
	return at + NR_SEEK_END == offset + size;
}

bool nr_table_is_cut(const struct nr_read_stream *s, uint64_t offset, uint64_t size)
{
	uint8_t piece[NR_SEEK_PIECE] = {};
	size_t n = size < sizeof(piece) ? size : sizeof(piece);

	return s->compressed && nr_read_at(s->fd, piece, n, offset) == (ssize_t)n &&
	       nr_seek_is_cut(piece, size);
}
