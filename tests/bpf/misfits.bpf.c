/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Each getpgid call writes, in turn, a record that fits its type and three that do not. */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include "numaring.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#ifdef __TARGET_ARCH_arm64
#define GETPGID 155
#else
#define GETPGID 121
#endif

struct plain {
	__u64 n;
	__u32 more[2];
};
NR_EVENT(plain, 1);

struct tailed {
	__u64 n;
	__u32 data_len;
	__u16 data[];
};
NR_EVENT(tailed, 2);

__u64 calls;

SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, struct pt_regs *regs, long nr)
{
	__u64 words[5] = { calls, 0x0000000200000001 };
	struct tailed tail = { .n = calls, .data_len = 2 };

	if (nr != GETPGID || !nr_wanted(bpf_get_current_pid_tgid() >> 32))
		return 0;
	calls++;
	nr_output(plain, words, 16);
	nr_output(plain, words, 40); /* longer */
	nr_output(plain, words, 12); /* shorter */
	nr_output_tail(tailed, &tail, words, 4);
	tail.data_len = 9;
	nr_output_tail(tailed, &tail, words, 4);  /* shorter */
	nr_output_bytes(200, words, 16, NULL, 0); /* of unknown type */
	return 0;
}
