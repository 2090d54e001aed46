/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "fill.h"
#include "misfits.h"
#include "summary.h"

/* A watermark older than this is reported. */
#define STALLED_NS 200000000u

/* Why a watermark is lag ns old: for busy ns of that a reserved record was not submitted, for idle
 * ns the consumer did not run. */
static const char *stall_cause(enum nr_order order, uint64_t lag, uint64_t busy, uint64_t idle)
{
	if (order == NR_ORDER_RCU && busy <= lag / 2 && idle <= lag / 2)
		return "no RCU grace period ended";
	if (busy > idle)
		return "a program did not submit its record (BUSY)";
	return "its consumer was not scheduled";
}

/* With --order rcu all watermarks may have the same age, but for different reasons. */
static bool holds_longer(const struct nr_shard_stats *a, const struct nr_shard_stats *b)
{
	return a->lag_ns != b->lag_ns ? a->lag_ns > b->lag_ns : a->busy_ns > b->busy_ns;
}

/* Names the shard that holds up the merge, and the cause. Prints nothing if none does. */
static void print_stall(FILE *out, const struct nr_stats *st, enum nr_order order)
{
	const struct nr_shard_stats *worst;
	unsigned at = 0;

	for (unsigned i = 1; i < st->n_shards; i++)
		if (holds_longer(nr_stats_shard(st, i), nr_stats_shard(st, at)))
			at = i;
	worst = nr_stats_shard(st, at);
	if (worst->lag_ns > STALLED_NS)
		fprintf(out, "  shard %u stalled: %s", at,
			stall_cause(order, worst->lag_ns, worst->busy_ns, worst->idle_ns));
}

/* Names each shard that held up the merge for a while. */
static void print_stalls(FILE *out, const struct nr_stats *st, enum nr_order order)
{
	for (unsigned i = 0; i < st->n_shards; i++) {
		const struct nr_shard_stats *s = nr_stats_shard(st, i);

		if (s->lag_max_ns > STALLED_NS)
			fprintf(out, "shard %u stalled for up to %.0f ms: %s\n", i,
				s->lag_max_ns / 1e6,
				stall_cause(order, s->lag_max_ns, s->lag_max_busy_ns,
					    s->lag_max_idle_ns));
	}
}

static bool output_was_slow(const struct nr_stats *st)
{
	return st->output_total_ns > st->duration_ns / 2;
}

/* Names what kept the rings full although the consumers ran: an output, or the merge thread. */
static void print_merge(FILE *out, const struct nr_stats *st)
{
	if (st->output_ns > STALLED_NS)
		fprintf(out, "the output has been blocked for %.1f s\n", st->output_ns / 1e9);
	if (st->output_max_ns > STALLED_NS || (st->lost_total && output_was_slow(st)))
		fprintf(out,
			"the output was slow: one write took %.0f ms; %.1f of %.1f s were spent "
			"writing\n",
			st->output_max_ns / 1e6, st->output_total_ns / 1e9, st->duration_ns / 1e9);
	if (st->merge_idle_max_ns > STALLED_NS)
		fprintf(out, "the merge thread was not scheduled for up to %.0f ms\n",
			st->merge_idle_max_ns / 1e6);
}

void summary_progress(FILE *out, const struct nr_stats *st, enum nr_order order,
		      uint64_t events_before, double seconds)
{
	char rate[16], bytes[16];

	fprintf(out,
		"\r%s events/s  %sB written  %" PRIu64 " lost  fullest shard %.0f %%  lag %.0f ms",
		cli_format_count(rate, sizeof(rate),
				 (st->events_written - events_before) / seconds),
		cli_format_count(bytes, sizeof(bytes), st->bytes_written), st->lost_total,
		fill_of_fullest(st), st->lag_ns / 1e6);
	if (st->output_ns > STALLED_NS)
		fprintf(out, "  the output has been blocked for %.1f s", st->output_ns / 1e9);
	else
		print_stall(out, st, order);
	fputs("\033[K", out);
	fflush(out);
}

static void print_causes(FILE *out, const uint64_t *lost)
{
	const char *sep = " (";

	for (unsigned k = 0; k < NR_LOSS_SLOTS; k++) {
		if (!lost[k])
			continue;
		fprintf(out, "%s%s %" PRIu64, sep, nr_loss_name(k) ?: "other", lost[k]);
		sep = ", ";
	}
	if (*sep == ',')
		fputc(')', out);
}

static uint64_t sum_lost(const uint64_t *lost)
{
	uint64_t sum = 0;

	for (unsigned k = 0; k < NR_LOSS_SLOTS; k++)
		sum += lost[k];
	return sum;
}

static bool has_lanes(const struct nr_stats *st)
{
	return nr_stats_shard(st, 0)->block_bytes;
}

/* The columns RING, or MEMORY, LANES and BLOCK. */
static const char *format_memory(char *text, size_t size, const struct nr_shard_stats *s)
{
	char bytes[24], block[24];

	cli_format_size(bytes, sizeof(bytes), s->ring_bytes);
	if (s->block_bytes)
		snprintf(text, size, "%6s  %5u  %5s", bytes, s->lanes,
			 cli_format_size(block, sizeof(block), s->block_bytes));
	else
		snprintf(text, size, "%5s", bytes);
	return text;
}

static void print_shard(FILE *out, unsigned i, const struct nr_plan_shard *plan,
			const struct nr_shard_stats *s)
{
	char cpus[25], memory[40], pages[32];

	if (s->pages_on_node < 0)
		snprintf(pages, sizeof(pages), "-");
	else
		snprintf(pages, sizeof(pages), "%zd/%zu", s->pages_on_node, s->pages);
	fprintf(out, "%5u  %4d%s %-24s  %s  %13s  %12" PRIu64 "  %4.0f %%  %6" PRIu64 "  %" PRIu64,
		i, plan->node, plan->node_is_own ? " " : "*",
		nr_cpu_list(cpus, sizeof(cpus), plan->cpus, plan->n_cpus),
		format_memory(memory, sizeof(memory), s), pages, s->records,
		100.0 * s->fill_peak / s->ring_bytes, s->late, sum_lost(s->lost));
	print_causes(out, s->lost);
	fputc('\n', out);
}

/* What to do about losses, by cause: with rings, and with lanes. Where there is no advice, a message
 * has said it. */
static const char *const advice[NR_LOSS_CAUSES][2] = {
	[NR_LOSS_FULL] = { "a ring had no room: use a larger --ring-size, or record less "
			   "(--filter)",
			   "a CPU had used all blocks of its lane: use a larger --ring-size, or "
			   "record "
			   "less (--filter)" },
	[NR_LOSS_CONTENDED] = { "the lock of a ring was taken: use more shards (--shards cpu), or "
				"--transport lane",
				"other programs interrupted each try to reserve: run them less "
				"often, or "
				"record fewer interrupts" },
	[NR_LOSS_OVERSIZE] = { "the record was larger than a ring: use a larger --ring-size",
			       "the record was larger than a block (column BLOCK): use a larger "
			       "--ring-size, or "
			       "--transport ring" },
	[NR_LOSS_ABANDONED] = { NULL,
				"a program ended without nr_submit or nr_discard: a warning names "
				"its event and CPU" },
};

static void print_advice(FILE *out, const struct nr_stats *st)
{
	for (unsigned k = 0; k < NR_LOSS_CAUSES; k++) {
		const char *text = advice[k][has_lanes(st)];

		if (!st->lost[k] || !text || (k == NR_LOSS_FULL && output_was_slow(st)))
			continue;
		fprintf(out, "%" PRIu64 " record%s lost (%s), because %s\n", st->lost[k],
			cli_plural(st->lost[k]), nr_loss_name(k), text);
	}
}

/* A packet counts as written if the output took all of it. Part of a packet that failed may have
 * reached the output as well. */
static void print_unwritten(FILE *out, const struct summary *s)
{
	const struct nr_stats *st = s->stats;

	fprintf(out, "%" PRIu64 " record%s read but not written", st->unwritten,
		cli_plural(st->unwritten));
	if (s->delivered > st->events_written)
		fprintf(out, " (%" PRIu64 " of them reached the output)",
			s->delivered - st->events_written);
	fprintf(out, ": %s\n", s->error ? s->error : "the reader closed the pipe");
}

static struct misfits misfits_of(const struct summary *s)
{
	const struct nr_stats *st = s->stats;

	return (struct misfits){ s->types, st->types, st->n_types, st->type_stride };
}

static const char *why_missed(const struct output *o, const struct nr_output_stats *st)
{
	if (o->json_lines && st->error == -EPIPE)
		return "its reader closed the pipe";
	return o->error || st->error ? "it failed" : "it fell behind";
}

static bool is_compressed(const struct summary *s, const struct output *o)
{
	return !o->json_lines && s->outputs->trace.compress;
}

/* "12.0MB", or "144.1MB (12.0MB compressed)". */
static const char *format_bytes(char *text, size_t size, const struct nr_output_stats *st,
				bool compressed)
{
	char bytes[16], plain[16];

	cli_format_count(bytes, sizeof(bytes), st->bytes);
	if (compressed)
		snprintf(text, size, "%sB (%sB compressed)",
			 cli_format_count(plain, sizeof(plain), st->plain_bytes), bytes);
	else
		snprintf(text, size, "%sB", bytes);
	return text;
}

static void print_output(FILE *out, const struct summary *s, unsigned i)
{
	const struct nr_output_stats *st = nr_stats_output(s->stats, i);
	const struct output *o = &s->outputs->list[i];
	char *path = cli_escape(o->path), bytes[48];

	fprintf(out, "%soutput %s: %" PRIu64 " events, %s", st->optional ? "optional " : "",
		path ?: "", st->events,
		format_bytes(bytes, sizeof(bytes), st, is_compressed(s, o)));
	if (st->missed_events)
		fprintf(out, "; %" PRIu64 " events missed in %" PRIu64 " packets, because %s",
			st->missed_events, st->missed_packets, why_missed(o, st));
	else if (st->error)
		fprintf(out, "; %s", why_missed(o, st));
	fputc('\n', out);
	free(path);
}

/* Removed chunks are no loss: somebody asked for it. */
static void print_dropped(FILE *out, const struct summary *s, unsigned i)
{
	const struct nr_output_opts *opts = &s->outputs->trace;
	const struct nr_output_stats *st = nr_stats_output(s->stats, i);
	char *path;

	if (!st->dropped_chunks)
		return;
	path = cli_escape(s->outputs->list[i].path);
	fprintf(out, "dropped %" PRIu64 " event%s in %" PRIu64 " chunk%s of %s (%s)\n",
		st->dropped_events, cli_plural(st->dropped_events), st->dropped_chunks,
		cli_plural(st->dropped_chunks), path ?: "",
		opts->keep_bytes || opts->keep_chunks ? "--keep" : "--on-full");
	free(path);
}

static void print_paused(FILE *out, const struct summary *s, unsigned i)
{
	const struct nr_output_stats *st = nr_stats_output(s->stats, i);
	char *path;

	if (!st->paused_ns)
		return;
	path = cli_escape(s->outputs->list[i].path);
	fprintf(out, "%s waited %.1f s for room on its disk\n", path ?: "", st->paused_ns / 1e9);
	free(path);
}

static void print_filtered(FILE *out, const struct nr_stats *st)
{
	if (st->filtered && st->lost_total)
		fputs("lost records were not compared with the filter: they may not match it\n",
		      out);
}

static void print_unfollowed(FILE *out, const struct nr_stats *st)
{
	if (st->unfollowed)
		fprintf(out,
			"%" PRIu64
			" process%s not followed, nor what %s started: too many at once; "
			"record without --follow\n",
			st->unfollowed, st->unfollowed == 1 ? " was" : "es were",
			st->unfollowed == 1 ? "it" : "they");
}

static void print_identity(FILE *out, const struct summary *s)
{
	const struct nr_stats *st = s->stats;

	fprintf(out, "%" PRIu64 " reserved = %" PRIu64 " written + %" PRIu64 " discarded",
		st->reserved, st->events_written, st->discarded);
	if (st->filtered)
		fprintf(out, " + %" PRIu64 " filtered", st->filtered);
	if (st->unwritten)
		fprintf(out, " + %" PRIu64 " not written", st->unwritten);
	if (st->malformed)
		fprintf(out, " + %" PRIu64 " malformed", st->malformed);
	fprintf(out, "; %" PRIu64 " lost; %" PRIu64 " unaccounted\n", st->lost_total,
		st->unaccounted);
	if (st->unwritten)
		print_unwritten(out, s);
	if (st->malformed)
		fprintf(out,
			"%" PRIu64 " record%s from a program that does not use numaring.bpf.h: not "
			"written\n",
			st->malformed, cli_plural(st->malformed));
	if (st->skipped_runs)
		fprintf(out,
			"the kernel skipped %" PRIu64 " run%s of programs while another program "
			"ran on the same CPU: what these runs would have recorded is missing\n",
			st->skipped_runs, cli_plural(st->skipped_runs));
	for (unsigned i = 0; i < st->n_shards; i++)
		if (nr_stats_shard(st, i)->unread)
			fprintf(out, "shard %u: %" PRIu64 " byte%s never read\n", i,
				nr_stats_shard(st, i)->unread,
				cli_plural(nr_stats_shard(st, i)->unread));
}

/* "144.1MB in DIR (12.0MB compressed), ". */
static void print_place(FILE *out, const struct summary *s)
{
	const struct nr_output_stats *st = nr_stats_output(s->stats, 0);
	const struct output *o = &s->outputs->list[0];
	bool compressed = is_compressed(s, o);
	char *name = cli_escape(o->path), bytes[16];

	fprintf(out, "%sB in %s",
		cli_format_count(bytes, sizeof(bytes), compressed ? st->plain_bytes : st->bytes),
		name ?: "");
	if (compressed)
		fprintf(out, " (%sB compressed)",
			cli_format_count(bytes, sizeof(bytes), st->bytes));
	fputs(", ", out);
	free(name);
}

static void print_headline(FILE *out, const struct summary *s)
{
	const struct nr_stats *st = s->stats;
	double seconds = st->duration_ns / 1e9;
	char rate[16];

	fprintf(out, "%" PRIu64 " event%s in %.2f s (%s/s), ", st->events_written,
		cli_plural(st->events_written), seconds,
		cli_format_count(rate, sizeof(rate), st->events_written / seconds));
	if (st->bytes_written && s->outputs->n == 1)
		print_place(out, s);
	fprintf(out, "%.2f s of CPU, %" PRIu64 " late", st->cpu_ns / 1e9, st->late);
	if (s->brief)
		fprintf(out, ", %" PRIu64 " lost", st->lost_total);
	fputc('\n', out);
}

static void print_details(FILE *out, const struct summary *s)
{
	const struct misfits misfits = misfits_of(s);
	const struct nr_stats *st = s->stats;

	fprintf(out, "%5s  %4s  %-24s  %s  %13s  %12s  %6s  %6s  %s\n", "SHARD", "NODE", "CPUS",
		has_lanes(st) ? "MEMORY  LANES  BLOCK" : " RING", "PAGES ON NODE", "RECORDS",
		"PEAK", "LATE", "LOST");
	for (unsigned i = 0; i < st->n_shards; i++)
		print_shard(out, i, nr_plan_shard_at(s->plan, i), nr_stats_shard(st, i));
	for (unsigned i = 0; s->outputs->n > 1 && i < s->outputs->n; i++)
		print_output(out, s, i);
	for (unsigned i = 0; i < s->outputs->n; i++) {
		print_dropped(out, s, i);
		print_paused(out, s, i);
	}
	print_merge(out, st);
	print_stalls(out, st, s->order);
	print_advice(out, st);
	misfits_print(out, &misfits);
	print_identity(out, s);
	print_filtered(out, st);
	print_unfollowed(out, st);
}

int summary_print(FILE *out, const struct summary *s)
{
	print_headline(out, s);
	if (!s->brief)
		print_details(out, s);
	errno = 0;
	return fflush(out) || ferror(out) ? -errno ?: -EIO : 0;
}

static json_t *json_lost(const uint64_t *lost)
{
	json_t *o = json_object();

	for (unsigned k = 0; k < NR_LOSS_SLOTS; k++)
		if (nr_loss_name(k))
			json_object_set_new(o, nr_loss_name(k), json_integer(lost[k]));
	return o;
}

static json_t *json_cpus(const struct nr_plan_shard *plan)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < plan->n_cpus; i++)
		json_array_append_new(list, json_integer(plan->cpus[i]));
	return list;
}

static void set(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer(n));
}

static json_t *json_shard(const struct nr_plan_shard *plan, const struct nr_shard_stats *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "node", json_integer(plan->node));
	json_object_set_new(o, "node_is_own", json_boolean(plan->node_is_own));
	json_object_set_new(o, "cpus", json_cpus(plan));
	set(o, "ring_bytes", s->ring_bytes);
	set(o, "lanes", s->lanes);
	set(o, "block_bytes", s->block_bytes);
	set(o, "pages", s->pages);
	json_object_set_new(o, "pages_on_node", json_integer(s->pages_on_node));
	set(o, "index_pages", s->index_pages);
	json_object_set_new(o, "index_on_node", json_integer(s->index_on_node));
	set(o, "records", s->records);
	set(o, "written", s->written);
	set(o, "discarded", s->discarded);
	set(o, "malformed", s->malformed);
	set(o, "late", s->late);
	set(o, "unsorted", s->unsorted);
	set(o, "behind", s->behind);
	set(o, "behind_by_ns", s->behind_by_ns);
	set(o, "lost", sum_lost(s->lost));
	json_object_set_new(o, "lost_by_cause", json_lost(s->lost));
	set(o, "unread_bytes", s->unread);
	set(o, "fill_peak_bytes", s->fill_peak);
	set(o, "lag_ns", s->lag_ns);
	set(o, "busy_ns", s->busy_ns);
	set(o, "idle_ns", s->idle_ns);
	set(o, "lag_max_ns", s->lag_max_ns);
	set(o, "busy_max_ns", s->busy_max_ns);
	set(o, "idle_max_ns", s->idle_max_ns);
	set(o, "lag_max_busy_ns", s->lag_max_busy_ns);
	set(o, "lag_max_idle_ns", s->lag_max_idle_ns);
	return o;
}

/* JSON is UTF-8. In a path that is not, every byte above 0x7f becomes a question mark. */
static json_t *json_path(const char *path)
{
	json_t *text = json_string(path);
	char *copy = text || !path ? NULL : strdup(path);

	for (char *p = copy; p && *p; p++)
		if (*p & 0x80)
			*p = '?';
	if (copy)
		text = json_string(copy);
	free(copy);
	return text ?: json_null();
}

static void add_trace(json_t *o, const struct nr_output_stats *st)
{
	set(o, "plain_bytes", st->plain_bytes);
	set(o, "chunks", st->chunks);
	set(o, "dropped_chunks", st->dropped_chunks);
	set(o, "dropped_events", st->dropped_events);
}

static json_t *json_output(const struct output *output, const struct nr_output_stats *st)
{
	json_t *o = json_object();

	json_object_set_new(o, "path", json_path(output->path));
	json_object_set_new(o, "format", json_string(output->json_lines ? "jsonl" : "ctf"));
	json_object_set_new(o, "optional", json_boolean(st->optional));
	set(o, "packets", st->packets);
	set(o, "events", st->events);
	set(o, "bytes", st->bytes);
	if (!output->json_lines)
		add_trace(o, st);
	set(o, "missed_packets", st->missed_packets);
	set(o, "missed_events", st->missed_events);
	set(o, "busy_max_ns", st->busy_max_ns);
	set(o, "busy_total_ns", st->busy_total_ns);
	set(o, "paused_ns", st->paused_ns);
	json_object_set_new(o, "error",
			    st->error ? json_string(strerror(-st->error)) : json_null());
	return o;
}

static json_t *json_outputs(const struct summary *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->outputs->n; i++)
		json_array_append_new(
			list, json_output(&s->outputs->list[i], nr_stats_output(s->stats, i)));
	return list;
}

static json_t *json_summary(const struct summary *s)
{
	const struct misfits misfits = misfits_of(s);
	const struct nr_stats *st = s->stats;
	json_t *o = json_object(), *shards = json_array();

	json_object_set_new(o, "duration_s", json_real(st->duration_ns / 1e9));
	json_object_set_new(o, "cpu_s", json_real(st->cpu_ns / 1e9));
	set(o, "reserved", st->reserved);
	set(o, "events_written", st->events_written);
	set(o, "bytes_written", st->bytes_written);
	set(o, "lost", st->lost_total);
	json_object_set_new(o, "lost_by_cause", json_lost(st->lost));
	set(o, "discarded", st->discarded);
	set(o, "filtered", st->filtered);
	set(o, "unfollowed", st->unfollowed);
	set(o, "malformed", st->malformed);
	set(o, "late", st->late);
	set(o, "misfits", st->misfits);
	json_object_set_new(o, "misfits_by_type", misfits_json(&misfits));
	set(o, "unwritten", st->unwritten);
	set(o, "delivered", s->delivered);
	set(o, "unaccounted", st->unaccounted);
	set(o, "output_ns", st->output_ns);
	set(o, "output_max_ns", st->output_max_ns);
	set(o, "output_total_ns", st->output_total_ns);
	set(o, "merge_idle_max_ns", st->merge_idle_max_ns);
	set(o, "merge_waited_ns", st->merge_waited_ns);
	set(o, "skipped_runs", st->skipped_runs);
	json_object_set_new(o, "order", json_string(s->order == NR_ORDER_RCU ? "rcu" : "fence"));
	json_object_set_new(o, "transport", json_string(has_lanes(st) ? "lane" : "ring"));
	json_object_set_new(o, "policy", json_string(s->plan->policy));
	json_object_set_new(o, "clocksource", json_string(st->clocksource));
	json_object_set_new(o, "output", json_path(s->outputs->list[0].path));
	json_object_set_new(o, "outputs", json_outputs(s));
	json_object_set_new(o, "error", s->error ? json_string(s->error) : json_null());
	for (unsigned i = 0; i < st->n_shards; i++)
		json_array_append_new(
			shards, json_shard(nr_plan_shard_at(s->plan, i), nr_stats_shard(st, i)));
	json_object_set_new(o, "shards", shards);
	return o;
}

int summary_json(FILE *out, const struct summary *s)
{
	json_t *o = json_summary(s);
	int err = 0;

	errno = 0;
	if (json_dumpf(o, out, JSON_INDENT(2) | JSON_ENSURE_ASCII) || fputc('\n', out) == EOF ||
	    fflush(out))
		err = errno ? -errno : -EIO;
	json_decref(o);
	return err;
}
