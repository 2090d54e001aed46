/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "cli.h"
#include "trace_status.h"

struct trace_status trace_status_of(const struct nr_trace *trace, int read)
{
	struct trace_status e = { .read = read, .account.sz = sizeof(e.account) };

	e.mark = nr_trace_end(trace, &e.account);
	return e;
}

bool trace_status_is_complete(const struct trace_status *e)
{
	const struct nr_account *a = &e->account;

	return !e->read && !e->mark && !a->repaired && !a->error && !a->unwritten &&
	       !a->unaccounted;
}

bool trace_status_is_unknown(const struct trace_status *e)
{
	return !e->read && (e->mark == -EBUSY || e->mark == -EOPNOTSUPP);
}

bool trace_status_is_bad(const struct trace_status *e)
{
	return !trace_status_is_complete(e) && !trace_status_is_unknown(e) &&
	       (e->read || e->mark || !e->account.repaired);
}

static void mark_text(const struct nr_account *a, char *buf, size_t size)
{
	FILE *f = fmemopen(buf, size, "w");

	if (!f)
		return;
	if (a->repaired)
		fputs("repaired: events after the last whole packet are unknown", f);
	else if (a->error)
		fprintf(f, "the recording ended with an error: %s", strerror(-a->error));
	if (a->unwritten)
		fprintf(f, "%s%" PRIu64 " records were not written", a->error ? "; " : "",
			a->unwritten);
	if (a->unaccounted)
		fprintf(f, "%s%" PRIu64 " records are unaccounted for",
			a->error || a->unwritten ? "; " : "", a->unaccounted);
	fclose(f);
}

const char *trace_status_text(const struct trace_status *e, char *buf, size_t size)
{
	*buf = 0;
	if (e->read == -EBADMSG)
		snprintf(buf, size, "the stream is damaged");
	else if (e->read)
		snprintf(buf, size, "the stream cannot be read: %s", strerror(-e->read));
	else if (!e->mark)
		mark_text(&e->account, buf, size);
	else if (e->mark == -EBUSY)
		snprintf(buf, size, "it is still being recorded; more events may follow");
	else if (e->mark == -EOPNOTSUPP)
		snprintf(buf, size, "traces of format 1.0 have no end mark");
	else
		snprintf(buf, size,
			 "it ends without its end mark: the recorder was killed, or the machine or "
			 "the disk failed");
	return buf;
}

void trace_status_hint(const struct nr_trace *trace, int read, const char *dir)
{
	if (read == -EBADMSG && nr_trace_packet(trace))
		cli_error(
			"\"numaring repair %s\" writes a copy that ends with the last whole packet",
			dir);
}
