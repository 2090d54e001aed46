// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "report.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include "memory.h"

#define NR_IDS 65536

/* Of names in a filter. */
#define WORD_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:"

/* An event type of the trace that a report reads. */
struct bound {
	struct bound *next; /* of the same id */
	void (*fn)(void *state, const struct feed_event *e);
	void *state;
	struct feed_field fields[FEED_FIELDS_MAX];
};

struct running {
	const struct report *report;
	void *state;
	struct pairs pairs;
};

struct report_run {
	struct report_env env;
	struct loss loss;
	struct bound **by_id; /* [NR_IDS] */
	struct running *reports;
	unsigned n;
};

int report_node(const struct report_env *env, unsigned cpu)
{
	uint32_t node = cpu < env->n_cpus ? env->node_of_cpu[cpu] : UINT32_MAX;

	return node > INT32_MAX ? -1 : (int)node;
}

/* The length of a text in double quotes, as far as it goes on. */
static size_t quoted(const char *p)
{
	size_t n = 1;

	while (p[n] && p[n] != '"')
		n += p[n] == '\\' && p[n + 1] ? 2 : 1;
	return n + (p[n] == '"');
}

static bool is_word(const char *p, size_t len, const char *word)
{
	return len == strlen(word) && !memcmp(p, word, len);
}

bool report_lacks_cpus(const struct report_env *env)
{
	size_t len;

	for (const char *p = env->filter; p && *p; p += len) {
		len = *p == '"' ? quoted(p) : strspn(p, WORD_CHARS) ?: 1;
		if (is_word(p, len, "cpu") || is_word(p, len, "node"))
			return true;
	}
	return false;
}

static bool has_pid(const char *pids, uint32_t pid)
{
	char *end;

	for (;; pids = end + 1) {
		if (strtoul(pids, &end, 10) == pid)
			return true;
		if (*end != ',')
			return false;
	}
}

bool report_wants(const struct report_env *env, uint32_t pid, const char *comm)
{
	return (!env->pids || has_pid(env->pids, pid)) &&
	       (!env->comm || !fnmatch(env->comm, comm, 0));
}

/* ---- the types of a trace ---- */

struct binding {
	struct report_run *run;
	struct running *to;
	const struct nr_types *types;
	const struct feed_type *type;
	const char *name;
	bool found;
	const char *missing; /* the first field that a type of this name has not */
};

static int bind_type(void *ctx, uint16_t id, const char *name)
{
	struct binding *b = ctx;
	struct bound *bound;
	int err;

	if (strcmp(name, b->name))
		return 0;
	b->found = true;
	bound = memory_new(1, sizeof(*bound));
	bound->fn = b->type->fn;
	bound->state = b->to->state;
	err = feed_bind(bound->fields, b->type, b->types, id, &b->missing);
	if (err) {
		free(bound);
		return err;
	}
	bound->next = b->run->by_id[id];
	b->run->by_id[id] = bound;
	return 0;
}

static int bind(struct report_run *run, struct running *to, const struct feed_type *type,
		const struct nr_types *types, char *why, size_t size)
{
	bool optional = *type->name == '?';
	struct binding b = { run, to, types, type, type->name + optional, false, NULL };
	int err = nr_types_each(types, bind_type, &b);

	if (!err && (b.found || optional))
		return 0;
	if (err && optional) /* without it, the report says less */
		return 0;
	if (err)
		snprintf(why, size,
			 "report %s needs %s.%s, which this trace does not have: record it with "
			 "this version of numaring and -e %s",
			 to->report->name, b.name, b.missing, type->source);
	else
		snprintf(why, size,
			 "report %s needs the event %s, which this trace does not have: record it "
			 "with -e %s",
			 to->report->name, b.name, type->source);
	return -1;
}

/* ---- a run ---- */

static void open_report(struct report_run *run, const struct report *report)
{
	struct running *r = &run->reports[run->n++];

	r->report = report;
	r->pairs = (struct pairs){
		.loss = &run->loss,
		.size = report->pair_size,
		.fn = report->pair,
		.drop = report->drop,
	};
	r->state = report->open(&run->env, &r->pairs);
	r->pairs.ctx = r->state;
}

struct report_run *report_run_open(const struct report *const *reports, unsigned n,
				   const struct report_env *env, char *why, size_t size)
{
	struct report_run *run = memory_new(1, sizeof(*run));

	run->env = *env;
	run->by_id = memory_new(NR_IDS, sizeof(*run->by_id));
	run->reports = memory_new(n, sizeof(*run->reports));
	loss_open(&run->loss, env->begin);
	for (unsigned i = 0; i < n; i++) {
		open_report(run, reports[i]);
		for (const struct feed_type *t = reports[i]->events; t->name; t++) {
			if (!bind(run, &run->reports[i], t, env->types, why, size))
				continue;
			report_run_close(run);
			return NULL;
		}
	}
	return run;
}

void report_run_close(struct report_run *run)
{
	for (unsigned i = 0; i < run->n; i++) {
		run->reports[i].report->close(run->reports[i].state);
		pairs_close(&run->reports[i].pairs);
	}
	for (unsigned id = 0; id < NR_IDS; id++) {
		while (run->by_id[id]) {
			struct bound *b = run->by_id[id];

			run->by_id[id] = b->next;
			free(b);
		}
	}
	loss_close(&run->loss);
	free(run->by_id);
	free(run->reports);
	free(run);
}

void report_run_gap(struct report_run *run, uint64_t begin, uint64_t end)
{
	for (unsigned i = 0; i < run->n; i++)
		pairs_lost(&run->reports[i].pairs, begin, end);
}

void report_run_event(struct report_run *run, const struct nr_event *ev, bool passes)
{
	struct feed_event e = { .ev = ev, .ts = ev->ts, .cpu = ev->rec->cpu, .passes = passes };
	uint64_t since;

	if (loss_event(&run->loss, ev, &since))
		report_run_gap(run, since, ev->ts);
	for (const struct bound *b = run->by_id[ev->rec->id]; b; b = b->next) {
		e.fields = b->fields;
		b->fn(b->state, &e);
	}
}

void report_run_lost(struct report_run *run, uint64_t lost, uint64_t time)
{
	loss_counted(&run->loss, lost, time);
}

void report_run_before(struct report_run *run, uint64_t lost)
{
	run->loss.before = lost;
}

void report_run_begin(struct report_run *run, uint64_t begin)
{
	run->env.begin = begin;
}

void report_run_end(struct report_run *run, uint64_t end, uint64_t lost)
{
	if (end < run->loss.now)
		end = run->loss.now;
	if (lost > loss_shown(&run->loss))
		report_run_gap(run, run->loss.complete, end);
	for (unsigned i = 0; i < run->n; i++) {
		struct running *r = &run->reports[i];

		pairs_settle(&r->pairs, true);
		if (r->report->end)
			r->report->end(r->state, end);
	}
}

void report_run_print(struct report_run *run, FILE *out)
{
	for (unsigned i = 0; i < run->n; i++) {
		if (i)
			fputc('\n', out);
		run->reports[i].report->print(run->reports[i].state, out);
	}
}

static json_t *json_of(const struct report_run *run, const struct running *r)
{
	json_t *o = r->report->json(r->state);

	json_object_set_new(o, "clock_offset_ns", json_integer(run->env.clock_offset));
	return o;
}

json_t *report_run_json(struct report_run *run)
{
	json_t *list;

	if (run->n == 1)
		return json_of(run, &run->reports[0]);
	list = json_array();
	for (unsigned i = 0; i < run->n; i++)
		json_array_append_new(list, json_of(run, &run->reports[i]));
	return list;
}
