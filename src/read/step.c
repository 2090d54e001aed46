// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "step.h"

#include <errno.h>
#include <inttypes.h>
#include "packet/build.h"
#include "table.h"

#define HEAD sizeof(struct nr_packet_head)

/* ---- bodies ---- */

int64_t nr_step_count(const struct nr_trace *t, const struct nr_bytes *packet, uint64_t *late,
		      struct nr_fault *fault)
{
	struct nr_record rec;
	struct nr_event ev;
	int64_t events = 0;
	size_t pos = HEAD, used = nr_packet_used((const struct nr_packet_head *)packet->data);

	for (*late = 0; pos < used; events++) {
		uint64_t size = nr_packet_parse(packet->data, used, pos, t->types, &rec, &ev);

		if (!size)
			return nr_fault(fault,
					"has a record of unknown type or wrong size at byte %zu",
					pos);
		*late += !!(ev.flags & NR_EVENT_LATE);
		pos += size;
	}
	return events;
}

static int check_records(const struct nr_trace *t, struct nr_step *step, struct nr_fault *fault)
{
	uint32_t claimed = step->packet.head.events;
	int64_t events = nr_step_count(t, &t->bytes, &step->late, fault);

	if (events >= 0 && events != claimed)
		return nr_fault(fault, "holds %" PRIi64 " events, but its header says %u", events,
				claimed);
	return events < 0 ? events : 0;
}

static int read_mark(const struct nr_trace *t, struct nr_step *step, struct nr_fault *fault)
{
	int err = nr_end_read(&step->mark, t->bytes.data, t->bytes.size);

	if (err)
		return err == -EBADMSG ? nr_fault(fault, "is an end mark whose account is damaged")
				       : err;
	step->marked = true;
	if (t->series && step->mark.account.chunk != t->chunk)
		return nr_fault(fault, "is the end mark of chunk %" PRIu64,
				step->mark.account.chunk);
	if (t->alone && !step->mark.account.chunk && !step->mark.account.repaired)
		return nr_fault(fault,
				"is the end mark of a trace whose first packets are missing");
	return 0;
}

/* The packet after a gap mark shows whether its count is right. The mark is not the first packet, but
 * those before it may be damaged. */
static int read_gap(const struct nr_trace *t, struct nr_step *step, bool jump,
		    struct nr_fault *fault)
{
	bool first = !t->packets && !t->sought && !jump;

	if (nr_gap_read(&step->gap, t->bytes.data, t->bytes.size) || first)
		return nr_fault(fault, "is an invalid gap mark");
	return 0;
}

/* ---- order ---- */

/* The first packet of a chunk, unless it is that of the recording. */
static bool is_opening(const struct nr_trace *t, const struct nr_slot *packet)
{
	const struct nr_packet_head *h = &packet->head;

	if (packet->offset || h->events || nr_is_gap_mark(h) || nr_is_end_mark(h))
		return false;
	return t->series ? t->chunk > 0 : h->seq && t->md.minor >= 3;
}

/* Gap marks, opening packets and end marks of chunks repeat the number of the packet before them. */
static bool repeats_number(const struct nr_step *step)
{
	return step->opening || nr_is_gap_mark(&step->packet.head) ||
	       (step->marked && step->mark.account.rotated);
}

/* Does the packet decide which number comes next, because nothing before it was read? After damage, it
 * may also be another packet than the opening one. */
static bool may_begin(const struct nr_trace *t, const struct nr_step *step, bool jump)
{
	if (t->packets)
		return false;
	return t->sought || step->opening || (jump && (t->alone || t->chunk));
}

static bool lacks_opening(const struct nr_trace *t, const struct nr_step *step)
{
	return t->series && t->chunk && !step->packet.offset && !step->opening;
}

static int check_order(const struct nr_trace *t, struct nr_step *step, bool jump,
		       struct nr_fault *fault)
{
	const struct nr_packet_head *h = &step->packet.head;

	step->number = h->seq + repeats_number(step);
	if (!jump && lacks_opening(t, step))
		return nr_fault(fault, "does not open its chunk");
	if (!may_begin(t, step, jump)) {
		if (step->number < t->seq || (step->number > t->seq && !jump))
			return nr_fault(fault,
					"has sequence number %" PRIu64
					": packets are missing or duplicated",
					(uint64_t)h->seq);
		step->missing = step->number - t->seq;
	}
	if (h->begin > h->end ||
	    (t->packets && (h->begin < t->packet.end || h->lost < t->packet.lost)))
		return nr_fault(fault, "goes back in time or in its count of lost records");
	return 0;
}

static int check_body(const struct nr_trace *t, struct nr_step *step, bool jump,
		      struct nr_fault *fault)
{
	bool is_mark = nr_is_end_mark(&step->packet.head);
	int err = is_mark ? read_mark(t, step, fault) : 0;

	step->opening = is_opening(t, &step->packet);
	err = err ?: check_order(t, step, jump, fault);
	if (err || is_mark)
		return err;
	return nr_is_gap_mark(&step->packet.head) ? read_gap(t, step, jump, fault)
						  : check_records(t, step, fault);
}

/* ---- steps ---- */

int nr_step_verify(struct nr_trace *t, struct nr_step *step, bool jump, struct nr_fault *fault)
{
	int err;

	*step = (struct nr_step){ .packet = step->packet };
	err = nr_slot_load(&t->stream, &step->packet, &t->bytes, fault);
	step->whole = !err;
	err = err ?: check_body(t, step, jump, fault);
	if (err) {
		t->bytes.size = t->pos = 0;
		nr_step_drop(step);
	}
	return err;
}

/* We do not need the table. Only whoever wants to know of all damage cares for it, and only if all was
 * read. */
static bool cares_for_table(const struct nr_trace *t)
{
	return (t->opts.damage || t->opts.skip_damaged) && !t->sought;
}

/* What may follow an end mark: nothing, or the seek table of a compressed stream, of which a recorder
 * may have written a part. */
static int look_behind_mark(const struct nr_trace *t, struct nr_fault *fault)
{
	uint64_t size, rest;
	int err = nr_read_stream_size(&t->stream, &size);

	if (err || size <= t->next)
		return err;
	rest = size - t->next;
	if (rest == nr_read_stream_table(&t->stream, size)) {
		if (!cares_for_table(t) || nr_table_is_right(&t->stream, t->next, rest))
			return 0;
		return nr_fault(fault, "is a seek table with wrong entries");
	}
	if (nr_table_is_cut(&t->stream, t->next, rest)) {
		nr_fault(fault, "is a seek table that is cut off");
		return cares_for_table(t) ? NR_INCOMPLETE : 0;
	}
	nr_fault(fault, "does not belong there");
	return t->stream.compressed ? NR_INCOMPLETE : -EBADMSG;
}

int nr_step_next(struct nr_trace *t, struct nr_step *step, struct nr_fault *fault)
{
	int ret;

	if (t->spent)
		return 0;
	if (t->marked)
		return look_behind_mark(t, fault);
	nr_fault(fault, "is cut off: the recording was killed, or the disk was full");
	ret = nr_slot_look(&t->stream, t->next, &step->packet, fault);
	if (ret <= 0) /* an empty stream is cut off, too: every writer writes a first packet */
		return ret || t->next ? ret : NR_INCOMPLETE;
	return nr_step_verify(t, step, false, fault) ?: 1;
}

/* The number of the next packet. */
static uint64_t next_number(const struct nr_step *step)
{
	if (nr_is_gap_mark(&step->packet.head))
		return step->number + step->gap.packets;
	return step->number + !repeats_number(step);
}

static void take_mark(struct nr_trace *t, struct nr_step *step)
{
	t->mark = step->mark;
	t->marked = true;
	step->mark = (struct nr_end){};
	if (t->knows_earlier && t->chunk)
		return;
	t->knows_earlier = true; /* chunk 0 may claim something else: verify says so */
	t->earlier = t->mark.account.earlier;
	t->earlier -= t->earlier < t->events_before ? t->earlier : t->events_before;
}

static void count(struct nr_trace *t, const struct nr_step *step)
{
	const struct nr_hole *hole = &t->hole;

	t->missed_packets += hole->packets + step->gap.packets;
	t->missed_events += hole->events + step->gap.events;
	t->damaged_packets += hole->packets + (step->gap.damaged ? step->gap.packets : 0);
	t->events += step->packet.head.events + hole->events + step->gap.events;
	t->late += step->late;
	t->packets++;
}

/* The first packet that is read tells what was before it. */
static void note_before(struct nr_trace *t, const struct nr_step *step)
{
	bool any = t->chunk || t->alone || t->sought;

	t->lost_before = any ? step->packet.head.lost : 0;
	t->packets_before = any ? step->number : 0;
}

void nr_step_take(struct nr_trace *t, struct nr_step *step)
{
	const struct nr_packet_head *h = &step->packet.head;
	uint64_t next = next_number(step);

	if (!t->packets && step->opening && !t->series)
		t->alone = true;
	if (!t->packets && !t->chunk && !t->alone && !t->sought)
		t->knows_earlier = true; /* nothing is */
	if (!t->packets)
		note_before(t, step);
	if (step->marked)
		take_mark(t, step);
	count(t, step);
	t->seq = next;
	t->slot = step->packet;
	t->number = step->number;
	t->opening = step->opening;
	t->packet = (struct nr_packet_info){
		.offset = step->packet.offset,
		.size = t->bytes.size,
		.seq = nr_is_gap_mark(h) ? next - 1 : h->seq,
		.begin = h->begin,
		.end = h->end,
		.watermark = h->watermark,
		.lost = h->lost,
		.missed_packets = t->missed_packets,
		.missed_events = t->missed_events,
		.damaged_packets = t->damaged_packets,
		.chunk = t->chunk,
		.lost_before = t->lost_before,
		.packets_before = t->packets_before,
	};
	t->next = nr_slot_end(&step->packet);
	if (h->events)
		t->bytes.size = nr_packet_used(h);
	t->pos = h->events ? HEAD : t->bytes.size;
}

void nr_step_drop(struct nr_step *step)
{
	nr_end_free(&step->mark);
	step->marked = false;
}
