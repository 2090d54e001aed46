// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <libdeflate.h>
#include "heads.h"

static uint32_t crc_of(const struct nr_packet_head *head)
{
	return libdeflate_crc32(0, head, sizeof(*head));
}

void nr_heads_add(struct nr_heads *h, const struct nr_packet_head *head, uint64_t off)
{
	const struct nr_known_head known = { off, crc_of(head) };

	if (h->n < NR_HEADS)
		h->first[h->n] = known;
	h->latest[h->n++ % NR_HEADS] = known;
}

const struct nr_known_head *nr_heads_get(const struct nr_heads *h, uint64_t i)
{
	return i < NR_HEADS ? &h->first[i] : &h->latest[i % NR_HEADS];
}

uint64_t nr_heads_next(const struct nr_heads *h, uint64_t i)
{
	return ++i == NR_HEADS && h->n > 2 * NR_HEADS ? h->n - NR_HEADS : i;
}

bool nr_heads_match(const struct nr_known_head *known, const struct nr_packet_head *head)
{
	return crc_of(head) == known->crc;
}
