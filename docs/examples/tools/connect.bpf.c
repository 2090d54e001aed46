// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reports each TCP connection attempt: process, destination, outcome and duration. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>
#include <numaring/numaring.bpf.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define AF_INET 2

enum outcome {
	CONNECTED,
	FAILED,
};

struct connect {
	__u64 took_ns;
	__u32 pid;
	enum outcome outcome;
	__u16 port;
	__u16 ipv6; /* 1: daddr is an IPv6 address; 0: its first four bytes are an IPv4 address */
	__u8 daddr[16];
	char comm[16];
};
NR_EVENT(connect, 1);

/* The process is known only at the start, because the answer arrives in an interrupt. */
struct start {
	__u64 ts;
	__u32 pid;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, __u64);
	__type(value, struct start);
} starts SEC(".maps");

static __always_inline void begin(__u64 key)
{
	struct start s = { .ts = bpf_ktime_get_ns(), .pid = bpf_get_current_pid_tgid() >> 32 };

	if (!nr_wanted(s.pid))
		return;
	bpf_get_current_comm(s.comm, sizeof(s.comm));
	bpf_map_update_elem(&starts, &key, &s, BPF_ANY);
}

static __always_inline void end(const struct sock *sk, const struct start *s, int state)
{
	struct connect *e = nr_reserve(connect);

	if (!e)
		return;
	e->took_ns = bpf_ktime_get_ns() - s->ts;
	e->pid = s->pid;
	e->outcome = state == TCP_ESTABLISHED ? CONNECTED : FAILED;
	e->port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	e->ipv6 = BPF_CORE_READ(sk, __sk_common.skc_family) != AF_INET;
	__builtin_memset(e->daddr, 0, sizeof(e->daddr));
	if (e->ipv6)
		BPF_CORE_READ_INTO(&e->daddr, sk, __sk_common.skc_v6_daddr);
	else
		BPF_CORE_READ_INTO((__be32 *)e->daddr, sk, __sk_common.skc_daddr);
	__builtin_memcpy(e->comm, s->comm, sizeof(e->comm));
	nr_submit(e);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, const struct sock *sk, int from, int to)
{
	__u64 key = (__u64)sk;
	struct start *s;

	if (to == TCP_SYN_SENT) {
		begin(key);
		return 0;
	}
	s = from == TCP_SYN_SENT ? bpf_map_lookup_elem(&starts, &key) : NULL;
	if (!s)
		return 0;
	end(sk, s, to);
	bpf_map_delete_elem(&starts, &key);
	return 0;
}
