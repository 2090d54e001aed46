/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs for kprobes, uprobes and USDT probes know about each of them. The event begins
 * with struct nr_current (tracepoint.h); then come the arguments. */
#ifndef NR_PROBE_H
#define NR_PROBE_H

#define NR_PROBE_MAX  256 /* probes of one object */
#define NR_PROBE_ARGS 12
#define NR_PROBE_TEXT 64 /* bytes of a text in the event */

/* Where the value of an argument comes from. */
#define NR_PROBE_REGS 6	   /* below it: an argument of a function, in a register */
#define NR_PROBE_RET  0xff /* what a function returned */

enum nr_probe_read {
	NR_PROBE_NUMBER,
	NR_PROBE_KERNEL_TEXT, /* the value is its address */
	NR_PROBE_USER_TEXT,
	NR_PROBE_ANY_TEXT, /* of the kernel, or else of the process */
};

struct nr_probe_arg {
	__u16 to;  /* in the event */
	__u8 from; /* number of the argument, or NR_PROBE_RET */
	__u8 read; /* enum nr_probe_read */
	__u32 zero;
};

struct nr_probe_config {
	__u16 size; /* bytes of the event */
	__u16 n_args;
	__u32 zero;
	struct nr_probe_arg args[NR_PROBE_ARGS];
};

#endif
