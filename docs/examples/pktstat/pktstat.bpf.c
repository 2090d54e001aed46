// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel side of pktstat: one event for every packet that the network stack receives
 * from a device, and one for every packet that it sends to a device.
 */
#include <numaring/vmlinux.h>	   /* the kernel's types; a complete vmlinux.h also works */
#include <bpf/bpf_endian.h>	   /* bpf_ntohs */
#include <bpf/bpf_tracing.h>	   /* BPF_PROG */
#include <numaring/numaring.bpf.h> /* NR_EVENT, nr_reserve, nr_submit */
#include "pktstat.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

NR_EVENT(packet, 1);

static __always_inline int packet(const struct sk_buff *skb, const struct net_device *dev,
				  __u32 bytes, enum direction direction)
{
	struct packet *e = nr_reserve(packet); /* also takes the event's time */

	if (!e)
		return 0; /* lost: already counted, reported at the end */
	/* A reserved record holds old bytes of the ring: fill every field. */
	e->bytes = bytes;
	e->direction = direction;
	e->protocol = bpf_ntohs(skb->protocol);
	e->ifindex = dev->ifindex;
	e->node = nr_cpu_node(bpf_get_smp_processor_id());
	__builtin_memcpy(e->interface, dev->name, sizeof(e->interface));
	nr_submit(e);
	return 0;
}

/* Here the data begins at the network header. */
SEC("tp_btf/netif_receive_skb")
int BPF_PROG(on_receive, const struct sk_buff *skb)
{
	return packet(skb, skb->dev, skb->len, RECEIVED);
}

/* Here the data begins at the link header. Subtract it, so that both directions count the same. */
SEC("tp_btf/net_dev_start_xmit")
int BPF_PROG(on_send, const struct sk_buff *skb, const struct net_device *dev)
{
	return packet(skb, dev, skb->len - (skb->network_header - skb->mac_header), SENT);
}
