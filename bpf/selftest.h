/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What `numaring selftest order` and its BPF program agree on: arguments of a system call. */
#ifndef NUMARING_SELFTEST_H
#define NUMARING_SELFTEST_H

/* First argument of getpid, which takes none: no call by anybody else looks like this. */
#define NR_SELFTEST_MAGIC 0x6e7561726f726472ULL

/* Second argument: when the program reads the clock. */
enum nr_selftest_stamp {
	NR_STAMP_NONE,	 /* writes no record: what a call costs without */
	NR_STAMP_BEFORE, /* before the reservation: against I1 */
	NR_STAMP_AFTER,	 /* after it, with nothing between: enough for I3, not for I2 */
	NR_STAMP_FENCE,	 /* as numaring.bpf.h does: after reservation and fence */
	NR_STAMP_SLOW,	 /* before it, and now and then long before: only I3 bears that */
};

/* Added to it: every NR_SELFTEST_WAKE_EVERYth record wakes the consumer. */
#define NR_SELFTEST_WAKE       0x100
#define NR_SELFTEST_WAKE_EVERY 16

/* Of the slow ones: one in so many takes so long. */
#define NR_SELFTEST_SLOW_EVERY 4096
#define NR_SELFTEST_SLOW_NS    2000000ULL

/* Third argument: the caller's count of its calls. */

#endif
