// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "end.h"

#define HEAD	  sizeof(struct nr_packet_head)
#define MAX_ERRNO 4095 /* of the kernel */

static size_t packet_size(const struct nr_account *a)
{
	return HEAD + sizeof(struct nr_end_head) + a->n_lost * sizeof(uint64_t) +
	       a->n_misfits * sizeof(struct nr_end_misfits);
}

static void put_account(uint8_t *p, const struct nr_account *a)
{
	const struct nr_end_head h = {
		.size = sizeof(h),
		.flags = (a->repaired ? NR_END_REPAIRED : 0) | (a->rotated ? NR_END_ROTATED : 0),
		.error = a->error,
		.n_lost = a->n_lost,
		.n_misfits = a->n_misfits,
		.reserved = a->reserved,
		.written = a->written,
		.discarded = a->discarded,
		.malformed = a->malformed,
		.unwritten = a->unwritten,
		.unaccounted = a->unaccounted,
		.late = a->late,
		.chunk = a->chunk,
		.earlier = a->earlier,
		.filtered = a->filtered,
	};

	memcpy(p, &h, sizeof(h));
	p += sizeof(h);
	for (unsigned i = 0; i < a->n_lost; i++, p += sizeof(a->lost[i]))
		memcpy(p, &a->lost[i], sizeof(a->lost[i]));
	for (unsigned i = 0; i < a->n_misfits; i++, p += sizeof(struct nr_end_misfits)) {
		const struct nr_type_stats *type = nr_account_misfits(a, i);
		const struct nr_end_misfits m = { .id = type->id,
						  .longer = type->longer,
						  .shorter = type->shorter };

		memcpy(p, &m, sizeof(m));
	}
}

int nr_end_packet(uint8_t **out, size_t *out_size, const __u8 *uuid, uint64_t seq,
		  const struct nr_account *a)
{
	size_t size = packet_size(a);
	uint8_t *packet = malloc(size);
	struct nr_packet_head h = {
		.magic = NR_CTF_MAGIC,
		.stream_id = NR_CTF_STREAM,
		.begin = a->end,
		.end = a->end,
		.content_bits = HEAD * 8,
		.packet_bits = size * 8ull,
		.seq = seq,
		.lost = a->lost_total,
		.watermark = NR_WATERMARK_END,
	};

	if (!packet)
		return -ENOMEM;
	memcpy(h.uuid, uuid, sizeof(h.uuid));
	memcpy(packet, &h, HEAD);
	put_account(packet + HEAD, a);
	h.crc = nr_packet_crc(packet, size);
	memcpy(packet, &h, HEAD);
	*out = packet;
	*out_size = size;
	return 0;
}

/* Reads the arrays, which were checked to be in the packet. */
static int read_arrays(struct nr_end *end, const uint8_t *p)
{
	const struct nr_account *a = &end->account;

	end->lost = calloc(a->n_lost + 1, sizeof(*end->lost));
	end->misfits = calloc(a->n_misfits + 1, sizeof(*end->misfits));
	if (!end->lost || !end->misfits) {
		nr_end_free(end);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < a->n_lost; i++, p += sizeof(end->lost[i]))
		memcpy(&end->lost[i], p, sizeof(end->lost[i]));
	for (unsigned i = 0; i < a->n_misfits; i++, p += sizeof(struct nr_end_misfits)) {
		struct nr_end_misfits m;

		memcpy(&m, p, sizeof(m));
		end->misfits[i] = (struct nr_type_stats){ m.id, m.longer, m.shorter };
	}
	end->account.lost = end->lost;
	end->account.misfits = end->misfits;
	end->account.misfit_stride = sizeof(*end->misfits);
	return 0;
}

int nr_end_read(struct nr_end *end, const uint8_t *packet, size_t size)
{
	struct nr_packet_head packet_head;
	struct nr_end_head h = {};
	uint64_t arrays, known;

	if (size < HEAD + NR_END_HEAD_1_1)
		return -EBADMSG;
	memcpy(&packet_head, packet, HEAD);
	memcpy(&h, packet + HEAD, NR_END_HEAD_1_1);
	known = h.size < sizeof(h) ? h.size : sizeof(h); /* fields that writer and reader know */
	if (known > NR_END_HEAD_1_1 && size >= HEAD + known)
		memcpy(&h, packet + HEAD, known);
	arrays = h.n_lost * 8ull + h.n_misfits * (uint64_t)sizeof(struct nr_end_misfits);
	if (h.size < NR_END_HEAD_1_1 || h.size > size - HEAD || arrays > size - HEAD - h.size ||
	    h.error > 0 || h.error < -MAX_ERRNO)
		return -EBADMSG;
	end->account = (struct nr_account){
		.sz = sizeof(end->account),
		.end = packet_head.end,
		.error = h.error,
		.repaired = h.flags & NR_END_REPAIRED,
		.reserved = h.reserved,
		.written = h.written,
		.discarded = h.discarded,
		.malformed = h.malformed,
		.unwritten = h.unwritten,
		.unaccounted = h.unaccounted,
		.late = h.late,
		.lost_total = packet_head.lost,
		.n_lost = h.n_lost,
		.n_misfits = h.n_misfits,
		.rotated = h.flags & NR_END_ROTATED,
		.chunk = h.chunk,
		.earlier = h.earlier,
		.filtered = h.filtered,
	};
	return read_arrays(end, packet + HEAD + h.size);
}

void nr_end_free(struct nr_end *end)
{
	free(end->lost);
	free(end->misfits);
	*end = (struct nr_end){};
}
