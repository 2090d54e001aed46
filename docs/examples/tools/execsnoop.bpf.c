// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reports each attempt to start a program: who, what with which arguments, and whether it succeeded. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <numaring/numaring.bpf.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* --set failed=0: only programs that started. --set uid=1000: only those of a user. */
const volatile _Bool failed = 1;
const volatile __s32 uid = -1;

#define MAX_BYTES 256 /* of the arguments */
#define MAX_ARGS  20  /* of an attempt that failed, of at most MAX_ARG bytes */
#define MAX_ARG	  64

/* System call numbers. */
#ifdef __TARGET_ARCH_arm64
enum { EXECVE = 221, EXECVEAT = 281 };
struct pt_regs___arm {
	int syscallno;
} __attribute__((preserve_access_index));
#define SYSCALL_OF(regs) BPF_CORE_READ((struct pt_regs___arm *)(regs), syscallno)
#else
enum { EXECVE = 59, EXECVEAT = 322 };
#define SYSCALL_OF(regs) ((regs)->orig_ax)
#endif

struct exec {
	__s32 ret; /* 0, or a negative error number */
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	char comm[16];	 /* of the task: the new program's if it started */
	char parent[16]; /* the parent's */
	__u16 data_len;
	char data[]; /* the arguments, with spaces between them */
};
NR_EVENT(exec, 1);

struct text {
	__u64 words[MAX_BYTES / 8];
};

static __always_inline _Bool wanted(__u32 tgid)
{
	return (uid < 0 || uid == (__s32)bpf_get_current_uid_gid()) && nr_wanted(tgid);
}

/* Makes spaces of the bytes that are 0: in each word at once, bit 7 of a byte gets set unless the byte
 * is 0, and 0x20 is bit 7 moved by 2. */
static __always_inline void join(struct text *args)
{
	const __u64 low = 0x7f7f7f7f7f7f7f7f;

	for (int i = 0; i < MAX_BYTES / 8; i++) {
		__u64 w = args->words[i];

		args->words[i] |= ~(((w & low) + low) | w | low) >> 2;
	}
}

static __always_inline void report(struct task_struct *task, struct text *args, __u64 len, int ret)
{
	struct exec e = {
		.ret = ret,
		.pid = task->tgid,
		.ppid = task->real_parent->tgid,
		.uid = bpf_get_current_uid_gid(),
	};

	if (len > MAX_BYTES)
		len = MAX_BYTES;
	bpf_get_current_comm(e.comm, sizeof(e.comm));
	BPF_CORE_READ_STR_INTO(&e.parent, task, real_parent, comm);
	e.data_len = len;
	join(args);
	nr_output_tail(exec, &e, args, len);
}

/* The kernel has just copied the arguments, one after the other, to the new program's memory. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	struct text args = {};
	__u64 len = 0;

	if (!mm || !wanted(task->tgid))
		return 0;
	if (mm->arg_end > mm->arg_start)
		len = mm->arg_end - mm->arg_start - 1; /* the last 0 */
	if (len > MAX_BYTES)
		len = MAX_BYTES;
	if (bpf_probe_read_user(&args, len, (void *)mm->arg_start))
		len = 0;
	report(task, &args, len, 0);
	return 0;
}

/* Reads the arguments one by one. Returns their bytes with the 0 after each. */
static __always_inline __u64 read_args(struct text *args, const char *const *argv)
{
	const char *arg;
	__u64 len = 0;

	for (int i = 0; i < MAX_ARGS && len <= MAX_BYTES - MAX_ARG; i++) {
		long n;

		if (bpf_probe_read_user(&arg, sizeof(arg), &argv[i]) || !arg)
			break;
		n = bpf_probe_read_user_str((char *)args + len, MAX_ARG, arg);
		if (n <= 0 || n > MAX_ARG)
			break;
		len += n;
	}
	return len;
}

/* If it fails, the caller goes on, and its registers still have the arguments of the system call. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_failed, struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct text args = {};
	const char *const *argv;
	long nr;
	__u64 len;

	if (!failed || ret >= 0)
		return 0;
	nr = SYSCALL_OF(regs);
	if ((nr != EXECVE && nr != EXECVEAT) || !wanted(task->tgid))
		return 0;
	argv = nr == EXECVE ? (void *)PT_REGS_PARM2_CORE_SYSCALL(regs)
			    : (void *)PT_REGS_PARM3_CORE_SYSCALL(regs);
	len = read_args(&args, argv);
	report(task, &args, len ? len - 1 : 0, ret);
	return 0;
}
