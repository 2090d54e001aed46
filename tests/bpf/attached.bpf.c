// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs of many types, each of which says that it ran, and maps (attach.sh, maps.sh). */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>
#include "numaring.bpf.h"

char LICENSE[] SEC("license") = "GPL";

struct hit {
	char by[8];
};
NR_EVENT(hit, 1);

static __always_inline int hit(const char *by)
{
	struct hit *e = nr_reserve(hit);

	if (!e)
		return 0;
	__builtin_memset(e, 0, sizeof(*e));
	for (int i = 0; i < 7 && by[i]; i++)
		e->by[i] = by[i];
	nr_submit(e);
	return 0;
}

#define PROGRAM(section, name)                                                                     \
	SEC("?" section) int on_##name(void *ctx)                                                  \
	{                                                                                          \
		return hit(#name);                                                                 \
	}

PROGRAM("perf_event", sample)
PROGRAM("iter/task", task)
PROGRAM("tp", tp)
PROGRAM("raw_tp", raw)
PROGRAM("tp_btf", btf)
PROGRAM("kprobe", kprobe)
PROGRAM("kprobe.multi", multi)
PROGRAM("kretprobe.multi", retmul)
PROGRAM("uprobe", uprobe)
PROGRAM("uprobe.multi", umulti)
PROGRAM("usdt", usdt)
PROGRAM("ksyscall", call)
PROGRAM("socket", socket)

SEC("?tc")
int on_tc(void *ctx)
{
	hit("tc");
	return -1; /* TC_ACT_UNSPEC: go on */
}

SEC("?xdp")
int on_xdp(void *ctx)
{
	hit("xdp");
	return 2; /* XDP_PASS */
}

SEC("?cgroup_skb/egress")
int on_cgroup(void *ctx)
{
	hit("cgroup");
	return 1;
}

SEC("?sk_lookup")
int on_lookup(void *ctx)
{
	hit("lookup");
	return 1; /* SK_PASS */
}

/* The map is filled in any case, with what maps.sh knows. */
enum state { IDLE, BUSY };

struct key {
	__u32 id;
	enum state state;
};

struct value {
	__u64 count;
	char name[8];
};

struct latency {
	__u64 total;
	__u32 slots_us[20];
};

#define MAP(name, kind, entries, k, v)                                                             \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##kind);                                                 \
		__uint(max_entries, entries);                                                      \
		__type(key, k);                                                                    \
		__type(value, v);                                                                  \
	} name SEC(".maps")

MAP(structs, HASH, 16, struct key, struct value);
MAP(numbers, HASH, 200, __u32, __u64);
MAP(cells, ARRAY, 100, __u32, __s32);
MAP(sums, PERCPU_ARRAY, 4, __u32, struct latency);
MAP(names, PERCPU_HASH, 4, __u32, struct value);
MAP(slots_ns, ARRAY, 32, __u32, __u64);
MAP(latencies, HASH, 4, struct key, struct latency);

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 8 * 127);
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 3);
} untyped SEC(".maps");

__u64 runs;
enum state last;

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
};

SEC("?iter/bpf_map_elem")
int on_elem(struct bpf_iter__bpf_map_elem *ctx)
{
	return ctx->key ? hit("elem") : 0;
}

static int fill_one(__u32 i, void *ctx)
{
	__u64 n = i * 10;
	__s32 cell = -(__s32)i;

	bpf_map_update_elem(&numbers, &i, &n, BPF_ANY);
	if (i % 10 == 3)
		bpf_map_update_elem(&cells, &i, &cell, BPF_ANY);
	return 0;
}

SEC("?iter/task")
int fill(struct bpf_iter__task *ctx)
{
	struct key key = { 7, BUSY };
	struct value value = { 42, "seven" };
	struct latency latency = { .total = 9, .slots_us = { [3] = 1, [5] = 4 } };
	__u32 bytes = 0x01020304, i = 3, three = 3;
	__u64 ten = 10;

	if (runs++)
		return 0;
	last = BUSY;
	bpf_loop(100, fill_one, NULL, 0);
	bpf_map_update_elem(&structs, &key, &value, BPF_ANY);
	bpf_map_update_elem(&latencies, &key, &latency, BPF_ANY);
	bpf_map_update_elem(&sums, &three, &latency, BPF_ANY);
	bpf_map_update_elem(&names, &three, &value, BPF_ANY);
	bpf_map_update_elem(&untyped, &bytes, "abc", BPF_ANY);
	bpf_map_update_elem(&slots_ns, &i, &ten, BPF_ANY);
	return hit("fill");
}
