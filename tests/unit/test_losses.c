/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Places of losses in the stream (I11), against a history in which the time of each loss is
 * known. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "merge/losses.h"
#include "seed.h"

#define CPUS	5
#define STEPS	3000
#define STEP_NS 100000u

/* A step of the history: a CPU wrote a record, lost some, or did nothing. */
static struct step {
	bool wrote;
	uint16_t cpu;
	uint64_t lost[CPUS]; /* by each CPU, at the end of the step */
} steps[STEPS];

static uint64_t time_of(unsigned step)
{
	return (step + 1) * (uint64_t)STEP_NS;
}

static uint64_t lost_by(unsigned step)
{
	uint64_t sum = 0;

	for (int cpu = 0; cpu < CPUS; cpu++)
		sum += steps[step].lost[cpu];
	return sum;
}

static uint64_t first[CPUS]; /* each CPU's losses at the start of the history */

/* Some CPUs stop writing at some time but still lose records. Some counts wrap in their low 32
 * bits. */
static void make_history(struct seed *seed)
{
	uint64_t lost[CPUS], silent[CPUS];

	for (int cpu = 0; cpu < CPUS; cpu++) {
		lost[cpu] = first[cpu] = seed_once_in(seed, 2) ? 0xffffff00u : 0;
		silent[cpu] = seed_below(seed, 2 * STEPS);
	}
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned cpu = seed_below(seed, CPUS);
		bool loses = seed_once_in(seed, 3);

		if (loses)
			lost[cpu] += seed_below(seed, 1000);
		steps[i] = (struct step){ .wrote = !loses && i < silent[cpu], .cpu = cpu };
		memcpy(steps[i].lost, lost, sizeof(lost));
	}
}

static unsigned present; /* the step in which the counters are read */

static uint64_t read_counters(void *ctx, uint64_t *lost)
{
	(void)ctx;
	memcpy(lost, steps[present].lost, sizeof(steps[present].lost));
	return time_of(present);
}

static void note(struct nr_losses *l, unsigned step)
{
	const struct step *s = &steps[step];
	const struct nr_record rec = { .cpu = s->cpu, .lost = s->lost[s->cpu] };
	const struct nr_record none = { .cpu = CPUS, .lost = 1000000 }; /* no such CPU */

	if (s->wrote)
		nr_losses_note(l, &rec);
	nr_losses_note(l, &none);
}

/* The least count of a packet that ends with this step: from the records, and from counters read
 * some time ago. */
static uint64_t least_by(unsigned step, unsigned stale)
{
	uint64_t least[CPUS], sum = 0;

	memcpy(least, first, sizeof(least));
	if (step > stale)
		memcpy(least, steps[step - stale].lost, sizeof(least));
	for (unsigned i = 0; i <= step; i++)
		if (steps[i].wrote && steps[i].lost[steps[i].cpu] > least[steps[i].cpu])
			least[steps[i].cpu] = steps[i].lost[steps[i].cpu];
	for (int cpu = 0; cpu < CPUS; cpu++)
		sum += least[cpu];
	return sum;
}

/* The stream is at most `lag` steps behind the present. The counters are read in each step. */
static void replay(struct seed *seed, unsigned lag)
{
	unsigned noted = 0;
	uint64_t placed = 0;
	struct nr_losses l;

	assert_int_equal(nr_losses_init(&l, CPUS, read_counters, NULL), 0);
	for (int cpu = 0; cpu < CPUS; cpu++)
		l.total += l.by_cpu[cpu] = first[cpu];
	for (present = 0; present < STEPS; present++) {
		unsigned end = present - (lag && present >= lag ? seed_below(seed, lag) : 0);

		nr_losses_sample(&l, time_of(present));
		if (end < noted || !seed_once_in(seed, 4))
			continue;
		while (noted <= end)
			note(&l, noted++);
		assert_true(nr_losses_until(&l, time_of(end)) >= placed);
		placed = nr_losses_until(&l, time_of(end));
		assert_true(placed <= lost_by(end));
		if (seed_once_in(seed, 20)) /* this check is quadratic */
			assert_true(placed >= least_by(end, 2 * lag + 40));
	}
	present = STEPS - 1;
	assert_int_equal(nr_losses_all(&l), lost_by(STEPS - 1));
	nr_losses_destroy(&l);
}

static void test_histories(void **state)
{
	struct seed seed = { seed_first("losses") };

	(void)state;
	for (int i = 0; i < 100; i++) {
		make_history(&seed);
		replay(&seed, seed_below(&seed, 100));
	}
}

static uint64_t now_ns, lost_now;

static uint64_t read_now(void *ctx, uint64_t *lost)
{
	(void)ctx;
	*lost = lost_now;
	return now_ns;
}

/* The stream stalled while samples went on, then everything stopped. The first packet that ends
 * after the pause counts the losses in the pause. */
static void test_pause(void **state)
{
	struct nr_losses l;

	(void)state;
	assert_int_equal(nr_losses_init(&l, 1, read_now, NULL), 0);
	for (now_ns = 1000000; now_ns < 100000000; now_ns += 1000000)
		nr_losses_sample(&l, now_ns);
	now_ns = 1500000000;
	lost_now = 1000;
	for (int i = 0; i < 100; i++, now_ns += 1000000, lost_now++)
		nr_losses_sample(&l, now_ns);
	assert_int_equal(nr_losses_until(&l, 100000000), 0);
	assert_int_equal(nr_losses_until(&l, 1500000000), 1000);
	assert_int_equal(nr_losses_until(&l, now_ns), lost_now - 1);
	nr_losses_destroy(&l);
}

/* A count that steps back is no loss: this record's program interrupted the previous record's. */
static void test_step_back(void **state)
{
	struct nr_losses l;
	struct nr_record rec = { .cpu = 1, .lost = 10 };

	(void)state;
	assert_int_equal(nr_losses_init(&l, 2, NULL, NULL), 0);
	nr_losses_note(&l, &rec);
	rec.lost = 7;
	nr_losses_note(&l, &rec);
	rec.lost = 12;
	nr_losses_note(&l, &rec);
	nr_losses_sample(&l, 1);
	assert_int_equal(nr_losses_until(&l, 1), 12);
	assert_int_equal(nr_losses_all(&l), 12);
	nr_losses_destroy(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_histories),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_step_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
