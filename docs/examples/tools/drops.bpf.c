// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reports each packet that the kernel drops, where and why. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>
#include <numaring/numaring.bpf.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define ETH_P_IP 0x0800

struct drop {
	void *location; /* /proc/kallsyms names it */
	__u32 reason;	/* enum skb_drop_reason in this kernel's BTF */
	_Bool no_socket;
	__u8 ip_protocol; /* 0: not IPv4 */
	__u16 ether_type;
	__u32 len;
	__s32 ifindex;
	char dev[16];
	__u8 saddr[4];
	__u8 daddr[4];
	__u16 dport; /* TCP and UDP only */
};
NR_EVENT(drop, 1);

static __always_inline void read_ip(struct drop *e, const struct sk_buff *skb)
{
	unsigned char *head = BPF_CORE_READ(skb, head);
	unsigned int at = BPF_CORE_READ(skb, network_header);
	struct iphdr ip;
	__be16 port;

	if (e->ether_type != ETH_P_IP || bpf_probe_read_kernel(&ip, sizeof(ip), head + at))
		return;
	e->ip_protocol = ip.protocol;
	__builtin_memcpy(e->saddr, &ip.saddr, 4);
	__builtin_memcpy(e->daddr, &ip.daddr, 4);
	if (ip.protocol != IPPROTO_TCP && ip.protocol != IPPROTO_UDP)
		return;
	if (!bpf_probe_read_kernel(&port, 2, head + at + ip.ihl * 4 + 2))
		e->dport = bpf_ntohs(port);
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(on_drop, struct sk_buff *skb, void *location, enum skb_drop_reason reason)
{
	struct net_device *dev = BPF_CORE_READ(skb, dev);
	struct drop *e = nr_reserve(drop);

	if (!e)
		return 0;
	__builtin_memset(e, 0, sizeof(*e));
	e->location = location;
	e->reason = reason;
	e->no_socket =
		reason == bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NO_SOCKET);
	e->ether_type = bpf_ntohs(BPF_CORE_READ(skb, protocol));
	e->len = BPF_CORE_READ(skb, len);
	e->ifindex = BPF_CORE_READ(dev, ifindex);
	BPF_CORE_READ_STR_INTO(&e->dev, dev, name);
	read_ip(e, skb);
	nr_submit(e);
	return 0;
}
