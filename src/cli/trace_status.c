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

	s.end_error = nr_trace_end(trace, &s.account);
	return s;
}

bool trace_status_is_complete(const struct trace_status *s)
{
	const struct nr_account *a = &s->account;

	return !s->read_error && !s->end_error && !a->repaired && !a->error && !a->unwritten &&
	       !a->unaccounted;
}

bool trace_status_is_unknown(const struct trace_status *s)
{
	return !s->read_error && (s->end_error == -EBUSY || s->end_error == -EOPNOTSUPP);
}

bool trace_status_is_bad(const struct trace_status *s)
{
	return !trace_status_is_complete(s) && !trace_status_is_unknown(s) &&
	       (s->read_error || s->end_error || !s->account.repaired);
}

static void account_text(const struct nr_account *a, char *buf, size_t size)
{
	FILE *f = fmemopen(buf, size, "w");

	if (!f)
		return;
	if (a->repaired)
		fputs("repaired: events after the last whole packet are unknown", f);
	else if (a->error)
		fprintf(f, "the recording ended with an error: %s", strerror(-a->error));
	if (a->unwritten)
		fprintf(f, "%s%" PRIu64 " record%s not written", a->error ? "; " : "", a->unwritten,
			cli_plural(a->unwritten));
	if (a->unaccounted)
		fprintf(f, "%s%" PRIu64 " record%s unaccounted for",
			a->error || a->unwritten ? "; " : "", a->unaccounted,
			cli_plural(a->unaccounted));
	fclose(f);
}

const char *trace_status_text(const struct trace_status *s, char *buf, size_t size)
{
	*buf = 0;
	if (s->read_error == -EBADMSG)
		snprintf(buf, size, "the stream is damaged");
	else if (s->read_error)
		snprintf(buf, size, "cannot read the stream: %s", strerror(-s->read_error));
	else if (!s->end_error)
		account_text(&s->account, buf, size);
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
