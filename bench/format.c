/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * numaring-bench format TRACE: what turning an event into JSON costs, by the layout that is
 * compiled once and by libbpf's btf_dump for each event; the same events, in turns, in one run.
 *
 * Both texts are checked: each must name all fields of the event in their order.
 */
#include <bpf/btf.h>
#include "bench.h"

#define EVENTS	 20000u
#define ROUNDS	 9
#define TEXT_MAX 65536u

struct job {
	struct nr_event events[EVENTS];
	unsigned n;
	struct nr_trace *trace;
	const struct nr_types *types;
	struct btf *btf;
	struct btf_dump *dump;
	int32_t btf_id[UINT16_MAX + 1];
	char text[TEXT_MAX];
	size_t length; /* of what btf_dump has printed of one event */
};

static void take_text(void *ctx, const char *format, va_list args)
{
	struct job *job = ctx;
	int len = vsnprintf(job->text + job->length, TEXT_MAX - job->length, format, args);

	if (len > 0 && job->length + len < TEXT_MAX)
		job->length += len;
}

static struct nr_event copy_of(const struct nr_event *ev)
{
	struct nr_record *rec = bench_alloc(1, sizeof(*rec) + ev->size + 8);

	*rec = *ev->rec;
	memcpy(rec + 1, ev->data, ev->size);
	return (struct nr_event){ rec, rec + 1, ev->size, .ts = rec->ts };
}

static void load_events(struct job *job, const char *dir)
{
	const struct nr_trace_opts opts = { .sz = sizeof(opts), .log = bench_log };
	struct nr_event ev;
	int err = nr_trace_open(&job->trace, dir, &opts);

	while (!err && job->n < EVENTS && (err = nr_trace_next(job->trace, &ev)) > 0) {
		job->events[job->n++] = copy_of(&ev);
		err = 0;
	}
	if (err < 0)
		exit(BENCH_FAILED); /* explained */
	if (!job->n)
		errx(BENCH_FAILED, "%s holds no event", dir);
	job->types = nr_trace_types(job->trace);
}

/* The tags "numaring:ID:NAME" say which type is which event. */
static void load_btf(struct job *job, const char *dir)
{
	LIBBPF_OPTS(btf_dump_opts, opts);
	char path[4096];
	const char *name;
	unsigned id;

	snprintf(path, sizeof(path), "%s/.btf", dir);
	job->btf = btf__parse_raw(path);
	if (!job->btf)
		err(BENCH_FAILED, "%s", path);
	for (unsigned i = 1; i < btf__type_cnt(job->btf); i++) {
		const struct btf_type *t = btf__type_by_id(job->btf, i);

		name = btf__name_by_offset(job->btf, t->name_off);
		if (btf_is_decl_tag(t) && sscanf(name, "numaring:%u:", &id) == 1 &&
		    id <= UINT16_MAX)
			job->btf_id[id] = t->type;
	}
	job->dump = btf_dump__new(job->btf, take_text, job, &opts);
	if (!job->dump)
		err(BENCH_FAILED, "%s", path);
}

static int by_layout(struct job *job, const struct nr_event *e)
{
	return nr_types_format(job->types, e, NR_FORMAT_JSON, job->text, TEXT_MAX);
}

static int by_btf_dump(struct job *job, const struct nr_event *e)
{
	LIBBPF_OPTS(btf_dump_type_data_opts, opts, .compact = true, .emit_zeroes = true);

	job->length = 0;
	return btf_dump__dump_type_data(job->dump, job->btf_id[e->rec->id], e->data, e->size,
					&opts);
}

/* Every member's name is in the text, in order. */
static bool names_all(const struct job *job, const struct nr_event *e)
{
	const struct btf_type *t = btf__type_by_id(job->btf, job->btf_id[e->rec->id]);
	const char *at = job->text;

	for (int i = 0; at && i < btf_vlen(t); i++)
		at = strstr(at, btf__name_by_offset(job->btf, btf_members(t)[i].name_off));
	return at;
}

typedef int (*format_fn)(struct job *job, const struct nr_event *e);

static void verify(struct job *job, format_fn format)
{
	for (unsigned i = 0; i < job->n; i++)
		if (format(job, &job->events[i]) < 0 || !names_all(job, &job->events[i]))
			errx(BENCH_FAILED, "event %u of the trace did not come out whole: %.200s",
			     i, job->text);
}

/* CPU time of this thread: what else the machine does is not the formats' business. */
static double ns_per_event(struct job *job, format_fn format)
{
	uint64_t start = bench_clock(CLOCK_THREAD_CPUTIME_ID);

	for (unsigned i = 0; i < job->n; i++)
		format(job, &job->events[i]);
	return (double)(bench_clock(CLOCK_THREAD_CPUTIME_ID) - start) / job->n;
}

/* Median, quartiles, and every round's. */
static void print(const char *what, const double *v, const char *unit)
{
	double sorted[ROUNDS];
	struct spread3 s;

	memcpy(sorted, v, sizeof(sorted));
	s = quartiles(sorted, ROUNDS);
	printf("%-28s %8.1f %s  [%.1f, %.1f]:", what, s.median, unit, s.q1, s.q3);
	for (int i = 0; i < ROUNDS; i++)
		printf(" %.1f", v[i]);
	puts(two_groups(sorted, ROUNDS) ? ": TWO GROUPS" : "");
}

static void compare(struct job *job)
{
	double ours[ROUNDS], theirs[ROUNDS], ratio[ROUNDS];

	verify(job, by_layout);
	verify(job, by_btf_dump);
	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = ns_per_event(job, by_layout);
		theirs[i] = ns_per_event(job, by_btf_dump);
		ratio[i] = theirs[i] / ours[i];
	}
	printf("%u events, %d rounds in turns, CPU time; median [quartiles]: every round\n", job->n,
	       ROUNDS);
	print("compiled layout, JSON", ours, "ns/event");
	print("libbpf's btf_dump, C", theirs, "ns/event");
	print("ratio", ratio, "times");
}

int cmd_format(int argc, char **argv)
{
	static struct job job;
	const char *dir;
	const struct command_line line = {
		.doc = "Measure what formatting the first events of a trace costs, against "
		       "libbpf's btf_dump.\v"
		       "Example:\n"
		       "  numaring-bench format trace",
		.args_doc = "TRACE",
		.words = &dir,
		.least_words = 1,
		.most_words = 1,
	};

	options_parse(&line, argc, argv);
	load_events(&job, dir);
	load_btf(&job, dir);
	compare(&job);
	return BENCH_DONE;
}
