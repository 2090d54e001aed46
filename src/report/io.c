// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "io": which block device is slow, for whom, and whether its queue or the device is. */
#include <inttypes.h>
#include <string.h>
#include "duration.h"
#include "memory.h"
#include "pending.h"
#include "report.h"
#include "rows.h"
#include "text.h"
#include "totals.h"
#include "worst.h"

#define SLOW	     10000000 /* ns from which on a request is called slow */
#define DEVICE_CHARS 16

/* Of the requests of a device with one operation. */
struct io_row {
	struct io_key {
		char device[DEVICE_CHARS];
		int64_t op;
	} key;
	const char *op;
	struct hist took, in_device; /* from insertion or issue to completion; from issue */
	uint64_t queued;	     /* ns in all */
	uint64_t bytes, errors, slow;
};

struct request {
	struct pair pair; /* insertion, or issue; completion */
	uint64_t in_device, bytes, sector;
	const char *op, *error;
	int32_t tid;
	char device[DEVICE_CHARS], comm[FEED_COMM];
};

struct io {
	const struct report_env *env;
	const struct pairs *pairs; /* it makes none: they tell when records were lost */
	struct rows rows, devices; /* devices: after the end, with all operations */
	struct rows slow_tasks;
	struct totals tasks;
	struct worst worst;
	struct pending pending;
	struct hist took;
	uint64_t end;
};

/* Slow requests of a task on a device. */
struct slow_task {
	struct slow_key {
		char device[DEVICE_CHARS], comm[FEED_COMM];
	} key;
	uint64_t n;
};

/* ---- events ---- */

enum { MAJOR, MINOR, DEVICE, OP, SECTOR, TID, COMM, BYTES, LATENCY, QUEUE, ERROR };

static void note_slow(struct io *io, const struct request *q)
{
	struct slow_key key;
	struct slow_task *t;

	memcpy(key.device, q->device, sizeof(key.device));
	memcpy(key.comm, q->comm, sizeof(key.comm));
	t = rows_get(&io->slow_tasks, &key);
	t->n++;
}

static void count(struct io *io, const struct request *q, int64_t op)
{
	uint64_t took = q->pair.end - q->pair.begin;
	struct totals_key task = { .id = q->tid };
	struct io_key key = { .op = op };
	struct io_row *row;

	memcpy(key.device, q->device, sizeof(key.device));
	row = rows_get(&io->rows, &key);
	row->op = q->op;
	hist_add(&row->took, took);
	hist_add(&row->in_device, q->in_device);
	hist_add(&io->took, took);
	row->queued += took - q->in_device;
	row->bytes += q->bytes;
	row->errors += !!q->error;
	row->slow += took > SLOW;
	memcpy(task.name, q->comm, sizeof(q->comm));
	totals_add(&io->tasks, &task, took);
	if (took > SLOW)
		note_slow(io, q);
	worst_add(&io->worst, took, (void *)q);
}

static struct pending_request pending_of(const struct feed_event *e)
{
	struct pending_request r = {
		.issued = e->ts,
		.major = feed_int(e, MAJOR),
		.minor = feed_int(e, MINOR),
		.sector = feed_int(e, SECTOR),
		.op = feed_int(e, OP),
		.op_name = feed_name(e, OP) ?: "?",
		.tid = feed_int(e, TID),
	};

	feed_text(e, DEVICE, r.device, sizeof(r.device));
	feed_text(e, COMM, r.comm, sizeof(r.comm));
	return r;
}

static void on_issue(void *state, const struct feed_event *e)
{
	const struct pending_request r = pending_of(e);
	struct io *io = state;

	if (e->passes)
		pending_add(&io->pending, &r, io->pairs->lost_until);
}

static void on_complete(void *state, const struct feed_event *e)
{
	const struct pending_request pending = pending_of(e);
	uint64_t latency = feed_int(e, LATENCY);
	struct io *io = state;
	struct request q = {
		.pair = { .begin = e->ts - latency - feed_int(e, QUEUE), .end = e->ts },
		.in_device = latency,
		.bytes = feed_int(e, BYTES),
		.sector = feed_int(e, SECTOR),
		.op = feed_name(e, OP) ?: "?",
		.error = feed_int(e, ERROR) ? feed_name(e, ERROR) ?: "?" : NULL,
		.tid = feed_int(e, TID),
	};

	pending_remove(&io->pending, &pending);
	if (!e->passes || !latency) /* 0: the issue was not seen */
		return;
	feed_text(e, DEVICE, q.device, sizeof(q.device));
	feed_text(e, COMM, q.comm, sizeof(q.comm));
	count(io, &q, feed_int(e, OP));
}

static void *io_open(const struct report_env *env, struct pairs *pairs)
{
	static const struct io_key others = { "(others)", -1 };
	static const struct slow_key other_tasks = { "(others)", "(others)" };
	struct io *io = memory_new(1, sizeof(*io));

	io->env = env;
	io->pairs = pairs;
	io->rows = io->devices = (struct rows){ .size = sizeof(struct io_row),
						.key_size = sizeof(struct io_key),
						.others = &others };
	io->slow_tasks = (struct rows){ .size = sizeof(struct slow_task),
					.key_size = sizeof(struct slow_key),
					.others = &other_tasks };
	worst_init(&io->worst, env->worst, sizeof(struct request), NULL);
	return io;
}

static void clear_row(void *p)
{
	struct io_row *row = p;

	hist_clear(&row->took);
	hist_clear(&row->in_device);
}

static void io_close(void *state)
{
	struct io *io = state;

	rows_close(&io->rows, clear_row);
	rows_close(&io->devices, clear_row);
	rows_close(&io->slow_tasks, NULL);
	totals_close(&io->tasks);
	worst_close(&io->worst);
	pending_close(&io->pending);
	hist_clear(&io->took);
	free(io);
}

static uint64_t p99(const void *row)
{
	return hist_quantile(&((const struct io_row *)row)->took, 990);
}

static uint64_t slow_count(const void *row)
{
	return ((const struct slow_task *)row)->n;
}

static void add_to_device(struct io *io, const struct io_row *row)
{
	struct io_key key = {};
	struct io_row *device;

	memcpy(key.device, row->key.device, sizeof(key.device));
	device = rows_get(&io->devices, &key);
	hist_merge(&device->took, &row->took);
	hist_merge(&device->in_device, &row->in_device);
	device->queued += row->queued;
	device->bytes += row->bytes;
	device->errors += row->errors;
	device->slow += row->slow;
}

static void io_end(void *state, uint64_t end)
{
	struct io *io = state;

	io->end = end;
	pending_end(&io->pending, report_lacks_cpus(io->env) ? UINT64_MAX : io->pairs->lost_until,
		    end);
	for (unsigned i = 0; i < io->rows.n; i++)
		add_to_device(io, io->rows.list[i]);
	rows_sort(&io->rows, p99);
	rows_sort(&io->devices, p99);
	rows_sort(&io->slow_tasks, slow_count);
	totals_sort(&io->tasks);
}

/* ---- verdict ---- */

/* "12 requests of dd took longer than 10 ms" */
static void print_slow(const struct io *io, const struct io_row *device, FILE *out)
{
	const struct slow_task *first = NULL;

	for (unsigned i = 0; i < io->slow_tasks.n && !first; i++) {
		const struct slow_task *t = io->slow_tasks.list[i];

		if (!memcmp(t->key.device, device->key.device, sizeof(t->key.device)))
			first = t;
	}
	fprintf(out, ", and %s took longer than %s", counted_text(device->slow, "request").s,
		duration(SLOW).s);
	if (first && first->n == device->slow)
		fprintf(out, ", all of %s", safe_text(first->key.comm).s);
	else if (first)
		fprintf(out, ", %" PRIu64 " of them of %s", first->n, safe_text(first->key.comm).s);
}

static unsigned device_percent(const struct io_row *row)
{
	return row->took.sum ? 100.0 * row->in_device.sum / row->took.sum + 0.5 : 0;
}

static void verdict(const void *state, FILE *out)
{
	const struct io *io = state;
	const struct io_row *d = io->devices.n ? io->devices.list[0] : NULL;
	unsigned percent;

	fputs("io: ", out);
	if (!d) {
		fputs("no request completed.", out);
		pending_print_verdict(&io->pending, io->end, out);
		return;
	}
	percent = device_percent(d);
	fprintf(out, "%s%s is %s: 99 %% of its %s took up to %s",
		d->slow ? "" : "no device is slow; ", safe_text(d->key.device).s,
		d->slow ? "slow" : "the slowest", counted_text(d->took.n, "request").s,
		duration(p99(d)).s);
	if (d->slow)
		print_slow(io, d, out);
	fprintf(out, "; %u %% of the time was spent in the %s",
		percent >= 50 ? percent : 100 - percent, percent >= 50 ? "device" : "queue");
	if (d->errors)
		fprintf(out, "; %s failed", counted_text(d->errors, "request").s);
	fputc('.', out);
	pending_print_verdict(&io->pending, io->end, out);
}

/* ---- text ---- */

static double seconds(const struct io *io)
{
	return io->end > io->env->begin ? (io->end - io->env->begin) / 1e9 : 1e-9;
}

static void print_request(const struct io *io, const struct request *q, FILE *out)
{
	uint64_t took = q->pair.end - q->pair.begin;

	fprintf(out, "%s %9s %9s %9s  %-8s %-8s %9" PRIu64 "  %s%s%s\n",
		time_text(io->env, q->pair.begin).s, duration(took).s,
		duration(took - q->in_device).s, duration(q->in_device).s, safe_text(q->device).s,
		q->op, q->bytes, task_text(q->comm, q->tid).s, q->error ? ": " : "",
		q->error ?: "");
}

static void print_row(const struct io *io, const struct io_row *r, FILE *out)
{
	double s = seconds(io);

	fprintf(out, "%-8s %-8s %9" PRIu64 " %9.1f %9.2f %9s %9s %9s %9s %6" PRIu64 "\n",
		safe_text(r->key.device).s, r->op, r->took.n, r->took.n / s, r->bytes / s / 1e6,
		duration(r->queued / r->took.n).s, duration(hist_quantile(&r->took, 500)).s,
		duration(p99(r)).s, duration(r->took.max).s, r->errors);
}

static void io_print(void *state, FILE *out)
{
	struct io *io = state;

	print_paragraph(out, verdict, io);
	pending_print(&io->pending, io->env, io->end, out);
	if (!io->took.n)
		return;
	fprintf(out, "\n%-15s %9s %9s %9s  %-8s %-8s %9s  %s\n", "BEGIN", "TOOK", "QUEUED",
		"IN DEVICE", "DEVICE", "OP", "BYTES", "TASK");
	for (unsigned i = 0; i < io->worst.n; i++)
		print_request(io, worst_at(&io->worst, i), out);
	fputc('\n', out);
	hist_print(&io->took, out, io->env->utf8);
	fprintf(out, "\n%-8s %-8s %9s %9s %9s %9s %9s %9s %9s %6s\n", "DEVICE", "OP", "REQUESTS",
		"PER S", "MB/S", "AVG QUEUE", "P50", "P99", "LONGEST", "ERRORS");
	for (unsigned i = 0; i < io->rows.n && i < io->env->worst; i++)
		print_row(io, io->rows.list[i], out);
	print_more(out, io->rows.n, io->env->worst);
	fputc('\n', out);
	totals_print(&io->tasks, out, "TASK", "REQUESTS", io->env->worst);
}

/* ---- JSON ---- */

static json_t *json_request(const void *item, const void *ctx)
{
	const struct request *q = item;
	uint64_t took = q->pair.end - q->pair.begin;

	(void)ctx;
	return json_pack("{s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:s, s:i, s:s?}", "begin_ns",
			 (json_int_t)q->pair.begin, "duration_ns", (json_int_t)took, "queue_ns",
			 (json_int_t)(took - q->in_device), "device_ns", (json_int_t)q->in_device,
			 "device", safe_text(q->device).s, "op", q->op, "bytes",
			 (json_int_t)q->bytes, "sector", (json_int_t)q->sector, "comm",
			 safe_text(q->comm).s, "tid", q->tid, "error", q->error);
}

static json_t *json_row(const void *row, const void *io)
{
	const struct io_row *r = row;
	double s = seconds(io);

	return json_pack("{s:s, s:s?, s:I, s:f, s:I, s:f, s:I, s:I, s:I, s:I, s:o, s:o}", "device",
			 safe_text(r->key.device).s, "op", r->op, "requests", (json_int_t)r->took.n,
			 "requests_per_s", r->took.n / s, "bytes", (json_int_t)r->bytes,
			 "bytes_per_s", r->bytes / s, "queue_ns", (json_int_t)r->queued,
			 "device_ns", (json_int_t)r->in_device.sum, "slow", (json_int_t)r->slow,
			 "errors", (json_int_t)r->errors, "took", hist_json(&r->took), "in_device",
			 hist_json(&r->in_device));
}

static json_t *io_json(void *state)
{
	struct io *io = state;

	return json_pack("{s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o}", "report", "io", "verdict",
			 text_json(verdict, io), "worst",
			 worst_json(&io->worst, json_request, NULL), "pending",
			 pending_json(&io->pending, io->end), "pending_doubtful",
			 (json_int_t)io->pending.doubtful, "histogram", hist_json(&io->took),
			 "devices", rows_json(&io->devices, json_row, io), "operations",
			 rows_json(&io->rows, json_row, io), "tasks", totals_json(&io->tasks));
}

#define REQUEST_FIELDS "major", "minor", "device", "op", "sector", "tid", "comm"

static const struct feed_type events[] = {
	{ "block_complete",
	  "block",
	  { REQUEST_FIELDS, "bytes", "latency_ns", "queue_ns", "error" },
	  on_complete },
	{ "block_issue", "block", { REQUEST_FIELDS }, on_issue },
	{},
};

const struct report report_io = {
	.name = "io",
	.about = "which block device is slow, for whom, and why",
	.sources = "block",
	.events = events,
	.pair_size = sizeof(struct pair),
	.open = io_open,
	.close = io_close,
	.end = io_end,
	.print = io_print,
	.json = io_json,
};
