/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Places losses in the stream (I11): counts the records lost by the end of a packet, and none that
 * were lost later.
 *
 * Every record holds the losses of its CPU so far, so a record places the losses since the CPU's
 * previous record. For a CPU that writes no more, a sample places them: a reading of its counter,
 * made no later than the packet's end. Samples are taken ahead of the stream and wait until the
 * stream reaches their time. When too many wait, the one whose neighbours are closest is dropped:
 * so the samples before and after a pause stay, and place a loss in the pause.
 *
 * Merge thread.
 */
#ifndef NR_LOSSES_H
#define NR_LOSSES_H

#include <linux/types.h>
#include <numaring/record.h>
#include <stdbool.h>
#include <stdint.h>

/* Reads the counters of all CPUs into lost, [n_cpus]. Returns a time after all the losses that it
 * read, CLOCK_MONOTONIC ns. */
typedef uint64_t (*nr_losses_read)(void *ctx, uint64_t *lost);

#define NR_LOSSES_SAMPLES 8

struct nr_losses_sample {
	uint64_t at;	/* time after every loss in it, CLOCK_MONOTONIC ns */
	uint64_t *lost; /* [n_cpus] */
};

struct nr_losses {
	uint32_t n_cpus;
	uint64_t *by_cpu; /* [n_cpus] losses of each CPU by the last event taken */
	uint64_t total;	  /* their sum */
	struct nr_losses_sample samples[NR_LOSSES_SAMPLES]; /* waiting ones first, by time */
	unsigned n;					    /* waiting samples */
	nr_losses_read read; /* NULL: the records alone place losses */
	void *ctx;
};

int nr_losses_init(struct nr_losses *l, uint32_t n_cpus, nr_losses_read read, void *ctx);
void nr_losses_destroy(struct nr_losses *l);

/* Call for each record of the stream. Its count has 32 bits; a count that steps back is no loss
 * (docs/format.md). */
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

/* Takes a sample, unless the newest is less than a millisecond old at now. */
void nr_losses_sample(struct nr_losses *l, uint64_t now);

/* Records lost by end, the time of a packet's last record. The result never decreases. */
uint64_t nr_losses_until(struct nr_losses *l, uint64_t end);

/* All records lost. Call it when no program runs any more. */
uint64_t nr_losses_all(struct nr_losses *l);

#endif
