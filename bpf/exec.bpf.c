// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Source "exec": which processes and threads begin and end, and what they run. Needs Linux 5.19
 * (dynptr).
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "numaring.bpf.h"
#include "tasks.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The parent tells it. Of a new thread, child_pid is pid. */
struct process_fork {
	__u32 pid;
	__u32 tid;
	__u32 child_pid;
	__u32 child_tid;
	char comm[16];
};
NR_EVENT(process_fork, 0);

struct process_exec {
	__u32 pid;
	__u32 tid;
	__u32 old_tid; /* of the thread that called exec; it gets the number of its process */
	__u32 args_len;
	char comm[16];
	char filename[64]; /* that was executed, as the caller named it; may be cut */
	char args[];	   /* with spaces between them; cut after MAX_ARGS bytes */
};
NR_EVENT(process_exec, 1);

/* Every thread tells its end. */
struct process_exit {
	__u64 lifetime_ns;
	__u32 pid;
	__u32 tid;
	__s32 status; /* 0 to 255; 0 after a signal */
	__u32 signal; /* that terminated it; 0: none */
	bool core_dumped;
	char comm[16] __attribute__((aligned(8)));
};
NR_EVENT(process_exit, 2);

#define MAX_ARGS 1024
#define CHUNK	 64 /* of arguments, on the program's stack */

static __always_inline void fill_fork(struct process_fork *e, struct task_struct *parent,
				      struct task_struct *child)
{
	e->pid = parent->tgid;
	e->tid = parent->pid;
	e->child_pid = child->tgid;
	e->child_tid = child->pid;
	__builtin_memcpy(e->comm, parent->comm, sizeof(e->comm));
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	if (task_wanted(parent))
		nr_emit(process_fork, fill_fork, parent, child);
	return 0;
}

/* Bytes of the arguments, without the 0 after the last one. */
static __always_inline __u32 args_bytes(struct mm_struct *mm)
{
	__u64 bytes = mm->arg_end - mm->arg_start - 1;

	return mm->arg_end <= mm->arg_start ? 0 : bytes < MAX_ARGS ? bytes : MAX_ARGS;
}

/* Makes spaces of the bytes that are 0: a carry into bit 7 marks all others. */
static __always_inline void join(__u64 words[CHUNK / 8])
{
	const __u64 low = 0x7f7f7f7f7f7f7f7f;

	for (int i = 0; i < CHUNK / 8; i++)
		words[i] |= ~((words[i] & low) + low | words[i] | low) >> 2;
}

static __always_inline void write_chunk(struct nr_writer *to, __u32 at, __u64 from, __u32 n)
{
	__u64 chunk[CHUNK / 8];

	if (!bpf_probe_read_user(chunk, n, (void *)from))
		join(chunk);
	nr_write(to, at, chunk, n);
}

static __always_inline void write_args(struct nr_writer *to, __u32 at, __u64 from, __u32 len)
{
	__u32 rest = len & (CHUNK - 1);

	for (__u32 i = 0; i < MAX_ARGS / CHUNK && (i + 1) * CHUNK <= len; i++)
		write_chunk(to, at + i * CHUNK, from + i * CHUNK, CHUNK);
	if (rest)
		write_chunk(to, at + len - rest, from + len - rest, rest);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *p, pid_t old_tid, struct linux_binprm *bprm)
{
	const __u32 head_size = __builtin_offsetof(struct process_exec, args);
	struct process_exec head = {};
	struct mm_struct *mm = p->mm;
	struct nr_writer to;

	if (!task_wanted(p) || !mm)
		return 0;
	head.pid = p->tgid;
	head.tid = p->pid;
	head.old_tid = old_tid;
	head.args_len = args_bytes(mm);
	__builtin_memcpy(head.comm, p->comm, sizeof(head.comm));
	bpf_probe_read_kernel_str(head.filename, sizeof(head.filename), bprm->filename);
	if (!nr_passes(nr_id_of_process_exec, &head))
		return 0;
	if (nr_open(&to, nr_id_of_process_exec, head_size + head.args_len))
		return 0;
	nr_write(&to, 0, &head, head_size);
	write_args(&to, head_size, mm->arg_start, head.args_len);
	nr_close(&to, head_size + head.args_len);
	return 0;
}

static __always_inline void fill_exit(struct process_exit *e, struct task_struct *p)
{
	__u32 code = p->exit_code;

	e->lifetime_ns = bpf_ktime_get_ns() - p->start_time;
	e->pid = p->tgid;
	e->tid = p->pid;
	e->status = code >> 8 & 0xff;
	e->signal = code & 0x7f;
	e->core_dumped = code & 0x80;
	__builtin_memcpy(e->comm, p->comm, sizeof(e->comm));
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *p)
{
	if (task_wanted(p))
		nr_emit(process_exit, fill_exit, p);
	return 0;
}
