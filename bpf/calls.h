/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls as the registers of a task tell them, on each architecture. */
#ifndef NR_CALLS_H
#define NR_CALLS_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "names.h"

/* Is added to the number of a call from another table than the native one: of a 32-bit program. So
 * it gets no wrong name. */
#define NR_OTHER_TABLE 100000

#ifdef __TARGET_ARCH_arm64

#define TIF_32BIT 22

#define NR_EXECVE   221
#define NR_EXECVEAT 281
#define NR_PRCTL    167

struct pt_regs___call {
	__u64 regs[31];
	__s32 syscallno;
} __attribute__((preserve_access_index));

static __always_inline bool calls_other_table(struct task_struct *task)
{
	return task->thread_info.flags & (1ul << TIF_32BIT);
}

static __always_inline __s32 call_number(struct pt_regs *regs)
{
	return ((struct pt_regs___call *)regs)->syscallno;
}

static __always_inline void call_args(__u64 args[6], struct pt_regs *regs, bool other)
{
	struct pt_regs___call *r = (void *)regs;

	for (int i = 0; i < 6; i++)
		args[i] = r->regs[i];
}

#else

#define TS_COMPAT 2

#define NR_EXECVE   59
#define NR_EXECVEAT 322
#define NR_PRCTL    157

struct thread_info___x86 {
	__u32 status;
} __attribute__((preserve_access_index));

struct task_struct___x86 {
	struct thread_info___x86 thread_info;
} __attribute__((preserve_access_index));

static __always_inline bool calls_other_table(struct task_struct *task)
{
	return ((struct task_struct___x86 *)task)->thread_info.status & TS_COMPAT;
}

static __always_inline __s32 call_number(struct pt_regs *regs)
{
	return regs->orig_ax;
}

static __always_inline void call_args(__u64 args[6], struct pt_regs *regs, bool other)
{
	args[0] = other ? regs->bx : regs->di;
	args[1] = other ? regs->cx : regs->si;
	args[2] = regs->dx;
	args[3] = other ? regs->si : regs->r10;
	args[4] = other ? regs->di : regs->r8;
	args[5] = other ? regs->bp : regs->r9;
}

#endif

/* The value of a field for a call's number, which is negative if there is no call. */
static __always_inline enum syscall_nr call_named(__s32 nr, bool other)
{
	return nr < 0 ? NR_NO_SYSCALL : other ? nr + NR_OTHER_TABLE : nr;
}

/* May the call change the comm of its caller? So may a write to /proc/self/comm, which is not worth a
 * look at each write. */
static __always_inline bool may_rename(enum syscall_nr nr)
{
	return nr == NR_EXECVE || nr == NR_EXECVEAT || nr == NR_PRCTL || nr >= NR_OTHER_TABLE;
}

/* PF_KTHREAD, PF_USER_WORKER, PF_IO_WORKER: tasks that make no calls, but may have registers. */
#define MAKES_NO_CALLS (0x200000 | 0x4000 | 0x10)

/* The call that a task is in, while it is in the kernel. */
static __always_inline enum syscall_nr call_of(struct task_struct *task)
{
	if (task->flags & MAKES_NO_CALLS)
		return NR_NO_SYSCALL;
	return call_named(call_number((struct pt_regs *)bpf_task_pt_regs(task)),
			  calls_other_table(task));
}

#endif
