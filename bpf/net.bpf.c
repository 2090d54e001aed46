// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Source "net": packets that the host receives, transmits and drops.
 *
 * Most of them are handled in interrupts, so they belong to no process: -p does not choose among
 * these events.
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include "numaring.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum ether_type {
	IP = 0x0800,
	ARP = 0x0806,
	VLAN = 0x8100,
	IPV6 = 0x86dd,
	MPLS = 0x8847,
	EAPOL = 0x888e,
	QINQ = 0x88a8,
	LLDP = 0x88cc,
	PTP = 0x88f7,
} __attribute__((packed));

enum ip_protocol {
	NONE = 0, /* not an IP packet, or its header is not at hand */
	ICMP = 1,
	IGMP = 2,
	IPIP = 4,
	TCP = 6,
	UDP = 17,
	GRE = 47,
	ESP = 50,
	ICMPV6 = 58,
	SCTP = 132,
} __attribute__((packed));

/* The fields of all three events: numbers are in host byte order, and 0 if they are unknown. */
#define PACKET_FIELDS                                                                              \
	__u32 len; /* bytes; received: without the link's header */                                \
	__u32 ifindex;                                                                             \
	enum ether_type protocol;                                                                  \
	enum ip_protocol ip_protocol; /* of IPv6: the first next header */                         \
	__u16 sport;                                                                               \
	__u16 dport;                                                                               \
	char interface[16] __attribute__((aligned(8)))

struct net_receive {
	PACKET_FIELDS;
};
NR_EVENT(net_receive, 0);

struct net_transmit {
	PACKET_FIELDS;
};
NR_EVENT(net_transmit, 1);

struct net_drop {
	PACKET_FIELDS;
	void *location; /* where in the kernel */
	enum skb_drop_reason reason;
};
NR_EVENT(net_drop, 2);

/* What the events say of a packet. */
struct packet {
	const struct net_device *dev;
	__u32 len;
	__u32 ifindex; /* if dev is NULL */
	__u16 protocol;
	__u8 ip_protocol;
	__be16 ports[2];
};

/* Bytes of the packet from here on that are in one piece. */
static __always_inline bool at_hand(const struct sk_buff *skb, __u32 offset, __u32 bytes)
{
	return offset + bytes <= skb->tail;
}

static __always_inline void read_ports(struct packet *p, const struct sk_buff *skb, __u32 offset)
{
	if (p->ip_protocol != TCP && p->ip_protocol != UDP && p->ip_protocol != SCTP)
		return;
	if (at_hand(skb, offset, sizeof(p->ports)))
		bpf_probe_read_kernel(p->ports, sizeof(p->ports), skb->head + offset);
}

#define FRAGMENT_OFFSET 0x1fff

static __always_inline void read_ipv4(struct packet *p, const struct sk_buff *skb, __u32 offset)
{
	struct iphdr ip = {};

	if (!at_hand(skb, offset, sizeof(ip)))
		return;
	bpf_probe_read_kernel(&ip, sizeof(ip), skb->head + offset);
	if (ip.version != 4)
		return;
	p->ip_protocol = ip.protocol;
	if (!(ip.frag_off & bpf_htons(FRAGMENT_OFFSET))) /* only the first fragment has ports */
		read_ports(p, skb, offset + ip.ihl * 4);
}

static __always_inline void read_ipv6(struct packet *p, const struct sk_buff *skb, __u32 offset)
{
	struct ipv6hdr ip = {};

	if (!at_hand(skb, offset, sizeof(ip)))
		return;
	bpf_probe_read_kernel(&ip, sizeof(ip), skb->head + offset);
	if (ip.version != 6)
		return;
	p->ip_protocol = ip.nexthdr;
	read_ports(p, skb, offset + sizeof(ip));
}

/* offset: of the IP header from skb->head; 0: unknown */
static __always_inline void read_packet(struct packet *p, const struct sk_buff *skb, __u32 offset)
{
	p->len = skb->len;
	p->protocol = bpf_ntohs(skb->protocol);
	if (!offset)
		return;
	if (p->protocol == IP)
		read_ipv4(p, skb, offset);
	else if (p->protocol == IPV6)
		read_ipv6(p, skb, offset);
}

#define FILL_PACKET(e, p)                                                                          \
	do {                                                                                       \
		const struct net_device *dev_ = (p)->dev;                                          \
                                                                                                   \
		(e)->len = (p)->len;                                                               \
		(e)->ifindex = (p)->ifindex;                                                       \
		(e)->protocol = (p)->protocol;                                                     \
		(e)->ip_protocol = (p)->ip_protocol;                                               \
		(e)->sport = bpf_ntohs((p)->ports[0]);                                             \
		(e)->dport = bpf_ntohs((p)->ports[1]);                                             \
		__builtin_memset((e)->interface, 0, sizeof((e)->interface));                       \
		if (dev_) {                                                                        \
			(e)->ifindex = BPF_CORE_READ(dev_, ifindex);                               \
			BPF_CORE_READ_INTO(&(e)->interface, dev_, name);                           \
		}                                                                                  \
	} while (0)

static __always_inline void fill_receive(struct net_receive *e, const struct packet *p)
{
	FILL_PACKET(e, p);
}

static __always_inline void fill_transmit(struct net_transmit *e, const struct packet *p)
{
	FILL_PACKET(e, p);
}

static __always_inline void fill_drop(struct net_drop *e, const struct packet *p, void *location,
				      __u32 reason)
{
	FILL_PACKET(e, p);
	e->location = location;
	e->reason = reason;
}

/* The kernel sets network_header only after this tracepoint; until then it is where data begins. */
SEC("tp_btf/netif_receive_skb")
int BPF_PROG(on_receive, struct sk_buff *skb)
{
	struct packet p = { .dev = skb->dev };

	read_packet(&p, skb, skb->data - skb->head);
	nr_emit(net_receive, fill_receive, &p);
	return 0;
}

SEC("tp_btf/net_dev_start_xmit")
int BPF_PROG(on_transmit, struct sk_buff *skb, struct net_device *dev)
{
	struct packet p = { .dev = dev };

	read_packet(&p, skb, skb->network_header);
	nr_emit(net_transmit, fill_transmit, &p);
	return 0;
}

/* Later kernels call consume_skb's tracepoint in these cases. */
static __always_inline bool is_drop(__u32 reason)
{
	if (bpf_core_enum_value_exists(enum skb_drop_reason, SKB_CONSUMED) &&
	    reason == bpf_core_enum_value(enum skb_drop_reason, SKB_CONSUMED))
		return false;
	return !bpf_core_enum_value_exists(enum skb_drop_reason, SKB_NOT_DROPPED_YET) ||
	       reason != bpf_core_enum_value(enum skb_drop_reason, SKB_NOT_DROPPED_YET);
}

/* UDP keeps other things in the place of dev once a packet waits for its socket. Such a value is no
 * kernel address. */
static __always_inline const struct net_device *device_of(const struct sk_buff *skb)
{
	const struct net_device *dev = BPF_CORE_READ(skb, dev); /* not skb->dev: a mere number */

	return (__s64)dev < 0 ? dev : NULL;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(on_drop, struct sk_buff *skb, void *location, __u32 reason)
{
	struct packet p = { .dev = device_of(skb), .ifindex = skb->skb_iif };

	if (!is_drop(reason))
		return 0;
	read_packet(&p, skb, skb->network_header);
	nr_emit(net_drop, fill_drop, &p, location, reason);
	return 0;
}
