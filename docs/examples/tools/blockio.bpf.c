// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reports each request to a disk and its duration. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <numaring/numaring.bpf.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Values of the kernel's REQ_OP_..., which are stable in practice. */
enum operation {
	READ = 0,
	WRITE = 1,
	FLUSH = 2,
	DISCARD = 3,
};

struct block_io {
	__u64 took_ns;
	__u64 sector;
	__u32 bytes;
	enum operation operation;
	__s32 error;
	__u32 major;
	__u32 minor;
	char disk[32];
};
NR_EVENT(block_io, 1);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u64); /* the request */
	__type(value, __u64);
} issued SEC(".maps");

SEC("tp_btf/block_rq_issue")
int BPF_PROG(on_issue, struct request *rq)
{
	__u64 key = (__u64)rq, now = bpf_ktime_get_ns();

	bpf_map_update_elem(&issued, &key, &now, BPF_ANY);
	return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(on_complete, struct request *rq, blk_status_t error, unsigned int bytes)
{
	struct gendisk *disk = BPF_CORE_READ(rq, q, disk);
	__u64 key = (__u64)rq, *start = bpf_map_lookup_elem(&issued, &key);
	struct block_io *e;

	if (!start)
		return 0; /* issued before the recording began */
	e = nr_reserve(block_io);
	if (e) {
		e->took_ns = bpf_ktime_get_ns() - *start;
		e->sector = BPF_CORE_READ(rq, __sector);
		e->bytes = bytes;
		e->operation = BPF_CORE_READ(rq, cmd_flags) & 0xff;
		e->error = error;
		e->major = BPF_CORE_READ(disk, major);
		e->minor = BPF_CORE_READ(disk, first_minor);
		BPF_CORE_READ_STR_INTO(&e->disk, disk, disk_name);
		nr_submit(e);
	}
	bpf_map_delete_elem(&issued, &key);
	return 0;
}
