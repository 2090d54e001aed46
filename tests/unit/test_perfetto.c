// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Perfetto traces of made-up events. The bytes are decoded with protobuf-c, and written as a line for each
 * slice ("path: name begin-end") and each instant ("path: name @time"). Whatever the events are, slices
 * on one track do not overlap, their times do not go back, and all names are known.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "export/perfetto.h"
#include "perfetto.pb-c.h"
#include "report_help.h"
#include "seed.h"

#define IDS 65536

static struct seed seed;

/* ---- exporting ---- */

struct told {
	struct story *story;
	void *state;
	struct export_sink sink;
	struct export_env env;
	char *bytes;
	size_t size;
	char *text; /* the lines */
};

static const uint32_t nodes[] = { 0, 0, 1, UINT32_MAX };

static void tell(void *ctx, const struct nr_event *ev)
{
	struct told *t = ctx;

	assert_int_equal(export_perfetto.event(t->state, ev), 0);
}

static struct told *told_new(void)
{
	struct told *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->story = story_new();
	return t;
}

/* After all types. */
static void told_begin(struct told *t)
{
	t->sink.file = open_memstream(&t->bytes, &t->size);
	t->env = (struct export_env){ .types = story_types(t->story),
				      .clock_offset = 5000000,
				      .node_of_cpu = nodes,
				      .n_cpus = 4 };
	assert_int_equal(export_perfetto.open(&t->state, &t->env, &t->sink), 0);
	story_tell(t->story, tell, t);
}

static void told_missing(struct told *t, uint64_t begin, uint64_t end, uint64_t lost)
{
	struct export_missing m = { .begin = begin, .end = end, .lost = lost };

	assert_int_equal(export_perfetto.missing(t->state, &m), 0);
}

static void told_free(struct told *t)
{
	story_free(t->story);
	free(t->bytes);
	free(t->text);
	free(t);
}

/* ---- reading ---- */

struct track {
	bool known, open;
	uint64_t parent, last, begin;
	char name[80];
	char slice[600], args[1400]; /* of the open slice */
};

struct reading {
	struct track tracks[IDS];
	char *names[IDS], *args[IDS];
	unsigned begun, ended; /* flows */
	FILE *out;
};

static void path_of(const struct reading *r, uint64_t uuid, char *buf)
{
	const struct track *t = &r->tracks[uuid];

	assert_in_range(uuid, 1, IDS - 1);
	assert_true(t->known);
	*buf = '\0';
	if (t->parent) {
		path_of(r, t->parent, buf);
		strcat(buf, "/");
	}
	strcat(buf, t->name);
}

static void read_track(struct reading *r, const Pf__TrackDescriptor *d)
{
	struct track *t = &r->tracks[d->uuid];

	assert_in_range(d->uuid, 1, IDS - 1);
	t->known = true;
	t->parent = d->parent_uuid;
	if (d->process)
		snprintf(t->name, sizeof(t->name), "%d", d->process->pid);
	else if (d->thread)
		snprintf(t->name, sizeof(t->name), "%s:%d", d->thread->thread_name, d->thread->tid);
	else
		snprintf(t->name, sizeof(t->name), "%s", d->name);
}

static void read_names(char **names, Pf__InternedName **list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_in_range(list[i]->iid, 1, IDS - 1);
		free(names[list[i]->iid]);
		names[list[i]->iid] = strdup(list[i]->name);
	}
}

static void put_args(const struct reading *r, char *to, Pf__DebugAnnotation **list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const Pf__DebugAnnotation *a = list[i];
		char *end = to + strlen(to);

		if (strlen(to) > 1000)
			return;
		if (a->has_name_iid) {
			assert_non_null(r->args[a->name_iid]);
			end += sprintf(end, " %s=", r->args[a->name_iid]);
		} else {
			end += sprintf(end, " ");
		}
		if (a->string_value)
			sprintf(end, "%.100s", a->string_value);
		else if (a->has_uint_value)
			sprintf(end, "%llu", (unsigned long long)a->uint_value);
		else if (a->has_int_value)
			sprintf(end, "%lld", (long long)a->int_value);
		put_args(r, to, a->array_values, a->n_array_values);
		put_args(r, to, a->dict_entries, a->n_dict_entries);
	}
}

static void read_end(struct reading *r, struct track *t, uint64_t ts)
{
	assert_true(t->open);
	assert_true(ts >= t->begin);
	t->open = false;
	t->last = ts;
	fprintf(r->out, "%s-%llu%s\n", t->slice, (unsigned long long)ts, t->args);
}

static void read_begin(struct reading *r, const Pf__TrackEvent *e, uint64_t ts)
{
	struct track *t = &r->tracks[e->track_uuid];
	bool slice = e->type == PF__TRACK_EVENT__TYPE__SLICE_BEGIN;
	char path[400], args[1400] = "", line[600];

	path_of(r, e->track_uuid, path);
	assert_non_null(r->names[e->name_iid]);
	put_args(r, args, e->debug_annotations, e->n_debug_annotations);
	snprintf(line, sizeof(line), "%s: %.150s %s%llu", path, r->names[e->name_iid],
		 slice ? "" : "@", (unsigned long long)ts);
	r->begun += e->n_flow_ids;
	r->ended += e->n_terminating_flow_ids;
	if (!slice) {
		fprintf(r->out, "%s%s\n", line, args);
		return;
	}
	assert_false(t->open);
	assert_true(ts >= t->last);
	t->open = true;
	t->begin = ts;
	strcpy(t->slice, line);
	strcpy(t->args, args);
}

static void read_packet(struct reading *r, const Pf__TracePacket *p)
{
	const Pf__InternedData *data = p->interned_data;
	const Pf__TrackEvent *e = p->track_event;

	if (p->track_descriptor)
		read_track(r, p->track_descriptor);
	if (data) {
		read_names(r->names, data->event_names, data->n_event_names);
		read_names(r->args, data->debug_annotation_names, data->n_debug_annotation_names);
	}
	if (e && e->type == PF__TRACK_EVENT__TYPE__SLICE_END)
		read_end(r, &r->tracks[e->track_uuid], p->timestamp);
	else if (e)
		read_begin(r, e, p->timestamp);
}

/* The lines of all that was told. */
static const char *told_end(struct told *t)
{
	struct reading *r = calloc(1, sizeof(*r));
	size_t size;
	Pf__Trace *trace;

	assert_int_equal(export_perfetto.end(t->state), 0);
	export_perfetto.close(t->state);
	fclose(t->sink.file);
	trace = pf__trace__unpack(NULL, t->size, (uint8_t *)t->bytes);
	assert_non_null(trace);
	r->out = open_memstream(&t->text, &size);
	for (size_t i = 0; i < trace->n_packet; i++)
		read_packet(r, trace->packet[i]);
	fclose(r->out);
	assert_int_equal(r->begun, r->ended);
	for (unsigned i = 0; i < IDS; i++) {
		assert_false(r->tracks[i].open);
		free(r->names[i]);
		free(r->args[i]);
	}
	pf__trace__free_unpacked(trace, NULL);
	free(r);
	return t->text;
}

/* ---- stories ---- */

#define SWITCH                                                                                     \
	"prev_pid:s32 prev_tgid:u32 prev_comm:t16 prev_state:e(RUNNING,SLEEPING,DEAD) preempt:u8 " \
	"prev_syscall:s32 next_pid:s32 next_tgid:u32 next_comm:t16 next_prio:s32 off_ns:u64 "      \
	"wait_ns:u64"
#define WAKEUP                                                                                     \
	"pid:s32 tgid:u32 comm:t16 target_cpu:u32 waker_pid:s32 waker_tgid:u32 waker_comm:t16 "    \
	"context:e(WAKE_TASK,WAKE_SOFTIRQ) is_new:u8"

enum { RUNNING, SLEEPING, DEAD };

static void add_sched(struct told *t)
{
	story_type(t->story, "sched_switch", SWITCH);
	story_type(t->story, "sched_wakeup", WAKEUP);
	story_type(t->story, "sys_enter",
		   "nr:e(read,clone,futex) pid:u32 tid:u32 comm:t16 args:a2");
	story_type(t->story, "sys_exit",
		   "nr:e(read,clone,futex) pid:u32 tid:u32 comm:t16 ret:s64 error:e(OK,EIO) "
		   "duration_ns:u64");
}

/* From one thread to another, each the only one of its process; "idle" is 0. */
static void switch_to(struct told *t, uint64_t ts, unsigned cpu, long long prev, long long state,
		      long long next, long long off, long long wait)
{
	char a[16], b[16];

	sprintf(a, "t%lld", prev);
	sprintf(b, "t%lld", next);
	story_event(t->story, ts, cpu, "sched_switch", prev, prev, a, state, 0LL, -1LL, next, next,
		    b, 120LL, off, wait);
}

static void wake(struct told *t, uint64_t ts, unsigned cpu, long long tid, long long waker,
		 long long new)
{
	char a[16], b[16];

	sprintf(a, "t%lld", tid);
	sprintf(b, "t%lld", waker);
	story_event(t->story, ts, cpu, "sched_wakeup", tid, tid, a, 2LL, waker, waker, b, 0LL, new);
}

static void test_sched(void **state)
{
	struct told *t = told_new();
	const char *text;

	(void)state;
	add_sched(t);
	told_begin(t);
	switch_to(t, 1000, 0, 0, RUNNING, 7, 0, 0);
	switch_to(t, 1500, 2, 8, RUNNING, 0, 0, 0); /* ran before */
	switch_to(t, 2000, 0, 7, SLEEPING, 0, 0, 0);
	wake(t, 3000, 2, 7, 8, 0);
	switch_to(t, 3400, 2, 0, RUNNING, 7, 1400, 400);
	switch_to(t, 4000, 2, 7, DEAD, 9, 0, 0);
	wake(t, 5000, 2, 7, 9, 1); /* another thread of this number */
	text = told_end(t);
	assert_contains(text, "Node 0/CPU 0: t7 1000-2000 tid=7 pid=7 prio=120\n");
	assert_contains(
		text, "Node 1/CPU 2: t8 1000-1500 tid=8 pid=8 prio=0 incomplete=it began before\n");
	assert_contains(
		text, "Node 1/CPU 2: t7 3400-4000 tid=7 pid=7 prio=120 wait_ns=400 off_ns=1400\n");
	assert_contains(text, "7/t7:7/State: Running 1000-2000 cpu=0\n");
	assert_contains(text, "7/t7:7/State: Sleeping 2000-3000 woken_by=t8 waker_tid=8\n");
	assert_contains(text, "7/t7:7/State: Runnable 3000-3400 cpu=2\n");
	assert_contains(text, "8/t8:8: wakes t7 @3000 pid=7");
	assert_contains(text, "9/t9:9/State: Running 4000-5000 incomplete=the trace ends cpu=2\n");
	assert_contains(text, "7/t7:7/State: Runnable 5000-5000 incomplete=the trace ends cpu=2\n");
	told_free(t);
}

/* Perfetto sorts the nodes by name. */
static void test_many_nodes(void **state)
{
	static const uint32_t of_cpus[] = { 2, 10 };
	struct told *t = told_new();
	const char *text;

	(void)state;
	add_sched(t);
	told_begin(t);
	t->env.node_of_cpu = of_cpus;
	t->env.n_cpus = 2;
	switch_to(t, 1000, 0, 7, SLEEPING, 0, 0, 0);
	switch_to(t, 1500, 0, 0, RUNNING, 7, 0, 0);
	switch_to(t, 2000, 1, 8, SLEEPING, 0, 0, 0);
	text = told_end(t);
	assert_contains(text, "Node 02/CPU 0: t7 1500-2000");
	assert_contains(text, "Node 10/CPU 1: t8 1000-2000");
	told_free(t);
}

/* What is open when events are missing is cut there, and begins anew behind it. */
static void test_losses(void **state)
{
	struct told *t = told_new();
	const char *text;

	(void)state;
	add_sched(t);
	told_begin(t);
	switch_to(t, 1000, 0, 0, RUNNING, 7, 0, 0);
	story_event(t->story, 1100, 0, "sys_enter", 0LL, 7LL, 7LL, "t7", 5LL);
	told_missing(t, 1500, 2500, 3);
	story_event(t->story, 2200, 0, "sys_exit", 0LL, 7LL, 7LL, "t7", -5LL, 1LL, 1100LL);
	switch_to(t, 2300, 2, 0, RUNNING, 5, 600, 100); /* within the loss: as it says itself */
	switch_to(t, 2400, 1, 9, SLEEPING, 0, 0, 0);	/* nobody knows since when */
	switch_to(t, 3000, 0, 7, SLEEPING, 8, 0, 100);
	switch_to(t, 3200, 1, 3, SLEEPING, 0, 0, 0); /* since the end of the loss */
	text = told_end(t);
	assert_contains(text,
			"Losses/Missing events: 3 events missing 1500-2500 lost=3 missed=0\n");
	assert_contains(
		text,
		"Node 0/CPU 0: t7 1000-1500 tid=7 pid=7 prio=120 incomplete=events are missing\n");
	assert_contains(
		text, "Node 0/CPU 0: t7 2500-3000 tid=7 pid=7 prio=0 incomplete=it began before\n");
	assert_contains(text,
			"7/t7:7/State: Running 1000-1500 incomplete=events are missing cpu=0\n");
	assert_contains(text, "7/t7:7/State: Running 2500-3000 incomplete=it began before cpu=0\n");
	assert_contains(
		text,
		"7/t7:7/System calls: read 1100-1500 args= 5 0 incomplete=events are missing\n");
	assert_contains(text, "7/t7:7/System calls: read 1500-2200 ret=-5 error=EIO incomplete=it "
			      "began before\n");
	assert_contains(text, "5/t5:5/State: Off the CPU 1700-2200\n");
	assert_contains(text, "5/t5:5/State: Runnable 2200-2300");
	assert_contains(text, "5/t5:5/State: Running 2300-3200");
	assert_null(strstr(text, "CPU 1: t9"));
	assert_contains(text, "Node 0/CPU 1: t3 2500-3200");
	told_free(t);
}

static void test_calls(void **state)
{
	struct told *t = told_new();
	const char *text;

	(void)state;
	add_sched(t);
	told_begin(t);
	story_event(t->story, 1000, 0, "sys_exit", 1LL, 7LL, 8LL, "child", 0LL, 0LL, 0LL);
	story_event(t->story, 1100, 0, "sys_exit", 0LL, 7LL, 7LL, "main", 3LL, 0LL, 0LL);
	story_event(t->story, 1200, 0, "sys_enter", 2LL, 7LL, 7LL, "main", -1LL);
	story_event(t->story, 1200, 0, "sys_exit", 2LL, 7LL, 7LL, "new", 0LL, 0LL, 0LL);
	story_event(t->story, 1300, 0, "sys_enter", 2LL, 7LL, 7LL, "new", 0LL);
	story_event(t->story, 1400, 0, "sys_enter", 0LL, 7LL, 7LL, "new",
		    0LL); /* its exit is missing */
	text = told_end(t);
	assert_contains(text, "7/child:8/System calls: clone 1000-1000 ret=0\n");
	assert_contains(text,
			"7/main:7/System calls: read 1000-1100 ret=3 incomplete=it began before\n");
	assert_contains(text,
			"/System calls: futex 1200-1200 args= 18446744073709551615 0 ret=0\n");
	assert_contains(
		text,
		"7/new:7/System calls: futex 1300-1300 args= 0 0 incomplete=events are missing\n");
	assert_contains(text,
			"/System calls: read 1400-1400 args= 0 0 incomplete=the trace ends\n");
	told_free(t);
}

/* Overlapping slices get tracks of their own; events without a thread are on their CPU. */
static void test_others(void **state)
{
	struct told *t = told_new();
	const char *text;

	(void)state;
	story_type(t->story, "block_complete",
		   "device:t8 op:e(READ,WRITE) latency_ns:u64 pid:u32 tid:u32 comm:t16");
	story_type(t->story, "softirq", "duration_ns:u64 vector:e(TIMER,RCU)");
	story_type(t->story, "hardirq", "duration_ns:u64 name:t8");
	story_type(t->story, "mine", "big:u64 small:s64 words:a2");
	told_begin(t);
	story_event(t->story, 1000, 0, "mine", -1LL, -9LL, 6LL);
	story_event(t->story, 1500, 3, "block_complete", "vda", 1LL, 300LL, 5LL, 6LL, "disk");
	story_event(t->story, 1600, 3, "block_complete", "vda", 0LL, 500LL, 5LL, 6LL, "disk");
	story_event(t->story, 1600, 3, "block_complete", "vda", 0LL, 100LL, 5LL, 6LL, "disk");
	story_event(t->story, 1650, 3, "hardirq", 10LL, "eth0");
	story_event(t->story, 1700, 3, "softirq", 100LL, 1LL);
	story_event(t->story, 1700, 3, "softirq", 5000LL, 0LL);
	text = told_end(t);
	assert_contains(
		text,
		"Node 0/CPU 0/mine: mine @1000 big=18446744073709551615 small=-9 words= 6 0\n");
	assert_contains(text, "5/disk:6/Disk: vda WRITE 1200-1500 device=vda op=WRITE "
			      "latency_ns=300 pid=5 tid=6 comm=disk\n");
	assert_contains(text, "5/disk:6/Disk: vda READ 1100-1600");
	assert_contains(text, "5/disk:6/Disk: vda READ 1500-1600");
	assert_contains(text, "CPUs/CPU 3/Hardware interrupts: eth0 1640-1650");
	assert_contains(text, "CPUs/CPU 3/Soft interrupts: RCU 1600-1700");
	assert_contains(text,
			"CPUs/CPU 3/Soft interrupts: TIMER 1000-1700"); /* not before the trace */
	told_free(t);
}

/* ---- anything ---- */

static const char *some_kind(void)
{
	static const char *const kinds[] = { "u8",  "u16", "u32", "u64", "s32",	    "s64",
					     "t16", "t4",  "a6",  "w3",	 "e(A,B,C)" };

	return kinds[seed_below(&seed, sizeof(kinds) / sizeof(kinds[0]))];
}

/* A type with these names of fields, of kinds that may be others. */
static void add_some(struct told *t, const char *name, const char *fields)
{
	char made[1024] = "", word[100];
	int n;

	for (; sscanf(fields, "%99s%n", word, &n) == 1; fields += n) {
		if (seed_once_in(&seed, 30))
			strcpy(strchr(word, ':') + 1, some_kind());
		sprintf(made + strlen(made), "%s%s", *made ? " " : "", word);
	}
	story_type(t->story, name, made);
}

static void some_bytes(unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] =
			seed_below(&seed, 4) ? seed_below(&seed, 4) * !(i % 4) : seed_next(&seed);
}

static void test_anything(void **state)
{
	static const char *const names[] = { "sched_switch", "sched_wakeup", "sys_enter",
					     "sys_exit",     "timed",	     "process_exit" };

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		struct told *t = told_new();
		uint64_t ts = 1000, lost = ts;

		add_some(t, "sched_switch", SWITCH);
		add_some(t, "sched_wakeup", WAKEUP);
		add_some(t, "sys_enter", "nr:e(read,clone) pid:u32 tid:u32 comm:t16 args:a2");
		add_some(t, "sys_exit",
			 "nr:e(read,clone) pid:u32 tid:u32 comm:t16 ret:s64 error:s32 "
			 "duration_ns:u64");
		add_some(t, "timed", "duration_ns:u16 tid:u16 pid:u16 comm:t4");
		add_some(t, "process_exit", "pid:u32 tid:u32 comm:t16");
		told_begin(t);
		for (unsigned i = 0; i < 400; i++) {
			unsigned char bytes[512];

			some_bytes(bytes, sizeof(bytes));
			ts += seed_below(&seed, 300);
			story_bytes(t->story, ts, seed_below(&seed, 4), names[seed_below(&seed, 6)],
				    bytes,
				    seed_once_in(&seed, 9) ? seed_below(&seed, 200)
							   : sizeof(bytes));
			if (seed_once_in(&seed, 40) && ts > lost) {
				told_missing(t, ts, ts + 500, 1);
				lost = ts + 500;
			}
		}
		told_end(t);
		told_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sched),  cmocka_unit_test(test_many_nodes),
		cmocka_unit_test(test_losses), cmocka_unit_test(test_calls),
		cmocka_unit_test(test_others), cmocka_unit_test(test_anything),
	};

	seed.state = seed_first("perfetto");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
