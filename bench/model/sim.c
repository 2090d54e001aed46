/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Discrete-event simulation of one ring: producers think, queue for the lock in order of arrival,
 * pay the hand-over from the last owner, and think again. A consumer drains what they wrote.
 *
 * Kept here and tested in tests/test_model.c:
 *	- the lock is first come, first served, but for the re-take when exactly one waits;
 *	- attempts = written + lost and written = consumed + left (as I7 asks of the collector).
 */
#include <math.h>

#include "../bench.h"
#include "model.h"

struct arrival {
	double at;
	unsigned producer;
};

struct sim {
	const struct machine *machine;
	const struct costs *costs;
	const struct load *load;
	const struct sim_opts *opts;
	struct rng rng;
	double now;
	int last; /* producer that owned the lock last */
	struct arrival *heap;
	unsigned n_heap;
	struct arrival *queue; /* a circle of load->n places */
	unsigned head, n_queue;
	double *done; /* when the consumer is through with a record: a circle of capacity */
	uint64_t pushed, popped;
	double consumer_free;
	unsigned *order;
	uint64_t *count;
	double *waits;
	size_t n_waits;
	uint64_t measured_written;
	double busy, elapsed;
};

static void heap_push(struct sim *s, struct arrival a)
{
	unsigned i = s->n_heap++;

	for (; i && s->heap[(i - 1) / 2].at > a.at; i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = a;
}

static struct arrival heap_pop(struct sim *s)
{
	struct arrival top = s->heap[0], a = s->heap[--s->n_heap];
	unsigned i = 0, child;

	while ((child = 2 * i + 1) < s->n_heap) {
		if (child + 1 < s->n_heap && s->heap[child + 1].at < s->heap[child].at)
			child++;
		if (a.at <= s->heap[child].at)
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = a;
	return top;
}

static void enqueue_arrived(struct sim *s)
{
	while (s->n_heap && s->heap[0].at <= s->now)
		s->queue[(s->head + s->n_queue++) % s->load->n] = heap_pop(s);
}

static struct arrival dequeue(struct sim *s)
{
	struct arrival a = s->queue[s->head];

	s->head = (s->head + 1) % s->load->n;
	s->n_queue--;
	return a;
}

static double draw(struct sim *s, enum times times, double mean)
{
	return times == EXPONENTIAL ? rng_exp(&s->rng, mean) : mean;
}

static double service_ns(struct sim *s, unsigned producer, bool retake)
{
	const struct costs *c = s->costs;
	unsigned cpu = s->load->cpus[producer];
	double ns;

	if (retake)
		return draw(s, s->opts->service, c->own);
	if (s->last < 0 || (unsigned)s->last == producer)
		return draw(s, s->opts->service, c->alone);
	ns = c->hand[machine_distance(s->machine, s->load->cpus[s->last], cpu)];
	if (s->load->consumer_cpu >= 0)
		ns += c->consumer *
		      c->hand[machine_distance(s->machine, s->load->consumer_cpu, cpu)];
	return draw(s, s->opts->service, ns);
}

static void drain_until(struct sim *s, double now)
{
	while (s->popped < s->pushed && s->done[s->popped % s->opts->capacity] <= now)
		s->popped++;
}

/* The kernel takes the lock before it looks for room: a full ring costs the same. */
static bool ring_push(struct sim *s)
{
	if (!s->done) {
		s->pushed++;
		s->popped++;
		return true;
	}
	drain_until(s, s->now);
	if (s->pushed - s->popped >= s->opts->capacity)
		return false;
	if (s->consumer_free < s->now)
		s->consumer_free = s->now;
	s->consumer_free += s->opts->drain_ns;
	s->done[s->pushed++ % s->opts->capacity] = s->consumer_free;
	return true;
}

static void reserve(struct sim *s, struct sim_result *r, struct arrival a, bool retake,
		    bool measure)
{
	double ns = service_ns(s, a.producer, retake);
	bool written;

	s->now += ns;
	s->last = a.producer;
	written = ring_push(s);
	r->attempts++;
	r->retaken += retake;
	if (written)
		r->written++;
	else
		r->lost++;
	if (!measure)
		return;
	s->busy += ns;
	s->measured_written += written;
	s->waits[s->n_waits++] = s->now - a.at;
	s->count[a.producer]++;
}

/* One owner's turn; returns the number of reservations made. */
static unsigned turn(struct sim *s, struct sim_result *r, unsigned left, bool measure)
{
	struct arrival a;
	unsigned made = 1;

	if (!s->n_queue && s->heap[0].at > s->now)
		s->now = s->heap[0].at;
	enqueue_arrived(s);
	a = dequeue(s);
	reserve(s, r, a, false, measure);
	for (;;) {
		a.at = s->now + draw(s, s->opts->think, s->opts->think_ns);
		enqueue_arrived(s);
		/* The winner is back before the line has reached the one that waits. */
		if (made == left || s->n_queue != 1 || a.at > s->now + s->costs->own ||
		    rng_uniform(&s->rng) >= s->costs->retake)
			break;
		s->now = a.at;
		reserve(s, r, a, true, measure);
		made++;
	}
	heap_push(s, a);
	return made;
}

static void start_batch(struct sim *s)
{
	unsigned n = s->load->n;

	s->now = 0;
	s->last = -1;
	s->n_heap = s->n_queue = s->head = 0;
	s->pushed = s->popped = 0;
	s->consumer_free = 0;
	for (unsigned i = 0; i < n; i++)
		s->order[i] = i;
	rng_shuffle(&s->rng, s->order, n);
	/* Spread over one think time; flat out they begin at once, in a random order. */
	for (unsigned i = 0; i < n; i++)
		heap_push(s, (struct arrival){ i * (s->opts->think_ns / n + 1e-3), s->order[i] });
}

static void run_batch(struct sim *s, struct sim_result *r)
{
	double start;

	start_batch(s);
	for (unsigned done = 0, want = 4 * s->load->n; done < want;)
		done += turn(s, r, want - done, false);
	start = s->now;
	for (unsigned done = 0; done < s->opts->records;)
		done += turn(s, r, s->opts->records - done, true);
	s->elapsed += s->now - start;
	if (s->done)
		drain_until(s, s->now);
	r->consumed += s->popped;
	r->left += s->pushed - s->popped;
}

static void summarize(struct sim *s, struct sim_result *r)
{
	double sum = 0;

	for (size_t i = 0; i < s->n_waits; i++)
		sum += s->waits[i];
	qsort(s->waits, s->n_waits, sizeof(*s->waits), compare_doubles);
	r->per_sec = s->measured_written / s->elapsed * 1e9;
	r->wait_mean_ns = sum / s->n_waits;
	r->wait_p50_ns = s->waits[s->n_waits / 2];
	r->wait_p99_ns = s->waits[s->n_waits - 1 - s->n_waits / 100];
	r->utilization = s->busy / s->elapsed;
	r->least = r->most = s->count[0];
	for (unsigned i = 0; i < s->load->n; i++) {
		if (s->count[i] < r->least)
			r->least = s->count[i];
		if (s->count[i] > r->most)
			r->most = s->count[i];
	}
}

static bool is_time(double ns)
{
	return isfinite(ns) && ns >= 0;
}

/* A time that is no number compares with nothing: nobody would arrive, and the queue run empty. */
static bool are_times(const struct costs *c, const struct sim_opts *opts)
{
	bool good = is_time(c->alone) && is_time(c->own) && is_time(c->consumer) &&
		    is_time(opts->think_ns) && is_time(opts->drain_ns);

	for (unsigned d = 0; d < N_LEVELS; d++)
		good = good && is_time(c->hand[d]) && is_time(c->consumer * c->hand[d]);
	return good;
}

int sim_run(struct sim_result *out, const struct machine *machine, const struct costs *costs,
	    const struct load *load, const struct sim_opts *opts)
{
	struct sim_result r = { 0 };
	bool drains = opts->drain_ns > 0;
	struct sim s;

	if (!load->n || !opts->records || !opts->batches || (drains && !opts->capacity) ||
	    !are_times(costs, opts))
		return -EINVAL;
	s = (struct sim){
		.machine = machine,
		.costs = costs,
		.load = load,
		.opts = opts,
		.rng = { opts->seed },
		.heap = bench_alloc(load->n, sizeof(*s.heap)),
		.queue = bench_alloc(load->n, sizeof(*s.queue)),
		.order = bench_alloc(load->n, sizeof(*s.order)),
		.count = bench_alloc(load->n, sizeof(*s.count)),
		.waits = bench_alloc((size_t)opts->records * opts->batches, sizeof(*s.waits)),
		.done = drains ? bench_alloc(opts->capacity, sizeof(*s.done)) : NULL,
	};
	for (unsigned b = 0; b < opts->batches; b++)
		run_batch(&s, &r);
	summarize(&s, &r);
	*out = r;
	free(s.done);
	free(s.waits);
	free(s.count);
	free(s.order);
	free(s.queue);
	free(s.heap);
	return 0;
}
