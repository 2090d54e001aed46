/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where in the stream a loss belongs (I11): how many records were lost by the end of a packet, and
 * never one that was lost after it.
 *
 * Every record says what its CPU had lost by then, so losses between two records of a CPU are
 * placed by the second. Those of a CPU that writes no more are placed by a sample: its counter, as
 * read at a time that is not after the packet's end. Samples are taken ahead of the stream and wait
 * until it has come to their time. When too many wait, the one whose neighbours are closest goes:
 * so the ones before and after a pause stay, and a loss in the pause is placed there.
 *
 * Merge thread.
 */
#ifndef NR_LOSSES_H
#define NR_LOSSES_H

#include <linux/types.h>
#include <numaring/record.h>
#include <stdbool.h>
#include <stdint.h>

/* Reads the counters of all CPUs into lost, [n_cpus]; returns a time at which all that was read
 * had happened, CLOCK_MONOTONIC ns. */
typedef uint64_t (*nr_losses_read)(void *ctx, uint64_t *lost);

#define NR_LOSSES_SAMPLES 8

struct nr_losses_sample {
	uint64_t at;	/* every loss in it happened before, CLOCK_MONOTONIC ns */
	uint64_t *lost; /* [n_cpus] */
};

struct nr_losses {
	uint32_t n_cpus;
	uint64_t *by_cpu; /* [n_cpus] what each had lost by the end of what was taken */
	uint64_t total;	  /* their sum */
	struct nr_losses_sample samples[NR_LOSSES_SAMPLES]; /* by time */
	unsigned n;					    /* of them that wait */
	nr_losses_read read; /* NULL: the records alone place losses */
	void *ctx;
};

int nr_losses_init(struct nr_losses *l, uint32_t n_cpus, nr_losses_read read, void *ctx);
void nr_losses_destroy(struct nr_losses *l);

/* A record joins the stream. Its count has 32 bits, and a step back is no loss (docs/format.md). */
static inline void nr_losses_note(struct nr_losses *l, const struct nr_record *rec)
{
	int32_t more;

	if (rec->cpu >= l->n_cpus)
		return;
	more = rec->lost - (uint32_t)l->by_cpu[rec->cpu];
	if (__builtin_expect(more > 0, 0)) {
		l->by_cpu[rec->cpu] += more;
		l->total += more;
	}
}

/* Takes a sample, unless at now the newest is younger than a millisecond. */
void nr_losses_sample(struct nr_losses *l, uint64_t now);

/* Records lost by end, the time of a packet's last record; it never falls. */
uint64_t nr_losses_until(struct nr_losses *l, uint64_t end);

/* Records lost in all, once no program runs any more. */
uint64_t nr_losses_all(struct nr_losses *l);

#endif
