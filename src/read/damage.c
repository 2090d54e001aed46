// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "damage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include "search.h"

#define HEAD sizeof(struct nr_packet_head)

/* To know how many records were in a damaged packet, not more than this is read of it. */
#define MAX_COUNTED (4u << 20)

/* ---- what is said ---- */

static void tell(const struct nr_trace *t, const struct nr_damage *d)
{
	char skipped[96] = "", packets[64] = "";
	const char *whole =
		t->opts.skip_damaged || t->sought ? "" : "; all packets before it are whole";

	if (t->opts.damage) {
		t->opts.damage(t->opts.damage_ctx, d);
		return;
	}
	if (d->packets)
		snprintf(packets, sizeof(packets), "; %" PRIu64 " packet%s missing here",
			 d->packets, d->packets == 1 ? " is" : "s are");
	if (t->opts.skip_damaged && d->size)
		snprintf(skipped, sizeof(skipped), "; %" PRIu64 " bytes skipped", d->size);
	nr_log(&t->log, NR_LOG_ERROR, "%s/%s: at byte %" PRIu64 ", %s%s%s%s", t->dir, d->file,
	       d->offset, d->what, skipped, packets, whole);
}

static int may_go_on(const struct nr_trace *t)
{
	return t->opts.skip_damaged ? 0 : -EBADMSG;
}

int nr_damage_report(struct nr_trace *t, const char *file, const char *what, uint64_t packets)
{
	const struct nr_damage d = {
		.sz = sizeof(d),
		.file = file,
		.offset = t->next,
		.what = what,
		.packets = packets,
	};

	tell(t, &d);
	return may_go_on(t);
}

int nr_damage_unreadable(struct nr_trace *t, int err)
{
	nr_log(&t->log, NR_LOG_ERROR,
	       "%s/%s: cannot read packet %" PRIu64 " at byte %" PRIu64 ": %s", t->dir, t->file,
	       t->seq, t->next, strerror(-err));
	return err;
}

/* "chunks 000003 to 000005" */
static void name_chunks(const struct nr_trace *t, char *to, size_t size)
{
	char first[NR_CHUNK_NAME], last[NR_CHUNK_NAME];

	nr_chunk_name(first, t->jump_from);
	nr_chunk_name(last, t->chunk - 1);
	if (t->jump_from == t->chunk - 1)
		snprintf(to, size, "chunk %s was", first);
	else
		snprintf(to, size, "chunks %s to %s were", first, last);
}

static void describe(const struct nr_trace *t, const struct nr_fault *fault, uint64_t end,
		     char *what, size_t size)
{
	char chunks[2 * NR_CHUNK_NAME + 20];

	if (t->marked) {
		snprintf(what, size, "what follows the end mark %s", fault->text);
		return;
	}
	if (t->jump != NR_JUMP_MISSING || end) {
		snprintf(what, size, "packet %" PRIu64 " %s", t->seq, fault->text);
		return;
	}
	name_chunks(t, chunks, sizeof(chunks));
	snprintf(what, size, "%s not found", chunks);
}

/* The bytes from t->next up to end are damaged. */
static void tell_bytes(const struct nr_trace *t, const struct nr_fault *fault, uint64_t end,
		       uint64_t packets)
{
	char what[sizeof(*fault) + 40];
	const struct nr_damage d = {
		.sz = sizeof(d),
		.file = t->file,
		.offset = t->next,
		.size = end - t->next,
		.what = what,
		.packets = packets,
	};

	describe(t, fault, end, what, sizeof(what));
	tell(t, &d);
}

/* ---- how many events are missing ---- */

/* Is the number of records in the packet certain? A label is, by its own checksum. The head of a plain
 * packet may be what is damaged, so its records must agree. */
static bool is_certain(const struct nr_trace *t, const struct nr_slot *packet)
{
	struct nr_bytes bytes = {};
	struct nr_fault ignored;
	uint64_t late;
	bool certain;

	if (t->stream.compressed)
		return true;
	if (packet->bytes > MAX_COUNTED || nr_slot_read(&t->stream, packet, &bytes, &ignored))
		certain = false;
	else
		certain = nr_step_count(t, &bytes, &late, &ignored) == packet->head.events;
	free(bytes.data);
	return certain;
}

/* Events in the missing packets, if all of them still have heads that say so; 0: unknown. */
static uint64_t count_missing(const struct nr_trace *t, const struct nr_step *step)
{
	struct nr_slot lost;
	struct nr_fault ignored;
	uint64_t pos = t->next, n = 0, events = 0;

	for (; pos < step->packet.offset; pos = nr_slot_end(&lost), n++) {
		if (nr_slot_look(&t->stream, pos, &lost, &ignored) <= 0 ||
		    lost.head.seq != t->seq + n || !is_certain(t, &lost))
			return 0;
		events += lost.head.events;
	}
	return pos == step->packet.offset && n == step->missing ? events : 0;
}

/* ---- going on ---- */

/* The next packet that is whole and fits. 1; 0: there is none; or an error of reading. */
static int find_next(struct nr_trace *t, uint64_t size, struct nr_step *step)
{
	struct nr_fault ignored;
	uint64_t pos = t->next;
	int ret;

	while ((ret = nr_slot_find(&t->stream, pos, size, &step->packet)) > 0) {
		ret = nr_step_verify(t, step, true, &ignored);
		if (ret != -EBADMSG && ret != NR_INCOMPLETE)
			return ret ?: 1;
		pos = step->whole ? nr_slot_end(&step->packet) : step->packet.offset + 1;
	}
	return ret;
}

/* A chunk that is read alone has no packets from before it. Its end mark tells. */
static bool is_chunk(const struct nr_trace *t)
{
	struct nr_bytes bytes = {};
	struct nr_slot last;
	struct nr_fault ignored;
	struct nr_end mark = {};
	bool is = nr_search_last(&t->stream, &last) > 0 && nr_is_end_mark(&last.head) &&
		  !nr_slot_load(&t->stream, &last, &bytes, &ignored) &&
		  !nr_end_read(&mark, bytes.data, bytes.size) && mark.account.chunk;

	nr_end_free(&mark);
	free(bytes.data);
	return is;
}

static void go_on(struct nr_trace *t, struct nr_step *step)
{
	t->hole = (struct nr_hole){
		.any = true,
		.bytes = step->packet.offset - t->next,
		.packets = step->missing,
		.events = count_missing(t, step),
	};
	nr_step_take(t, step);
}

/* The recorder removed the chunks before this one, which begins with the step: nothing is damaged. */
static int pass_removed(struct nr_trace *t, struct nr_step *step)
{
	char chunks[2 * NR_CHUNK_NAME + 20];

	name_chunks(t, chunks, sizeof(chunks));
	nr_log(&t->log, NR_LOG_WARN, "%s: %s removed while the trace was read", t->dir, chunks);
	go_on(t, step);
	return 1;
}

int nr_damage_pass(struct nr_trace *t, const struct nr_fault *fault)
{
	bool jumped = t->jump != NR_JUMP_NONE && !t->next;
	bool removed = jumped && t->jump == NR_JUMP_REMOVED;
	struct nr_step step = {};
	uint64_t size;
	int ret = nr_read_stream_size(&t->stream, &size);

	if (!t->packets && !t->series && !t->sought)
		t->alone = is_chunk(t);
	if (!ret && !t->marked && (t->opts.damage || t->opts.skip_damaged || jumped))
		ret = find_next(t, size, &step);
	if (ret > 0 && removed && !step.packet.offset)
		return pass_removed(t, &step);
	if (ret < 0)
		return nr_damage_unreadable(t, ret);
	if (!ret && t->opts.skip_damaged && nr_stream_is_recorded(t->stream.fd))
		return 0; /* the next packet may still come */
	tell_bytes(t, fault, ret ? step.packet.offset : size, step.missing);
	if (!t->opts.skip_damaged)
		nr_step_drop(&step);
	else if (ret)
		go_on(t, &step);
	else
		t->spent = true;
	return may_go_on(t) ?: ret;
}
