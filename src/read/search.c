// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "search.h"

#include <errno.h>
#include <stdlib.h>
#include "packet/gap.h"

/* Packets, one after the other, in more bytes than this do not lie in one payload. */
#define CERTAIN_BYTES ((1u << 20) + 4096)

/* The last packet lies in so many bytes at the end of a stream that is not damaged. */
#define LAST_BYTES (4u << 20)

static bool is_no_packet(int ret)
{
	return ret == -EBADMSG || ret == NR_INCOMPLETE || !ret;
}

/* ---- the first and the last packet ---- */

int nr_search_first(const struct nr_read_stream *s, struct nr_slot *out)
{
	struct nr_fault ignored;
	uint64_t size;
	int ret = nr_slot_look(s, 0, out, &ignored);

	if (!is_no_packet(ret))
		return ret;
	ret = nr_read_stream_size(s, &size);
	return ret ?: nr_slot_find(s, 0, size, out);
}

/* The last whole packet from offset from on. */
static int last_from(const struct nr_read_stream *s, uint64_t from, uint64_t size,
		     struct nr_slot *out)
{
	struct nr_bytes bytes = {};
	struct nr_fault ignored;
	struct nr_slot found;
	int ret, any = 0;

	while ((ret = nr_slot_find(s, from, size, &found)) > 0) {
		ret = nr_slot_load(s, &found, &bytes, &ignored);
		if (ret && !is_no_packet(ret))
			break;
		from = ret ? found.offset + 1 : nr_slot_end(&found);
		if (ret)
			continue;
		*out = found;
		any = 1;
	}
	free(bytes.data);
	return ret ?: any;
}

int nr_search_last(const struct nr_read_stream *s, struct nr_slot *out)
{
	uint64_t size, back = LAST_BYTES;
	int ret = nr_read_stream_size(s, &size);

	if (ret)
		return ret;
	size -= nr_read_stream_table(s, size);
	for (;; back *= 2) {
		ret = last_from(s, back < size ? size - back : 0, size, out);
		if (ret || back >= size)
			return ret;
	}
}

/* ---- by time ---- */

/* The stretch of the file that holds the packet: it is `low`, or behind it, and before `high`. */
struct stretch {
	const struct nr_read_stream *stream;
	uint64_t time;
	bool any; /* low is a packet that ends before the time */
	struct nr_slot low;
	uint64_t high; /* packets from here on end later, or they are not certain */
	uint64_t end;  /* of the packets in the file */
};

static uint64_t begin_of(const struct stretch *st)
{
	return st->any ? nr_slot_end(&st->low) : 0;
}

/* Packets that are missing behind this one, because it is a gap mark. */
static uint64_t missing_behind(const struct nr_read_stream *s, const struct nr_slot *packet)
{
	struct nr_gap gap = {};
	struct nr_bytes bytes = {};
	struct nr_fault ignored;

	if (nr_is_gap_mark(&packet->head) && !nr_slot_load(s, packet, &bytes, &ignored))
		nr_gap_read(&gap, bytes.data, bytes.size);
	free(bytes.data);
	return gap.packets;
}

/* A copy of packets, at the end of a payload at the end of a packet, stands before one with another
 * number. */
static bool is_next(const struct nr_read_stream *s, const struct nr_slot *packet,
		    const struct nr_slot *next)
{
	uint64_t seq = packet->head.seq + missing_behind(s, packet);

	return next->head.seq == seq + 1 ||
	       (next->head.seq == seq &&
		(nr_is_gap_mark(&next->head) || nr_is_end_mark(&next->head)));
}

/* Do packets follow one another from here, for so long that the first is one of the stream? 1; or an
 * error. -EBADMSG: no; the same is true of all of them before *retry. */
static int is_certain(const struct stretch *st, const struct nr_slot *first, uint64_t *retry)
{
	struct nr_slot packet, next = *first;
	struct nr_fault ignored;
	uint64_t walked;
	int ret;

	do {
		packet = next;
		*retry = packet.offset + 1; /* its size may be wrong */
		if (nr_slot_end(&packet) == st->end)
			return nr_is_end_mark(&packet.head) ? 1 : -EBADMSG;
		ret = nr_slot_look(st->stream, nr_slot_end(&packet), &next, &ignored);
		if (is_no_packet(ret) || (ret > 0 && !is_next(st->stream, &packet, &next)))
			return -EBADMSG;
		walked =
			next.offset - first->offset; /* without the last size, which may be wrong */
	} while (ret > 0 && walked < CERTAIN_BYTES);
	return ret;
}

/* A packet of the stream between from and the end of the stretch. 1; 0: there is none; or an error. */
static int find_certain(const struct stretch *st, uint64_t from, struct nr_slot *out)
{
	int ret;

	while ((ret = nr_slot_find(st->stream, from, st->high, out)) > 0) {
		ret = is_certain(st, out, &from);
		if (ret != -EBADMSG)
			break;
	}
	return ret;
}

/* Halves the stretch. */
static int bisect(struct stretch *st)
{
	uint64_t begin = begin_of(st), middle = begin + (st->high - begin) / 2;
	struct nr_slot found;
	int ret = find_certain(st, middle, &found);

	if (ret > 0 && found.head.end < st->time) {
		st->low = found;
		st->any = true;
	} else if (ret >= 0) {
		st->high = middle;
	}
	return ret < 0 ? ret : 0;
}

/* Walks from packet to packet, up to the time, to damage, or to offset to. */
static int walk(struct stretch *st, uint64_t to)
{
	struct nr_slot next;
	struct nr_fault ignored;
	int ret;

	while ((ret = nr_slot_look(st->stream, begin_of(st), &next, &ignored)) > 0 &&
	       next.offset < to && next.head.end < st->time) {
		st->low = next;
		st->any = true;
	}
	return ret > 0 || is_no_packet(ret) ? 0 : ret;
}

int nr_search_before(const struct nr_read_stream *s, uint64_t time, uint64_t to,
		     struct nr_slot *out)
{
	struct stretch st = { .stream = s, .time = time };
	int err = nr_read_stream_size(s, &st.end);

	st.end -= nr_read_stream_table(s, st.end);
	st.high = to < st.end ? to : st.end;
	while (!err && st.high > begin_of(&st) && st.high - begin_of(&st) > CERTAIN_BYTES)
		err = bisect(&st);
	err = err ?: walk(&st, to);
	if (!err && st.any)
		*out = st.low;
	return err ?: st.any;
}
