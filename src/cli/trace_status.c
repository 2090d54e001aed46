/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli.h"
#include "trace_status.h"

/* A series has no metadata beside its chunks. */
static bool is_series(const char *dir)
{
	char *path;
	bool is;

	if (asprintf(&path, "%s/metadata", dir) < 0)
		return false;
	is = access(path, F_OK);
	free(path);
	return is;
}

struct trace_status trace_status_of(const struct nr_trace *trace, int read_error, const char *dir)
{
	struct trace_status s = { .read_error = read_error, .account.sz = sizeof(s.account) };
	const struct nr_packet_info *last = nr_trace_packet(trace);

	s.end_error = nr_trace_end(trace, &s.account);
	s.is_chunk = !s.end_error && (s.account.rotated || s.account.chunk) && !is_series(dir);
	if (last) {
		s.damaged_packets = last->damaged_packets;
		s.missed_packets = last->missed_packets - last->damaged_packets;
		s.missed_events = last->missed_events;
	}
	return s;
}

static bool is_unwritten(const struct nr_account *a)
{
	return !a->repaired && !a->rotated && (a->error || a->unwritten || a->unaccounted);
}

/* What was read is whole, and ends as the recording ended. */
static bool is_whole(const struct trace_status *s)
{
	const struct nr_account *a = &s->account;

	return !s->read_error && !s->end_error && !a->repaired && !a->rotated &&
	       (!a->earlier || s->partial) && !is_unwritten(a) && !s->missed_packets &&
	       !s->damaged_packets;
}

bool trace_status_is_complete(const struct trace_status *s)
{
	return is_whole(s) && !s->partial;
}

bool trace_status_is_unknown(const struct trace_status *s)
{
	return !s->read_error && (s->end_error == -EBUSY || s->end_error == -EOPNOTSUPP ||
				  s->end_error == -EAGAIN || (s->partial && is_whole(s)));
}

/* The recorder always begins a chunk after one that is not the last. */
bool trace_status_has_end(const struct trace_status *s)
{
	return !s->end_error && (!s->account.rotated || s->is_chunk);
}

bool trace_status_is_bad(const struct trace_status *s)
{
	return !trace_status_is_unknown(s) &&
	       (s->read_error || !trace_status_has_end(s) || is_unwritten(&s->account));
}

/* Each of these is a part of the sentence, if there is anything to say. */

static void count_text(FILE *f, uint64_t n, const char *noun, const char *what)
{
	if (n)
		fprintf(f, "; %" PRIu64 " %s%s %s", n, noun, cli_plural(n), what);
}

static void chunk_text(const struct trace_status *s, FILE *f)
{
	const struct nr_account *a = &s->account;
	uint64_t earlier = s->partial ? 0 : a->earlier;
	char chunks[40] = "";

	if (s->removed_chunks)
		snprintf(chunks, sizeof(chunks), " in %" PRIu64 " chunk%s", s->removed_chunks,
			 cli_plural(s->removed_chunks));
	if (earlier && s->is_chunk)
		fprintf(f, "; the %" PRIu64 " event%s before it are in other chunks", earlier,
			cli_plural(earlier));
	else if (earlier)
		fprintf(f, "; %" PRIu64 " earlier event%s%s removed", earlier, cli_plural(earlier),
			chunks);
	if (a->rotated)
		fprintf(f, "; the recording went on in the next chunk%s",
			s->is_chunk ? "" : ", which is missing");
}

static void end_text(const struct trace_status *s, FILE *f)
{
	const struct nr_account *a = &s->account;

	chunk_text(s, f);
	if (a->repaired)
		fputs("; repaired: events after the last whole packet are unknown", f);
	else if (a->error)
		fprintf(f, "; the recording ended with an error: %s", strerror(-a->error));
	count_text(f, a->unwritten, "record", "not written");
	count_text(f, a->unaccounted, "record", "unaccounted for");
	if (s->missed_packets)
		fprintf(f,
			"; this optional output fell behind and missed %" PRIu64
			" event%s in %" PRIu64 " packet%s",
			s->missed_events, cli_plural(s->missed_events), s->missed_packets,
			cli_plural(s->missed_packets));
	count_text(f, s->damaged_packets, "packet", "missing because of damage");
}

static void join_text(const struct trace_status *s, char *buf, size_t size)
{
	const size_t skip = strlen("; ");
	char text[512] = "";
	FILE *f = fmemopen(text, sizeof(text), "w");

	if (!f)
		return;
	end_text(s, f);
	fclose(f);
	snprintf(buf, size, "%s", *text ? text + skip : text);
}

const char *trace_status_text(const struct trace_status *s, char *buf, size_t size)
{
	*buf = 0;
	if (s->read_error == -EBADMSG)
		snprintf(buf, size, "the stream is damaged");
	else if (s->read_error)
		snprintf(buf, size, "cannot read the stream: %s", strerror(-s->read_error));
	else if (s->end_error == -EAGAIN || (s->partial && is_whole(s)))
		snprintf(buf, size, "only a part of it was read");
	else if (!s->end_error)
		join_text(s, buf, size);
	else if (s->end_error == -EBUSY)
		snprintf(buf, size, "it is still being recorded; more events may follow");
	else if (s->end_error == -EOPNOTSUPP)
		snprintf(buf, size, "traces of format 1.0 have no end mark");
	else
		snprintf(buf, size,
			 "it has no end mark: the recorder was killed, or the machine or the disk "
			 "failed");
	return buf;
}

void trace_status_print(FILE *out, const struct trace_status *s)
{
	char text[512];

	if (trace_status_is_complete(s))
		fputs("complete\n", out);
	else
		fprintf(out, "%s: %s\n",
			trace_status_is_unknown(s) ? "not known to be complete" : "not complete",
			trace_status_text(s, text, sizeof(text)));
}

void suggest_repair(const struct nr_trace *trace, int read_error, const char *dir)
{
	if (read_error == -EBADMSG && nr_trace_packet(trace))
		cli_error("run \"numaring repair %s\" to copy the trace up to this place, with "
			  "--skip-damaged also what is whole behind it",
			  dir);
}

int trace_status_tell(const struct nr_trace *trace, int err, const char *dir, bool partial)
{
	struct trace_status s = trace_status_of(trace, err, dir);
	char text[512];

	s.partial = partial;
	suggest_repair(trace, err, dir);
	if (err || trace_status_is_complete(&s))
		return err;
	if (s.end_error == -EBUSY)
		cli_error("%s is still being recorded; more events may follow", dir);
	if (trace_status_is_unknown(&s)) /* also if the reader stopped before the last event */
		return 0;
	cli_error("%s is not complete: %s", dir, trace_status_text(&s, text, sizeof(text)));
	return trace_status_has_end(&s) ? 0 : -ENODATA;
}
