// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Source "syscalls": entry and exit of system calls. It uses tp_btf, which needs no tracefs.
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "calls.h"
#include "names.h"
#include "numaring.bpf.h"
#include "slots.h"
#include "tasks.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct sys_enter {
	enum syscall_nr nr;
	__u32 pid;
	__u32 tid;
	__u64 args[6];
	char comm[16];
};
NR_EVENT(sys_enter, 0);

struct sys_exit {
	__s64 ret;	   /* a negative error number on failure */
	__u64 duration_ns; /* since sys_enter; 0: unknown */
	enum syscall_nr nr;
	__u32 pid;
	__u32 tid;
	enum error_nr error;
	char comm[16];
};
NR_EVENT(sys_exit, 1);
_Static_assert(__builtin_offsetof(struct sys_exit, nr) == 16 &&
		       __builtin_offsetof(struct sys_exit, error) == 28,
	       "src/kernel/calls.c has the same");

#define NR_CALLS   1024
#define MOST_ERROR 4095 /* MAX_ERRNO */

/* The calls that the source is limited to; set by the collector (src/kernel/calls.c). */
const volatile bool limited = false;
const volatile __u64 chosen[NR_CALLS / 64] = {};

/* --filter looks only at fields of sys_exit that on_enter knows; set by the collector, too. */
const volatile bool nr_entry_decides = false;

struct slot {
	__u32 tid;
	enum syscall_nr nr;
	__u64 began; /* 0: the thread is in no call that we know of */
	__u64 rest[6];
};
NR_SLOTS_OF(slot);

/* The verifier of Linux 6.1 loses a bound on nr that was checked before, so the index has its own. */
static __always_inline bool call_chosen(__u32 nr)
{
	__u32 word = nr / 64;

	barrier_var(word);
	word &= NR_CALLS / 64 - 1;
	return !limited || (nr < NR_CALLS && chosen[word] >> nr % 64 & 1);
}

/* Can an event pass the filter if its field nr, at offset `at`, is that of a call with this number? Of
 * either table: to know which costs more than the question. */
static __always_inline bool number_may_pass(const __u16 id, __s32 nr, const __u32 at, bool cpu)
{
	__s32 other = nr + NR_OTHER_TABLE;

	return nr < 0 || !nr_has_filter(id) ||
	       nr_may_pass(id, (void *)&nr - at, at, at + sizeof(nr), cpu) ||
	       nr_may_pass(id, (void *)&other - at, at, at + sizeof(nr), cpu);
}
#define ENTER_MAY_PASS(n)                                                                          \
	number_may_pass(nr_id_of_sys_enter, n, __builtin_offsetof(struct sys_enter, nr), true)
#define EXIT_MAY_PASS(n, cpu)                                                                      \
	number_may_pass(nr_id_of_sys_exit, n, __builtin_offsetof(struct sys_exit, nr), cpu)

static __always_inline void fill_enter(struct sys_enter *e, struct task_struct *self,
				       struct pt_regs *regs, enum syscall_nr nr, bool other)
{
	e->nr = nr;
	e->pid = self->tgid;
	e->tid = self->pid;
	call_args(e->args, regs, other);
	__builtin_memcpy(e->comm, self->comm, sizeof(e->comm));
}

static __always_inline void fill_exit(struct sys_exit *e, struct task_struct *self,
				      enum syscall_nr nr, __u64 ns, long ret)
{
	e->ret = ret;
	e->duration_ns = ns;
	e->nr = nr;
	e->pid = self->tgid;
	e->tid = self->pid;
	e->error = ret < 0 && ret >= -MOST_ERROR ? -ret : 0;
	__builtin_memcpy(e->comm, self->comm, sizeof(e->comm));
}

/* The clock is what costs most here, so it is not read for a call whose exit is left out anyway. */
static __always_inline bool exit_passes(struct task_struct *self, enum syscall_nr nr)
{
	struct sys_exit e = {};

	if (!nr_entry_decides || may_rename(nr))
		return true;
	fill_exit(&e, self, nr, 0, 0);
	return nr_passes(nr_id_of_sys_exit, &e);
}

static __always_inline void remember(struct task_struct *self, enum syscall_nr nr)
{
	struct slot *s = nr_slot_for(self->pid);

	if (!s)
		return;
	s->tid = self->pid;
	s->nr = nr;
	s->began = bpf_ktime_get_ns();
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, struct pt_regs *regs, long id)
{
	bool exit = EXIT_MAY_PASS(id, false); /* it may be on another CPU */
	struct task_struct *self;
	enum syscall_nr nr;
	bool other;

	if (!exit && !ENTER_MAY_PASS(id))
		return 0;
	self = bpf_get_current_task_btf();
	other = calls_other_table(self);
	nr = call_named(id, other);
	if (!call_chosen(nr) || !nr_wanted(self->tgid))
		return 0;
	if (exit && exit_passes(self, nr))
		remember(self, nr);
	nr_emit(sys_enter, fill_enter, self, regs, nr, other);
	return 0;
}

/* Sets the call and its duration from what on_enter has left. rt_sigreturn overwrites the registers
 * with those of a task in no call; an exec in a process of several threads changes the thread. */
static __always_inline void look_back(struct task_struct *self, enum syscall_nr *nr, __u64 *ns)
{
	struct slot *s = nr_slot_for(self->pid);

	if (!s || s->tid != self->pid || !s->began)
		return;
	if (*nr == NR_NO_SYSCALL)
		*nr = s->nr;
	if (*nr == s->nr)
		*ns = bpf_ktime_get_ns() - s->began;
	s->began = 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_exit, struct pt_regs *regs, long ret)
{
	__s32 number = call_number(regs);
	struct task_struct *self;
	enum syscall_nr nr;
	__u64 ns = 0;

	if (!EXIT_MAY_PASS(number, true))
		return 0;
	self = bpf_get_current_task_btf();
	if (!nr_wanted(self->tgid))
		return 0;
	nr = call_named(number, calls_other_table(self));
	look_back(self, &nr, &ns);
	if (call_chosen(nr))
		nr_emit(sys_exit, fill_exit, self, nr, ns, ret);
	return 0;
}
