/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The arguments of a system call that `numaring selftest order` passes to its BPF program. */
#ifndef NUMARING_SELFTEST_H
#define NUMARING_SELFTEST_H

/* First argument of getpid, which takes no arguments: no other call has this value. */
#define NR_SELFTEST_MAGIC 0x6e7561726f726472ULL

/* Second argument: when the program reads the clock. */
enum nr_selftest_stamp {
	NR_STAMP_NONE,	 /* no record: gives the cost of the call itself */
	NR_STAMP_BEFORE, /* before the reservation: violates I1 */
	NR_STAMP_AFTER,	 /* right after it, without a fence: enough for I3, but not for I2 */
	NR_STAMP_FENCE,	 /* after reservation and fence, as in numaring.bpf.h */
	NR_STAMP_SLOW,	 /* before it, and sometimes long before: only I3 tolerates that */
};

/* Flag in the second argument: every NR_SELFTEST_WAKE_EVERYth record wakes the consumer. */
#define NR_SELFTEST_WAKE       0x100
#define NR_SELFTEST_WAKE_EVERY 16

/* With NR_STAMP_SLOW, one record in NR_SELFTEST_SLOW_EVERY waits for NR_SELFTEST_SLOW_NS. */
#define NR_SELFTEST_SLOW_EVERY 4096
#define NR_SELFTEST_SLOW_NS    2000000ULL

/* Third argument: the caller's count of its calls. */

#endif
