/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring verify: reads all of a trace and says what is wrong with it, and where. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <numaring/symbols.h>
#include "cli.h"
#include "counts.h"
#include "help.h"
#include "trace_json.h"
#include "trace_status.h"

struct args {
	const char *dir;
	bool json;
};

static const struct argp_option options[] = {
	{ .name = "json", .key = 'j' },
	{ 0 },
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'j':
		args->json = true;
		return 0;
	default:
		return cli_parse_dir(key, arg, state, &args->dir);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_opt,
	.args_doc = "DIR",
	.doc = help_verify_txt,
};

/* What is wrong. Text is printed at once. */
struct findings {
	bool json;
	json_t *damages, *problems; /* if json */
	uint64_t n_damages, n_problems;
};

/* NULL, or a string that is valid UTF-8. */
static json_t *json_text(const char *text)
{
	char *safe = cli_escape(text);
	json_t *string = json_string(safe ?: "");

	free(safe);
	return string;
}

static void print_damage(const struct nr_damage *d)
{
	char *file = cli_escape(d->file), *what = cli_escape(d->what);

	printf("%s: byte %" PRIu64, file ?: "", d->offset);
	if (d->size)
		printf(", %" PRIu64 " byte%s", d->size, cli_plural(d->size));
	printf(": %s", what ?: "");
	if (d->packets)
		printf("; %" PRIu64 " packet%s missing", d->packets, cli_plural(d->packets));
	putchar('\n');
	free(file);
	free(what);
}

static void take_damage(void *ctx, const struct nr_damage *d)
{
	struct findings *f = ctx;

	f->n_damages++;
	if (!f->json) {
		print_damage(d);
		return;
	}
	json_array_append_new(f->damages,
			      json_pack("{s:o, s:I, s:I, s:o, s:I}", "file", json_text(d->file),
					"offset", (json_int_t)d->offset, "size",
					(json_int_t)d->size, "what", json_text(d->what), "packets",
					(json_int_t)d->packets));
}

/* Something that has no place in a file. */
__attribute__((format(printf, 2, 3))) static void problem(struct findings *f, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->n_problems++;
	if (f->json)
		json_array_append_new(f->problems, json_text(text));
	else
		puts(text);
}

static void check_events(struct findings *f, const struct counts *n)
{
	if (n->unordered)
		problem(f, "%" PRIu64 " event%s earlier than the one before", n->unordered,
			n->unordered == 1 ? " is" : "s are");
	if (n->misplaced)
		problem(f, "%" PRIu64 " loss%s counted by the wrong packet", n->misplaced,
			n->misplaced == 1 ? " is" : "es are");
}

/* Do the counts of the end mark agree with each other? */
static void check_account(struct findings *f, const struct nr_account *a, bool is_chunk)
{
	uint64_t read = a->written + a->filtered + a->discarded + a->malformed + a->unwritten;
	uint64_t lost = 0;

	if (a->earlier > a->written || (is_chunk && a->chunk && !a->earlier))
		problem(f,
			"the end mark counts %" PRIu64 " events, %" PRIu64
			" of them in earlier chunks",
			a->written, a->earlier);
	if (a->repaired || a->rotated) /* the rest is not known */
		return;
	if (!a->unaccounted && a->reserved != read)
		problem(f,
			"the end mark counts %" PRIu64 " reserved records, but %" PRIu64
			" that were written, filtered, discarded, malformed or not written",
			a->reserved, read);
	for (unsigned i = 0; i < a->n_lost; i++)
		lost += a->lost[i];
	if (lost != a->lost_total)
		problem(f,
			"the end mark counts %" PRIu64 " lost records, but %" PRIu64
			" by their causes",
			a->lost_total, lost);
}

/* The events that the end mark counts in this trace or chunk. */
static uint64_t expected_events(const struct nr_account *a)
{
	return a->written > a->earlier ? a->written - a->earlier : 0;
}

/* Do they agree with what was read? Damage takes events away. */
static void check_counts(struct findings *f, const struct counts *n, const struct trace_status *s)
{
	const struct nr_account *a = &s->account;
	uint64_t here = n->events + n->gaps.events, all = expected_events(a);
	bool whole = !f->n_damages && !s->damaged_packets;

	if (here > all || (whole && here != all))
		problem(f, "the end mark counts %" PRIu64 " events, but %" PRIu64 " are here", all,
			here);
	/* Late ones in gaps and in other chunks are not known. */
	if (n->late > a->late || (whole && !s->missed_packets && !a->earlier && n->late != a->late))
		problem(f, "the end mark counts %" PRIu64 " late events, but %" PRIu64 " are here",
			a->late, n->late);
}

static void check(struct findings *f, const struct counts *n, const struct trace_status *s)
{
	char text[512];

	check_events(f, n);
	if (!s->end_error) {
		check_account(f, &s->account, s->is_chunk);
		check_counts(f, n, s);
	}
	if (trace_status_is_bad(s))
		problem(f, "%s", trace_status_text(s, text, sizeof(text)));
}

/* The account of a chunk's end mark, without its events. Its damage was reported before. */
static int read_chunk_end(const char *dir, uint64_t number, struct nr_account *account)
{
	const struct nr_trace_opts quiet = { .sz = sizeof(quiet) };
	struct nr_trace *chunk = NULL;
	struct nr_event ev;
	char *path;
	int err;

	if (asprintf(&path, "%s/%06" PRIu64, dir, number) < 0)
		return -ENOMEM;
	err = nr_trace_open(&chunk, path, &quiet) ?: nr_trace_seek(chunk, UINT64_MAX);
	if (!err)
		err = nr_trace_next(chunk, &ev) < 0 ? -EBADMSG : nr_trace_end(chunk, account);
	nr_trace_close(chunk);
	free(path);
	return err;
}

/* Does the end mark of a chunk agree with its events? At most so many more may be missing in it. */
static void check_chunk(struct findings *f, const struct counts_chunk *n, uint64_t most,
			const struct nr_account *a)
{
	uint64_t here = n->events + n->missed, all = expected_events(a);

	if (all < here || all - here > most)
		problem(f,
			"the end mark of chunk %06" PRIu64 " counts %" PRIu64
			" events, but %" PRIu64 " are here",
			n->number, all, here);
}

/* The end marks of two chunks, one after the other. After damage, the first one may be of a repair,
 * and not count all. */
static void check_sequence(struct findings *f, uint64_t chunk, const struct nr_account *a,
			   const struct nr_account *before, bool damaged)
{
	if (a->earlier < before->written || (!damaged && a->earlier != before->written))
		problem(f,
			"the end mark of chunk %06" PRIu64 " counts %" PRIu64
			" events before it, but the "
			"one of the chunk before counts %" PRIu64,
			chunk, a->earlier, before->written);
	if (a->late < before->late)
		problem(f,
			"the end mark of chunk %06" PRIu64 " counts %" PRIu64
			" late events, but the one of "
			"the chunk before counts %" PRIu64,
			chunk, a->late, before->late);
}

/* The end marks of all chunks. Whether that of the last one agrees with the events was checked. */
static void check_chunks(struct findings *f, const struct counts *n, const char *dir)
{
	bool damaged = f->n_damages || n->gaps.damaged;
	struct nr_account before = {};

	for (size_t i = 0; n->n_chunks > 1 && i < n->n_chunks; i++) {
		const struct counts_chunk *chunk = &n->chunks[i];
		struct nr_account a = { .sz = sizeof(a) };

		if (read_chunk_end(dir, chunk->number, &a)) {
			before.sz = 0;
			continue;
		}
		if (i + 1 < n->n_chunks)
			check_chunk(f, chunk,
				    damaged ? UINT64_MAX
					    : chunk->missed_before + chunk[1].missed_before,
				    &a);
		if (before.sz && chunk->number == chunk[-1].number + 1)
			check_sequence(f, chunk->number, &a, &before, damaged);
		before = a;
	}
}

static void take_symbols_message(void *ctx, enum nr_log_level level, const char *text)
{
	(void)level;
	problem(ctx, "%s", text);
}

/* The files that give addresses in stacks names. */
static void check_symbols(struct findings *f, const char *dir)
{
	const struct nr_symbols_opts opts = { .sz = sizeof(opts),
					      .log = take_symbols_message,
					      .log_ctx = f };
	struct nr_symbols *symbols = NULL;
	int err = nr_symbols_open(&symbols, dir, &opts) ?: nr_symbols_check(symbols);

	if (err == -ENOMEM)
		problem(f, "the names of addresses were not checked: %s", strerror(ENOMEM));
	nr_symbols_close(symbols);
}

enum verdict { INTACT, DAMAGED, UNKNOWN };

/* Nobody knows whether a trace without an end mark is intact, if it is right that it has none. */
static enum verdict verdict_of(const struct findings *f, const struct trace_status *s)
{
	if (f->n_damages || f->n_problems)
		return DAMAGED;
	return trace_status_is_unknown(s) ? UNKNOWN : INTACT;
}

/* Events that damage took, as far as it is known. */
static uint64_t missing_events(const struct findings *f, const struct counts *n,
			       const struct trace_status *s)
{
	/* Those that an optional output missed are not missing. */
	uint64_t here = n->events + (s->missed_packets ? n->gaps.events : 0);

	if (!f->n_damages)
		return 0;
	if (s->end_error)
		return s->missed_packets ? 0 : n->gaps.events;
	return expected_events(&s->account) - here;
}

static void print_summary(const struct findings *f, const struct counts *n,
			  const struct trace_status *s, const char *dir)
{
	uint64_t missing = missing_events(f, n, s);
	enum verdict verdict = verdict_of(f, s);
	char *name = cli_escape(dir);

	printf("%s is %s: ", name ?: "",
	       verdict == INTACT    ? "intact"
	       : verdict == DAMAGED ? "not intact"
				    : "intact so far");
	if (f->n_damages)
		printf("%" PRIu64 " damaged place%s, ", f->n_damages, cli_plural(f->n_damages));
	printf("%" PRIu64 " event%s in %" PRIu64 " packet%s", n->events, cli_plural(n->events),
	       n->packets, cli_plural(n->packets));
	if (missing)
		printf(", %" PRIu64 " missing", missing);
	printf(", %" PRIu64 " lost\n", n->lost);
	if (!trace_status_is_bad(s) && !trace_status_is_complete(s))
		trace_status_print(stdout, s);
	free(name);
}

static void print_json(const struct findings *f, const struct nr_trace *trace,
		       const struct counts *n, const struct trace_status *s)
{
	const enum verdict verdict = verdict_of(f, s);
	const struct window all = {};
	json_t *o = trace_json(trace, n, &all, s);

	json_object_set_new(o, "intact",
			    verdict == UNKNOWN ? json_null() : json_boolean(verdict == INTACT));
	json_object_set(o, "damages", f->damages);
	json_object_set(o, "problems", f->problems);
	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
}

/* Returns the exit status. */
static int verify(struct nr_trace *trace, struct findings *f, const char *dir)
{
	const struct window all = { .end = UINT64_MAX };
	static struct counts n;
	const struct filter none = {};
	int err = counts_read(&n, trace, &all, &none);
	struct trace_status s = trace_status_of(trace, err, dir);

	s.removed_chunks = n.first_chunk;
	check(f, &n, &s);
	check_chunks(f, &n, dir);
	check_symbols(f, dir);
	if (f->json) {
		print_json(f, trace, &n, &s);
	} else {
		print_summary(f, &n, &s, dir);
		gaps_print(stdout, &n.gaps, nr_trace_clock_offset(trace));
	}
	counts_close(&n);
	if (fflush(stdout) || ferror(stdout)) {
		cli_error("cannot write the result: %s", strerror(errno));
		return CLI_FAILED;
	}
	if (f->n_damages && n.packets)
		cli_error("run \"numaring repair --skip-damaged %s\" to copy all whole packets",
			  dir);
	return verdict_of(f, &s) == INTACT ? CLI_DONE : CLI_FAILED;
}

int cmd_verify(int argc, char **argv)
{
	struct findings f = {};
	const struct nr_trace_opts opts = {
		.sz = sizeof(opts),
		.log = cli_log,
		.skip_damaged = true,
		.damage = take_damage,
		.damage_ctx = &f,
	};
	struct args args = {};
	struct nr_trace *trace = NULL;
	int ret;

	cli_parse(&argp, argc, argv, 0, &args);
	f.json = args.json;
	f.damages = json_array();
	f.problems = json_array();
	ret = nr_trace_open(&trace, args.dir, &opts) ? CLI_FAILED : verify(trace, &f, args.dir);
	nr_trace_close(trace);
	json_decref(f.damages);
	json_decref(f.problems);
	return ret;
}
