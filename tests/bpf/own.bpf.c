// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Who closes and opens which files? */
#include <numaring/vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <numaring/numaring.bpf.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* System call numbers. */
#ifdef __TARGET_ARCH_arm64
enum { CLOSE = 57, OPENAT = 56 };
#else
enum { CLOSE = 3, OPENAT = 257 };
#endif

struct who {
	__u32 pid;
	__u32 tid;
	__u32 uid;
};

struct file_close {
	struct who who;
	__s32 fd;
};
NR_EVENT(file_close, 1);

static __always_inline struct who whoami(void)
{
	__u64 id = bpf_get_current_pid_tgid();

	return (struct who){ .pid = id >> 32, .tid = id, .uid = bpf_get_current_uid_gid() };
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_close, struct pt_regs *regs, long nr)
{
	struct file_close *e;

	if (nr != CLOSE || !nr_wanted(bpf_get_current_pid_tgid() >> 32))
		return 0;
	e = nr_reserve(file_close);
	if (!e)
		return 0;
	e->who = whoami();
	e->fd = PT_REGS_PARM1_CORE_SYSCALL(regs);
	nr_submit(e);
	return 0;
}

enum file_access {
	READ = 0,
	WRITE = 1,
	READ_WRITE = 2,
};

struct file_open {
	struct who who;
	enum file_access access;
	__u32 mode;
	__u16 data_len; /* elements of data */
	char data[];	/* the path, without its final 0 */
};
NR_EVENT(file_open, 2);

SEC("tp_btf/sys_enter")
int BPF_PROG(on_open, struct pt_regs *regs, long nr)
{
	struct file_open e = {};
	char path[256];
	long len;

	if (nr != OPENAT || !nr_wanted(bpf_get_current_pid_tgid() >> 32))
		return 0;
	len = bpf_probe_read_user_str(path, sizeof(path), (void *)PT_REGS_PARM2_CORE_SYSCALL(regs));
	if (len < 0)
		return 0; /* the page with the path is not in memory */
	if (len > 0)
		len--; /* the final 0; 6.1 does not count it for an empty path */
	e.who = whoami();
	e.access = PT_REGS_PARM3_CORE_SYSCALL(regs) & 3;
	e.mode = PT_REGS_PARM4_CORE_SYSCALL(regs);
	e.data_len = len;
	nr_output_tail(file_open, &e, path, len);
	return 0;
}
