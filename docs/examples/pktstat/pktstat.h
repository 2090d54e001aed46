/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The event of pktstat, for both sides. It includes nothing: BPF has __u32 from vmlinux.h, user
 * space from <linux/types.h>.
 */
#ifndef PKTSTAT_H
#define PKTSTAT_H

enum direction {
	RECEIVED,
	SENT,
};

/* Trace tools print the names, or the number if it has no name. */
enum protocol {
	IPV4 = 0x0800,
	ARP = 0x0806,
	IPV6 = 0x86dd,
};

struct packet {
	__u32 bytes; /* without the Ethernet header; a GSO or GRO packet counts as one */
	enum direction direction;
	enum protocol protocol;
	__u32 ifindex;
	__u32 node; /* NUMA node of the CPU; every record holds the CPU itself */
	char interface[16];
};

#endif
