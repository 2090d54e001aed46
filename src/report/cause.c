// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cause.h"

#include "duration.h"
#include "memory.h"
#include "text.h"

/* A CPU needs no more to leave its idle state, ns. */
#define IDLE_EXIT 1000000
/* A stack comes at most so long before its switch or wake-up, ns. */
#define STACK_BEFORE 1000000

struct cause *cause_new(void)
{
	return memory_new(1, sizeof(struct cause));
}

struct cause *cause_copy(const struct cause *c)
{
	struct cause *copy = cause_new();

	if (!c)
		return copy;
	*copy = *c;
	copy->slept_at = saved_stack_copy(c->slept_at);
	copy->woken_at = saved_stack_copy(c->woken_at);
	return copy;
}

void cause_free(struct cause *c)
{
	if (!c)
		return;
	free(c->slept_at);
	free(c->woken_at);
	free(c);
}

/* ---- what a waker did ---- */

struct deeds {
	uint64_t ns[SCHED_SLEEPS + 1]; /* by state, within the time */
	unsigned sleeps;
	struct sched_stretch sleep, ready; /* the longest */
};

static void add_stretch(struct deeds *d, const struct sched_stretch *p, uint64_t begin,
			uint64_t end)
{
	uint64_t from = p->begin > begin ? p->begin : begin, to = p->end < end ? p->end : end;
	struct sched_stretch *longest = p->state == SCHED_SLEEPS ? &d->sleep : &d->ready;

	if (to <= from)
		return;
	d->ns[p->state] += to - from;
	d->sleeps += p->state == SCHED_SLEEPS;
	if (p->state != SCHED_RUNS && p->end - p->begin > longest->end - longest->begin)
		*longest = *p;
}

static struct deeds deeds_of(const struct sched_task *t, uint64_t begin, uint64_t end)
{
	const struct sched_stretch now = { t->since, end, t->state, t->cpu, t->call, t->wake };
	uint64_t kept = t->n < SCHED_STRETCHES ? t->n : SCHED_STRETCHES;
	struct deeds d = {};

	if (t->state != SCHED_UNKNOWN)
		add_stretch(&d, &now, begin, end);
	for (uint64_t i = 1; i <= kept; i++) {
		const struct sched_stretch *p = &t->past[(t->n - i) % SCHED_STRETCHES];

		if (p->end <= begin)
			break;
		add_stretch(&d, p, begin, end);
	}
	return d;
}

static void take_sleep(struct cause_step *step, const struct deeds *d)
{
	step->times = d->sleeps;
	step->ns = d->sleeps > 1 ? d->ns[SCHED_SLEEPS] : d->sleep.end - d->sleep.begin;
	step->call = d->sleep.call;
	step->wake = d->sleep.wake;
}

static void take_ready(struct cause_step *step, const struct deeds *d, const struct sched *s,
		       uint64_t now)
{
	struct cpu_shares shares = {};

	step->ns = d->ns[SCHED_READY];
	cpus_add_shares(&s->cpus, &shares, d->ready.cpu, d->ready.begin, d->ready.end, now);
	if (shares.n && shares.list[0].ns > shares.known / 2)
		step->instead = shares.list[0];
}

/* False if it is not known what the task did most of the time. */
static bool take_step(struct cause_step *step, struct deeds *d, const struct sched *s,
		      const struct sched_task *t, uint64_t begin, uint64_t end)
{
	uint64_t *ns = d->ns, known;

	*d = deeds_of(t, begin, end);
	known = ns[SCHED_RUNS] + ns[SCHED_READY] + ns[SCHED_SLEEPS];
	if (known < (end - begin) / 2)
		return false;
	*step = (struct cause_step){ .tid = t->tid, .times = 1 };
	memcpy(step->comm, t->comm, sizeof(step->comm));
	step->did = ns[SCHED_SLEEPS] >= known / 2  ? SCHED_SLEEPS
		    : ns[SCHED_READY] >= known / 2 ? SCHED_READY
						   : SCHED_RUNS;
	if (step->did != SCHED_READY && ns[SCHED_READY] > known / 10)
		step->ready = ns[SCHED_READY];
	if (step->did == SCHED_SLEEPS)
		take_sleep(step, d);
	else if (step->did == SCHED_READY)
		take_ready(step, d, s, end);
	else
		step->ns = ns[SCHED_RUNS];
	return true;
}

static bool is_task(const struct sched_wake *w)
{
	return w->ts && w->tid && w->context == SCHED_BY_TASK;
}

/* It is a task, or an interrupt of this task. */
static bool may_be_task(const struct sched_wake *w)
{
	return w->ts && w->tid && w->context == SCHED_BY_UNKNOWN;
}

static bool is_new_step(const struct cause *c, int32_t tid)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->steps[i].tid == tid)
			return false;
	return true;
}

void cause_follow(struct cause *c, const struct sched *s, const struct sched_wake *wake,
		  uint64_t begin, uint64_t end)
{
	while (c->n < CAUSE_STEPS && is_task(wake) && is_new_step(c, wake->tid)) {
		const struct sched_task *t = sched_find(s, wake->tid);
		struct cause_step *step = &c->steps[c->n];
		struct deeds d;

		if (!t || !take_step(step, &d, s, t, begin, end))
			return;
		c->n++;
		if (step->did != SCHED_SLEEPS)
			return;
		wake = &step->wake;
		begin = d.sleep.begin;
		end = d.sleep.end;
	}
}

/* ns of the CPU in interrupts since the task began to wait for it; 0 if it is not known. */
static uint64_t irqs_since(const struct sched *s, const struct sched_task *t, unsigned cpu)
{
	if (t->state != SCHED_READY || t->cpu != cpu)
		return 0;
	return cpus_irq_time(&s->cpus, cpu) - t->irq_time;
}

/* It waited for this CPU from begin to end. */
static void add_place(struct cause *c, const struct sched *s, const struct sched_place *place,
		      uint64_t begin, uint64_t end)
{
	cpus_add_shares(&s->cpus, &c->shares, place->cpu, begin, place->until, end);
	cpus_add_irqs(&s->cpus, &c->shares, place->cpu, begin, place->until, place->irq_ns);
}

void cause_ready(struct cause *c, const struct sched *s, const struct sched_task *t, unsigned cpu,
		 uint64_t begin, uint64_t end)
{
	const struct sched_place last = { cpu, end, irqs_since(s, t, cpu) };
	uint64_t from = begin;

	for (unsigned i = 0; i < t->n_places; i++) {
		const struct sched_place *place = &t->places[i];

		if (place->until <= from)
			continue;
		add_place(c, s, place, from, end);
		from = place->until;
	}
	add_place(c, s, &last, from, end);
}

/* Is it of this sleep? It comes shortly before the event. */
static bool belongs(const struct saved_stack *s, uint64_t ts)
{
	return s && s->ts <= ts && s->ts + STACK_BEFORE > ts;
}

void cause_stacks(struct cause *c, const struct sched_task *t)
{
	if (belongs(t->slept_at, t->out))
		c->slept_at = saved_stack_copy(t->slept_at);
	if (is_task(&t->wake) && belongs(t->woken_at, t->wake.ts))
		c->woken_at = saved_stack_copy(t->woken_at);
}

/* ---- text ---- */

const char *cause_call(const struct call_kind *call)
{
	if (!call || call->kind == CALL_NONE)
		return "the kernel";
	return call->name ?: "an unknown call";
}

/* Without a device behind it, an interrupt that ends such a sleep is a timer's. */
static bool takes_time(const struct call_kind *call)
{
	return call && (call->kind == CALL_WAITS || call->kind == CALL_FUTEX);
}

void cause_print_waker(FILE *out, const struct sched_wake *w, const struct call_kind *call,
		       const char *irq)
{
	if (is_task(w))
		fputs(task_text(w->comm, w->tid).s, out);
	else if (may_be_task(w))
		fprintf(out, "%s or an interrupt", task_text(w->comm, w->tid).s);
	else if (w->context == SCHED_BY_HARDIRQ && *irq)
		fprintf(out, "the interrupt %s", safe_text(irq).s);
	else if (w->context == SCHED_BY_SOFTIRQ && *irq)
		fprintf(out, "the soft interrupt %s", safe_text(irq).s);
	else if (w->context == SCHED_BY_HARDIRQ && takes_time(call))
		fputs("a timer", out);
	else
		fputs(w->context == SCHED_BY_SOFTIRQ ? "a soft interrupt" : "an interrupt", out);
}

static void print_sleep(FILE *out, const struct cause_step *step)
{
	fprintf(out, "slept %s in ", duration(step->ns).s);
	if (step->times > 1)
		fprintf(out, "%u sleeps, the longest in ", step->times);
	fputs(cause_call(step->call), out);
	if (!step->wake.ts)
		return;
	fputs(" until ", out);
	cause_print_waker(out, &step->wake, step->call, "");
	fputs(" woke it", out);
}

static void print_step(FILE *out, const struct cause_step *step)
{
	fprintf(out, "; %s had ", task_text(step->comm, step->tid).s);
	if (step->did == SCHED_SLEEPS)
		print_sleep(out, step);
	else if (step->did == SCHED_RUNS)
		fprintf(out, "run for %s", duration(step->ns).s);
	else
		fprintf(out, "waited %s for a CPU", duration(step->ns).s);
	if (step->ready)
		fprintf(out, ", and had waited %s for a CPU", duration(step->ready).s);
	if (step->instead.ns)
		fprintf(out, " while %s ran", task_text(step->instead.comm, step->instead.tid).s);
}

void cause_print_steps(FILE *out, const struct cause *c)
{
	for (unsigned i = 0; c && i < c->n; i++)
		print_step(out, &c->steps[i]);
}

static void print_shares(FILE *out, const struct cpu_shares *s)
{
	unsigned shown = 0;

	for (unsigned i = 0; i < s->n && i < 3; i++) {
		unsigned percent = 100.0 * s->list[i].ns / s->known + 0.5;

		if (shown && percent < 5)
			break;
		fprintf(out, "%s%s ran (%u %%)", shown++ ? ", " : "while ",
			task_text(s->list[i].comm, s->list[i].tid).s, percent);
	}
}

void cause_print_ready(FILE *out, const struct cause *c)
{
	const struct cpu_shares *s = c ? &c->shares : NULL;

	if (!s || !s->known)
		fputs("while its CPU did what is not known", out);
	else if (s->idle <= s->known / 2)
		print_shares(out, s);
	else if (s->idle > IDLE_EXIT)
		fputs("while its CPU was idle: its cgroup has used up cpu.max, or the host took "
		      "the CPU",
		      out);
	else
		fputs("while its idle CPU woke up", out);
	if (s && s->irq > s->known / 20)
		fprintf(out, ", with %s in interrupts, most in %s", duration(s->irq).s,
			safe_text(s->irq_name).s);
}

/* ---- JSON ---- */

static json_t *json_task(const char *comm, int32_t tid)
{
	return json_pack("{s:s, s:i}", "comm", safe_text(comm).s, "tid", tid);
}

json_t *cause_json_waker(const struct sched_wake *w, const struct call_kind *call, const char *irq)
{
	static const char *const contexts[] = { "task", "softirq", "hardirq", "unknown" };
	unsigned context = w->context < 4 ? w->context : SCHED_BY_UNKNOWN;
	json_t *o;

	if (!w->ts)
		return json_null();
	o = json_pack("{s:s}", "context", contexts[context]);
	if (is_task(w) || may_be_task(w))
		json_object_update_new(o, json_task(w->comm, w->tid));
	else if (*irq)
		json_object_set_new(o, "interrupt", json_string(safe_text(irq).s));
	else
		json_object_set_new(o, "timer",
				    json_boolean(context == SCHED_BY_HARDIRQ && takes_time(call)));
	return o;
}

json_t *cause_json_steps(const struct cause *c)
{
	static const char *const did[] = { "unknown", "ran", "ready", "slept" };
	json_t *list = json_array();

	for (unsigned i = 0; c && i < c->n; i++) {
		const struct cause_step *step = &c->steps[i];
		json_t *o = json_task(step->comm, step->tid);

		json_object_set_new(o, "did", json_string(did[step->did]));
		json_object_set_new(o, "ns", json_integer(step->ns));
		if (step->did == SCHED_SLEEPS) {
			json_object_set_new(o, "call", json_string(cause_call(step->call)));
			json_object_set_new(o, "times", json_integer(step->times));
			json_object_set_new(o, "waker",
					    cause_json_waker(&step->wake, step->call, ""));
		}
		json_object_set_new(o, "ready_ns", json_integer(step->ready));
		if (step->instead.ns)
			json_object_set_new(o, "instead",
					    json_task(step->instead.comm, step->instead.tid));
		json_array_append_new(list, o);
	}
	return list;
}

void cause_json_ready(json_t *o, const struct cause *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; c && i < c->shares.n; i++) {
		json_t *share = json_task(c->shares.list[i].comm, c->shares.list[i].tid);

		json_object_set_new(share, "ns", json_integer(c->shares.list[i].ns));
		json_array_append_new(list, share);
	}
	json_object_set_new(o, "instead", list);
	json_object_set_new(o, "idle_ns", json_integer(c ? c->shares.idle : 0));
	json_object_set_new(o, "irq_ns", json_integer(c ? c->shares.irq : 0));
}
