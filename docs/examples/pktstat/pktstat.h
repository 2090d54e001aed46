/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The event of pktstat, for both sides. No includes: BPF has __u32 from vmlinux.h, user space from
 * <linux/types.h>.
 */
#ifndef PKTSTAT_H
#define PKTSTAT_H

enum direction {
	RECEIVED,
	SENT,
};

/* Trace tools print the names; of a number without a name, they print the number. */
enum protocol {
	IPV4 = 0x0800,
	ARP = 0x0806,
	IPV6 = 0x86dd,
};

struct packet {
	__u32 bytes; /* from the network header on: no Ethernet header; GSO and GRO packets are one
		      */
	enum direction direction;
	enum protocol protocol;
	__u32 ifindex;
	__u32 node; /* NUMA node of the CPU; the CPU itself is in every record */
	char interface[16];
};

#endif
