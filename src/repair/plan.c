// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "packet/opening.h"
#include "read/load.h"
#include "read/table.h"

/* What was true behind a packet. The trace may have gone on to another chunk since. */
struct state {
	bool any;
	struct nr_packet_head
		last; /* the last one that is not an end mark, with what is true now */
	uint64_t end; /* time of the last packet */
	uint64_t seq; /* number of the next packet */
	uint64_t lost, late;
	uint64_t events, events_before; /* so far, and before its chunk */
	bool marked, rotated;		/* by an end mark, of a chunk that is not the last: */
	uint64_t mark_bytes;		/* in the file */
	bool based;			/* by the last end mark that was whole, maybe of an */
	uint64_t base;			/* earlier chunk: more than events were written */
};

struct planner {
	struct nr_repair_plan *plan;
	struct nr_trace *trace;
	struct state was;
};

/* ---- pieces ---- */

static struct nr_repair_chunk *last_chunk(const struct nr_repair_plan *plan)
{
	return &plan->chunks[plan->n - 1];
}

static int add_chunk(struct nr_repair_plan *plan, uint64_t number)
{
	struct nr_repair_chunk *grown =
		reallocarray(plan->chunks, plan->n + 1, sizeof(*plan->chunks));

	if (!grown)
		return -ENOMEM;
	plan->chunks = grown;
	plan->n++;
	*last_chunk(plan) = (struct nr_repair_chunk){ .number = number };
	return 0;
}

static int add_piece(struct nr_repair_chunk *chunk, const struct nr_piece *piece)
{
	struct nr_piece *grown = reallocarray(chunk->pieces, chunk->n + 1, sizeof(*chunk->pieces));

	if (!grown)
		return -ENOMEM;
	chunk->pieces = grown;
	chunk->pieces[chunk->n++] = *piece;
	return 0;
}

/* A recording's first packet, or that of a chunk of which nobody knows what was before it. */
static struct nr_packet_head unknown_before(const struct nr_trace *t)
{
	struct nr_packet_head before = t->slot.head;

	before.begin -= before.begin < 3 ? before.begin : 3;
	before.end = before.watermark = before.begin;
	before.seq = t->number - 1;
	if (!t->chunk && !t->alone)
		before.seq = before.lost = 0;
	return before;
}

/* The time of a packet between two others, the earliest that is not that of the first: babeltrace2 turns
 * around packets that begin at one time. */
static uint64_t time_between(uint64_t first, uint64_t second)
{
	return first + 1 < second ? first + 1 : first;
}

/* The first packet of a stream that lost its own. */
static void make_opening(const struct planner *p, struct nr_piece *piece)
{
	const struct nr_packet_head before = p->was.any ? p->was.last : unknown_before(p->trace);
	uint64_t begin = time_between(before.end, p->trace->slot.head.begin);

	nr_opening_fill(&piece->opening, &before, begin + 1); /* 1 ns before the next packet */
	piece->open = true;
}

/* Plans the marks between the packets before and the current one. A recording's first packet, made
 * anew, is one of those that were missing. */
static void fill_hole(const struct planner *p, struct nr_piece *piece, bool first)
{
	const struct nr_trace *t = p->trace;
	uint64_t packets = t->hole.packets;

	if (first && !(t->opening && !packets)) {
		make_opening(p, piece);
		packets -= packets && !p->was.any;
	}
	piece->before = piece->open ? piece->opening : p->was.last;
	piece->gap = (struct nr_gap){
		.packets = packets,
		.events = t->hole.events,
		.begin = time_between(piece->before.end, t->slot.head.begin),
		.end = t->slot.head.begin,
		.damaged = true,
	};
}

static void count_hole(struct planner *p, const struct nr_piece *piece)
{
	struct nr_repair *found = &p->plan->found;

	found->damages += piece->gap.packets > 0;
	found->skipped_packets += piece->gap.packets;
	found->skipped_events += piece->gap.events;
	found->skipped_bytes += p->trace->hole.bytes;
}

/* The current packet begins a piece. If a chunk is missing before its opening packet, that is made
 * anew, too, so that the gap mark stands behind it. */
static int begin_piece(struct planner *p, bool first)
{
	const struct nr_trace *t = p->trace;
	struct nr_piece piece = { .offset = t->slot.offset, .bytes = t->slot.bytes };

	if (t->hole.any)
		fill_hole(p, &piece, first);
	if (t->hole.any)
		count_hole(p, &piece);
	if (piece.open && t->opening) {
		piece.offset += piece.bytes;
		piece.bytes = 0;
	}
	return add_piece(last_chunk(p->plan), &piece);
}

/* ---- ends of chunks ---- */

/* Bytes of a chunk that are behind the packets kept, and not a seek table. */
static int count_rest(const struct nr_trace *t, const struct nr_repair_chunk *c, uint64_t *rest)
{
	struct nr_read_stream s;
	uint64_t size = 0, table;
	int err = nr_load_stream(t, c->number, &s);

	if (err)
		return err;
	err = nr_read_stream_size(&s, &size);
	table = err ? 0 : nr_read_stream_table(&s, size);
	/* A wrong table is left out, and the right one is written. */
	if (table && (size - table != c->end || nr_table_is_right(&s, c->end, table)))
		size -= table;
	*rest = size > c->end ? size - c->end : 0;
	close(s.fd);
	return err;
}

/* earlier and written count from here on, for now. */
static void plan_mark(const struct planner *p, struct nr_repair_chunk *c, bool rotated)
{
	const struct state *was = &p->was;

	c->mark = true;
	c->mark_seq = was->seq - rotated;
	c->account = (struct nr_account){
		.sz = sizeof(c->account),
		.end = was->end,
		.repaired = true,
		.rotated = rotated,
		.written = was->events,
		.late = was->late,
		.lost_total = was->lost,
		.chunk = c->number,
		.earlier = was->events_before,
	};
	c->counted = was->based;
	c->account.written += was->base;
	c->account.earlier += was->base;
}

/* A series cannot end as a chunk does that is not the last. What followed is missing. */
static void drop_rotated_mark(struct planner *p, struct nr_repair_chunk *c)
{
	const struct nr_trace *t = p->trace;
	bool known = t->failed || p->plan->unplanned; /* the reader said why */

	if (!t->series || !p->was.rotated)
		return;
	if (!known)
		nr_log(&t->log, NR_LOG_WARN,
		       "%s: the chunk after %06" PRIu64
		       " is missing; the number of its events is unknown",
		       t->dir, c->number);
	c->pieces[c->n - 1].bytes -= p->was.mark_bytes;
	c->end -= p->was.mark_bytes;
	p->was.marked = false;
}

/* The last chunk of the plan has no more packets. */
static int end_chunk(struct planner *p, bool is_last)
{
	struct nr_repair_chunk *c = last_chunk(p->plan);
	uint64_t rest = 0;
	int err = count_rest(p->trace, c, &rest);
	bool damaged = rest || c->n > 1 || c->pieces->offset || c->pieces->open || p->trace->failed;

	if (is_last)
		drop_rotated_mark(p, c);
	if (!p->was.marked && (damaged || p->trace->md.minor))
		plan_mark(p, c, !is_last);
	c->needed = c->mark || damaged || c->foreign;
	p->plan->found.described += c->foreign;
	if (is_last)
		p->plan->found.left_out += rest;
	else
		p->plan->found.skipped_bytes += rest;
	return err;
}

/* ---- packets ---- */

static void note_state(struct planner *p)
{
	const struct nr_trace *t = p->trace;
	struct state *was = &p->was;

	if (!nr_is_end_mark(&t->slot.head))
		was->last = t->slot.head;
	else if (!was->any)
		was->last = unknown_before(t);
	was->any = true;
	was->last.seq = t->seq - 1;
	was->last.end = t->packet.end;
	was->last.lost = t->packet.lost;
	was->end = t->packet.end;
	was->seq = t->seq;
	was->lost = t->packet.lost;
	was->events = t->events;
	was->events_before = t->events_before;
	was->marked = t->marked;
	was->rotated = t->marked && t->mark.account.rotated;
	was->mark_bytes = t->slot.bytes;
	if (t->marked)
		was->base = t->mark.account.written - t->events;
	was->based |= t->marked;
	was->late = was->rotated ? t->mark.account.late : t->late;
	last_chunk(p->plan)->end = nr_slot_end(&t->slot);
}

/* Plans the current packet. */
static int plan_packet(struct planner *p)
{
	const struct nr_trace *t = p->trace;
	bool first = !p->plan->n || last_chunk(p->plan)->number != t->chunk;
	int err = 0;

	if (first && p->plan->n)
		err = end_chunk(p, false);
	if (first)
		err = err ?: add_chunk(p->plan, t->chunk);
	if (first || t->hole.any)
		err = err ?: begin_piece(p, first);
	else
		last_chunk(p->plan)->pieces[last_chunk(p->plan)->n - 1].bytes += t->slot.bytes;
	if (err)
		return err;
	last_chunk(p->plan)->foreign = t->foreign;
	p->plan->found.packets += t->number == t->slot.head.seq; /* as in nr_repair */
	p->plan->found.events += t->slot.head.events;
	note_state(p);
	return 0;
}

/* ---- all ---- */

static bool is_planned(const struct nr_repair_plan *plan, uint64_t number)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->chunks[i].number == number)
			return true;
	return false;
}

/* Chunks of which nothing is kept: all their packets are damaged, or are behind the damage. */
static int note_unplanned(struct nr_repair_plan *plan)
{
	struct nr_trace *t = plan->trace;
	int err = t->series ? nr_chunk_list_read(&t->chunks, t->dir_fd) : 0;

	for (size_t i = 0; !err && i < t->chunks.n; i++) {
		struct nr_repair_chunk c = { .number = t->chunks.numbers[i] };
		uint64_t bytes = 0;

		if (!t->series || is_planned(plan, c.number))
			continue;
		plan->unplanned = true;
		if (!nr_chunk_has_stream(t->dir_fd, c.number))
			continue;
		plan->found.more |= !t->opts.skip_damaged;
		err = count_rest(t, &c, &bytes);
		if (c.number > last_chunk(plan)->number)
			plan->found.left_out += bytes;
		else
			plan->found.skipped_bytes += bytes;
		err = err == -ENOENT ? 0 : err;
	}
	return err;
}

/* Is there a packet behind the damage that ended the trace? */
static int look_behind(struct nr_repair_plan *plan)
{
	const struct nr_trace *t = plan->trace;
	struct nr_slot next;
	uint64_t size = 0;
	int ret = nr_read_stream_size(&t->stream, &size);

	if (!ret && t->failed)
		ret = nr_slot_find(&t->stream, t->next + 1, size, &next);
	plan->found.more |= ret > 0;
	return ret < 0 ? ret : 0;
}

/* Nothing says how many events were written before this trace, unless it is in an end mark. */
static void add_earlier(struct nr_repair_plan *plan)
{
	uint64_t earlier = plan->trace->knows_earlier ? plan->trace->earlier : 0;

	for (size_t i = 0; i < plan->n; i++) {
		if (!plan->chunks[i].counted) {
			plan->chunks[i].account.earlier += earlier;
			plan->chunks[i].account.written += earlier;
		}
		plan->found.needed |= plan->chunks[i].needed;
	}
	plan->found.needed |= plan->unplanned;
}

static int finish(struct planner *p)
{
	struct nr_repair_plan *plan = p->plan;
	const struct nr_trace *t = p->trace;
	int err;

	if (nr_load_is_recorded(p->trace)) {
		nr_log(&t->log, NR_LOG_ERROR, "%s is being recorded: end that recording first",
		       t->dir);
		return -EBUSY;
	}
	if (!plan->n) {
		nr_log(&t->log, NR_LOG_ERROR, "%s has no whole packet: nothing can be recovered",
		       t->dir);
		return -ENODATA;
	}
	err = note_unplanned(plan) ?: end_chunk(p, true) ?: look_behind(plan);
	if (err)
		nr_log(&t->log, NR_LOG_ERROR, "cannot read %s/%s: %s", t->dir, t->file,
		       strerror(-err));
	add_earlier(plan);
	plan->found.lost = p->was.lost - t->lost_before;
	return err;
}

int nr_repair_plan(struct nr_repair_plan *plan)
{
	struct planner p = { .plan = plan, .trace = plan->trace };
	int ret;

	while ((ret = nr_load_next(p.trace)) > 0) {
		ret = plan_packet(&p);
		if (ret)
			return ret;
	}
	if (ret && ret != -EBADMSG)
		return ret;
	p.trace->failed = ret;
	return finish(&p);
}

void nr_repair_plan_free(struct nr_repair_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		free(plan->chunks[i].pieces);
	free(plan->chunks);
}
