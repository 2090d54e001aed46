// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include "base/bits.h"
#include "build.h"
#include "types/align.h"

#define HEAD sizeof(struct nr_packet_head)

/* ---- events to bytes ---- */

/* How a record stands in the packet. */
struct shape {
	uint64_t size; /* of the payload that is kept */
	bool late;     /* the payload begins with the time that the program read (I6) */
	bool raw;      /* kept as raw bytes: it does not fit its type */
};

static inline struct shape shape_of(const struct nr_event *ev, const struct nr_types *types,
				    struct nr_misfits *misfits)
{
	uint64_t size = nr_misfits_size(misfits, types, ev);
	bool raw = size > ev->size;

	return (struct shape){ raw ? ev->size : size, ev->flags & NR_EVENT_LATE, raw };
}

static inline uint64_t bytes_of(const struct shape *s)
{
	return nr_round8(sizeof(struct nr_record) + 8 * s->late + sizeof(struct nr_raw) * s->raw +
			 s->size);
}

static void put(uint8_t *p, uint64_t bytes, const struct nr_event *ev, const struct shape *s)
{
	struct nr_record rec = *ev->rec;

	memset(p + bytes - 8, 0, 8); /* padding */
	rec.ts = ev->ts;
	rec.id = (s->raw ? NR_RAW_ID : rec.id) | (s->late ? NR_LATE_ID : 0);
	memcpy(p, &rec, sizeof(rec));
	p += sizeof(rec);
	if (s->late) {
		memcpy(p, &ev->rec->ts, sizeof(ev->rec->ts));
		p += sizeof(ev->rec->ts);
	}
	if (s->raw) {
		const struct nr_raw head = { .id = ev->rec->id, .data_len = ev->size };

		memcpy(p, &head, sizeof(head));
		p += sizeof(head);
	}
	memcpy(p, ev->data, s->size);
}

/* How far a packet is made. */
struct build {
	struct nr_packet *packet;
	const struct nr_types *types;
	struct nr_misfits *misfits;
	const uint64_t *place, *end; /* of the events to come */
	uint64_t used, last;	     /* bytes; where the last record begins */
	uint64_t time;		     /* of the last event */
};

/* Adds the next event, whatever its shape. */
static int add_shaped(struct build *b)
{
	struct nr_event ev;
	struct shape shape;
	uint64_t bytes;
	int err;

	b->place = nr_place_read(b->place, &ev);
	if (ev.ts < b->time)
		return -EINVAL;
	shape = shape_of(&ev, b->types, b->misfits);
	bytes = bytes_of(&shape);
	err = nr_packet_grow(b->packet, b->used + bytes);
	if (err)
		return err;
	put(b->packet->bytes + b->used, bytes, &ev, &shape);
	b->time = ev.ts;
	b->last = b->used;
	b->used += bytes;
	return 0;
}

/* Not late, and as long as its type, which has no tail: it stays as it is. */
static inline bool is_plain(uint64_t place, const struct nr_types *types)
{
	const struct nr_record *rec = nr_place_record(place);
	const struct nr_layout *layout = nr_types_layout(types, rec->id);

	return !(place & NR_PLACE_LATE) && layout && !layout->tail &&
	       layout->size + sizeof(*rec) == nr_place_length(place);
}

/* Copies a record and pads it with zeros. By words, which costs less than a call of memcpy. */
static inline void copy_plain(uint8_t *to, const uint8_t *from, uint32_t length)
{
	uint32_t i = 0;

	for (; i + 16 <= length; i += 16)
		memcpy(to + i, from + i, 16);
	if (length & 8) {
		memcpy(to + i, from + i, 8);
		i += 8;
	}
	if (i == length)
		return;
	memset(to + i, 0, 8);
	if (length & 4) {
		memcpy(to + i, from + i, 4);
		i += 4;
	}
	if (length & 2) {
		memcpy(to + i, from + i, 2);
		i += 2;
	}
	if (length & 1)
		to[i] = from[i];
}

/* Adds events while they are plain, which most are, and all is well; add_shaped does the rest. */
static void add_plain(struct build *b)
{
	const uint64_t *place = b->place, *end = b->end;
	const struct nr_types *types = b->types;
	uint64_t used = b->used, last = b->last, time = b->time, cap = b->packet->cap;
	uint8_t *bytes = b->packet->bytes;

	for (; place < end && is_plain(*place, types); place++) {
		const struct nr_record *rec = nr_place_record(*place);
		uint32_t length = nr_place_length(*place);

		if (end - place > NR_PLACE_PREFETCH)
			nr_place_prefetch(place[NR_PLACE_PREFETCH]);
		if (rec->ts < time || used + nr_round8(length) > cap)
			break;
		copy_plain(bytes + used, (const uint8_t *)rec, length);
		time = rec->ts;
		last = used;
		used += nr_round8(length);
	}
	b->place = place;
	b->used = used;
	b->last = last;
	b->time = time;
}

static int add_all(struct build *b)
{
	int err = 0;

	while (!err && b->place < b->end) {
		add_plain(b);
		if (b->place < b->end)
			err = add_shaped(b);
	}
	return err;
}

/* Bits from the start of the packet to the end of the last field of its last record, which begins at
 * last. */
static uint64_t content_bits(const struct nr_packet *packet, const struct nr_types *types,
			     const uint8_t *last)
{
	const uint8_t *p = last;
	struct nr_record rec;
	struct nr_raw raw;

	if (!packet->n_events)
		return HEAD * 8;
	memcpy(&rec, p, sizeof(rec));
	p += sizeof(rec);
	if (rec.id & NR_LATE_ID)
		p += 8;
	rec.id &= ~NR_LATE_ID;
	if (rec.id != NR_RAW_ID)
		return (p - packet->bytes) * 8ull +
		       nr_layout_end(nr_types_layout(types, rec.id), p);
	memcpy(&raw, p, sizeof(raw));
	return (p - packet->bytes + sizeof(raw) + raw.data_len) * 8ull;
}

static int add_padding(struct nr_packet *packet, uint64_t used)
{
	uint64_t size = nr_packet_padded(used);
	int err = nr_packet_grow(packet, size);

	if (err)
		return err;
	memset(packet->bytes + used, 0, size - used);
	packet->size = size;
	return 0;
}

static void add_head(struct nr_packet *packet, const struct nr_packet_format *format, size_t last)
{
	struct nr_packet_head head = {
		.magic = NR_CTF_MAGIC,
		.stream_id = NR_CTF_STREAM,
		.begin = packet->begin,
		.end = packet->end,
		.content_bits = content_bits(packet, format->types, packet->bytes + last),
		.packet_bits = packet->size * 8ull,
		.seq = packet->seq,
		.lost = packet->lost,
		.watermark = packet->watermark,
		.events = packet->n_events,
	};

	memcpy(head.uuid, format->uuid, sizeof(head.uuid));
	memcpy(packet->bytes, &head, sizeof(head));
	head.crc = nr_packet_crc(packet->bytes, packet->size);
	memcpy(packet->bytes, &head, sizeof(head));
}

int nr_packet_build(struct nr_packet *packet, const struct nr_packet_format *format,
		    struct nr_misfits *misfits)
{
	struct build b = {
		.packet = packet,
		.types = format->types,
		.misfits = misfits,
		.place = packet->places,
		.end = packet->places + packet->n_places,
		.used = HEAD,
		.last = HEAD,
		.time = packet->begin,
	};
	int err = nr_packet_grow(packet, nr_packet_padded(HEAD + packet->records));

	err = err ?: add_all(&b) ?: add_padding(packet, b.used);
	if (err)
		return err;
	add_head(packet, format, b.last);
	return 0;
}

/* ---- bytes to events ---- */

/* What is left to read of a packet. */
struct rest {
	const uint8_t *p, *end;
};

static inline bool read_next(struct rest *rest, void *to, size_t size)
{
	if ((size_t)(rest->end - rest->p) < size)
		return false;
	memcpy(to, rest->p, size);
	rest->p += size;
	return true;
}

/* Reads up to the payload, and returns its size: more than there is if the record is damaged. */
static uint64_t payload_size(struct rest *rest, const struct nr_types *types, struct nr_record *rec)
{
	const struct nr_layout *layout;
	struct nr_raw raw;

	if (rec->id != NR_RAW_ID) {
		layout = nr_types_layout(types, rec->id);
		return layout ? nr_layout_size(layout, rest->p, rest->end - rest->p) : UINT64_MAX;
	}
	if (!read_next(rest, &raw, sizeof(raw)))
		return UINT64_MAX;
	rec->id = raw.id;
	return raw.data_len;
}

uint64_t nr_packet_parse(const uint8_t *bytes, size_t size, size_t pos,
			 const struct nr_types *types, struct nr_record *rec, struct nr_event *ev)
{
	struct rest rest = { bytes + pos, bytes + size };
	uint64_t payload, all;

	if (!read_next(&rest, rec, sizeof(*rec)))
		return 0;
	ev->rec = rec;
	ev->ts = rec->ts;
	ev->flags = rec->id & NR_LATE_ID ? NR_EVENT_LATE : 0;
	rec->id &= ~NR_LATE_ID;
	if (ev->flags && !read_next(&rest, &rec->ts, sizeof(rec->ts)))
		return 0;
	payload = payload_size(&rest, types, rec);
	if (payload > (uint64_t)(rest.end - rest.p))
		return 0;
	ev->data = rest.p;
	ev->size = payload;
	all = nr_round8(rest.p + payload - (bytes + pos));
	return all <= size - pos ? all : 0;
}
