/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What lanes.c asks of lanes.bpf.c, and the events that it gets. */
#ifndef NR_TEST_LANES_H
#define NR_TEST_LANES_H

#define MAGIC	0x6e756c616e657321ULL /* first argument of getpid, which takes none */
#define SOURCES 64		      /* of ticks: 32 + CPU */
#define TICKS	32
#define LARGE	5000 /* bytes, more than a block of 4 KiB */

enum how {
	SUBMIT,
	DISCARD_8TH, /* discard those whose count is a multiple of 8 */
	VARIABLE,    /* nr_output_tail */
	OVERSIZE,    /* an event that fits nowhere */
	OVERSIZE_VARIABLE,
	LEAVE, /* submit all, but leave the first one as it is, in a lane */
};

/* n events, with counts from `first` on. They are the arguments of getpid behind MAGIC, and the
 * context of the program for BPF_PROG_TEST_RUN. */
struct order {
	__u64 how, source, first, n;
};

struct step {
	__u64 source, count;
};

struct words {
	__u64 source, count;
	__u16 data_len;
	char data[];
};

#endif
