/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "cli.h"
#include "trace_status.h"

struct trace_status trace_status_of(const struct nr_trace *trace, int read_error)
{
	struct trace_status s = { .read_error = read_error, .account.sz = sizeof(s.account) };
	const struct nr_packet_info *last = nr_trace_packet(trace);

	s.end_error = nr_trace_end(trace, &s.account);
	if (last) {
		s.missed_packets = last->missed_packets;
		s.missed_events = last->missed_events;
	}
	return s;
}

static bool is_unwritten(const struct nr_account *a)
{
	return !a->repaired && (a->error || a->unwritten || a->unaccounted);
}

bool trace_status_is_complete(const struct trace_status *s)
{
	return !s->read_error && !s->end_error && !s->account.repaired &&
	       !is_unwritten(&s->account) && !s->missed_packets;
}

bool trace_status_is_unknown(const struct trace_status *s)
{
	return !s->read_error && (s->end_error == -EBUSY || s->end_error == -EOPNOTSUPP);
}

bool trace_status_is_bad(const struct trace_status *s)
{
	return !trace_status_is_unknown(s) &&
	       (s->read_error || s->end_error || is_unwritten(&s->account));
}

/* Each is a part of the sentence. */
static void end_text(const struct trace_status *s, FILE *f)
{
	const struct nr_account *a = &s->account;

	if (a->repaired)
		fputs("; repaired: events after the last whole packet are unknown", f);
	else if (a->error)
		fprintf(f, "; the recording ended with an error: %s", strerror(-a->error));
	if (a->unwritten)
		fprintf(f, "; %" PRIu64 " record%s not written", a->unwritten,
			cli_plural(a->unwritten));
	if (a->unaccounted)
		fprintf(f, "; %" PRIu64 " record%s unaccounted for", a->unaccounted,
			cli_plural(a->unaccounted));
	if (s->missed_packets)
		fprintf(f,
			"; this optional output fell behind and missed %" PRIu64
			" event%s in %" PRIu64 " packet%s",
			s->missed_events, cli_plural(s->missed_events), s->missed_packets,
			cli_plural(s->missed_packets));
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

void suggest_repair(const struct nr_trace *trace, int read_error, const char *dir)
{
	if (read_error == -EBADMSG && nr_trace_packet(trace))
		cli_error(
			"run \"numaring repair %s\" to copy the trace up to its last whole packet",
			dir);
}
