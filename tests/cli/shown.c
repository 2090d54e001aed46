// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writes a trace for cat.sh: `shown DIR`, with events of the built-in sources, whose types come from
 * their objects, and of a type of its own. `shown DIR foreign` writes one event of a type that only has
 * the name of a source's.
 */
#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/object.h"
#include "kernel/sources.h"
#include "trace_writer.h"

static void need(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static const struct nr_logger quiet = { NULL, NULL };

static void add_source(struct nr_types *types, const char *name, unsigned id_base)
{
	const char *args;
	const struct nr_source *source = nr_source_find(name, &args);
	struct nr_object o = {};

	need(source && !nr_source_open(&o, source, NULL, &quiet), name);
	need(!nr_object_types(&o, id_base, types, &quiet), name);
	nr_object_close(&o);
}

/* struct own { u64 gap_ns; u32 pid; char comm[8]; } or struct process_fork { u64 child_pid; } */
static void add_own(struct nr_types *types, bool foreign)
{
	struct btf *btf = btf__new_empty();
	int u32 = btf__add_int(btf, "unsigned int", 4, 0);
	int u64 = btf__add_int(btf, "unsigned long", 8, 0);
	int comm = btf__add_array(btf, u32, btf__add_int(btf, "char", 1, BTF_INT_CHAR), 8), type;

	type = btf__add_struct(btf, foreign ? "process_fork" : "own", foreign ? 8 : 24);
	need(!btf__add_field(btf, foreign ? "child_pid" : "gap_ns", u64, 0, 0), "field");
	if (!foreign) {
		need(!btf__add_field(btf, "pid", u32, 64, 0), "field");
		need(!btf__add_field(btf, "comm", comm, 96, 0), "field");
	}
	need(!nr_types_add(types, 1000, foreign ? "process_fork" : "own", btf, type), "type");
	btf__free(btf);
}

static uint64_t number(const struct nr_field_info *f, const char *text)
{
	uint64_t v;

	return nr_field_enum_value(f, text, &v) ? strtoull(text, NULL, 0) : v;
}

/* Sets a field; a list of numbers for an array. */
static void set(char *payload, const struct nr_field_info *f, char *text)
{
	char *to = payload + f->bit_offset / 8, *one;

	if (f->kind == NR_FIELD_TEXT) {
		memcpy(to, text, strlen(text));
		return;
	}
	for (; (one = strsep(&text, " ")); to += f->bits / 8) {
		uint64_t v = number(f, one);

		memcpy(to, &v, f->bits / 8);
	}
}

/* fields: "name=value,name=value" */
static void write_event(struct writer *w, const struct nr_types *types, uint64_t ts, unsigned cpu,
			const char *type, const char *fields)
{
	const struct nr_record rec = { .ts = ts, .id = nr_types_id(types, type), .cpu = cpu };
	struct nr_event ev = { .rec = &rec, .ts = ts };
	char payload[512] __attribute__((aligned(8))) = {}, *copy = strdup(fields), *rest = copy;
	struct nr_field_info f = { .sz = sizeof(f) };
	char *field;

	for (unsigned i = 0; !nr_types_field_at(types, rec.id, NULL, i, &f); i++)
		ev.size = f.is_tail ? f.bit_offset / 8
				    : f.bit_offset / 8 + f.bits / 8 * (f.count ? f.count : 1);
	ev.size = (ev.size + 7) & ~7u;
	while ((field = strsep(&rest, ",")) && *field) {
		char *name = strsep(&field, "=");

		need(!nr_types_field(types, rec.id, name, &f), name);
		set(payload, &f, field);
		if (f.is_tail)
			ev.size = f.bit_offset / 8 + strlen(field);
	}
	ev.data = payload;
	need(!writer_append(w, &ev, 1), "append");
	free(copy);
}

#define S 1000000000ull

static const struct {
	uint64_t ts;
	unsigned cpu;
	const char *type, *fields;
} events[] = {
	{ 10 * S, 0, "sched_wakeup",
	  "pid=8,tgid=7,comm=worker,target_cpu=12,waker_comm=main,waker_pid=7,waker_tgid=7" },
	{ 10 * S + 1, 1, "sched_wakeup",
	  "pid=9,tgid=9,comm=sleep,target_cpu=1,waker_comm=swapper/1,context=WAKE_HARDIRQ" },
	{ 10 * S + 2, 1, "sched_wakeup",
	  "pid=9,tgid=9,comm=sleep,is_new=1,waker_comm=sh,waker_pid=3,waker_tgid=3" },
	{ 10 * S + 999, 12, "sched_switch",
	  "prev_comm=worker,prev_pid=8,prev_tgid=7,prev_state=SLEEPING,prev_syscall=futex,"
	  "next_comm=swapper/12,next_prio=120,next_mem_node=-1" },
	{ 10 * S + 20000, 12, "sched_switch",
	  "prev_comm=hog,prev_pid=5,prev_tgid=5,preempt=1,prev_syscall=NONE,next_comm=rt,next_pid="
	  "6,"
	  "next_tgid=6,next_prio=50,off_ns=40123456,wait_ns=812,next_mem_node=1" },
	{ 11 * S, 100, "sched_migrate",
	  "comm=worker,pid=8,tgid=7,from_cpu=3,to_cpu=100,from_node=0,to_node=1" },
	{ 11 * S, 2, "sys_enter",
	  "comm=cat,pid=20,tid=20,nr=openat,args=0xffffffffffffff9c 0x7ffd00000010 0x80000 0 0 0" },
	{ 11 * S + 1, 2, "sys_enter", "comm=cat,pid=20,tid=21,nr=close,args=0xffffffff" },
	{ 11 * S + 12300, 2, "sys_exit",
	  "comm=cat,pid=20,tid=20,nr=openat,ret=-2,error=ENOENT,duration_ns=12300" },
	{ 11 * S + 12301, 2, "sys_exit", "comm=cat,pid=20,tid=21,nr=close,ret=-9,error=EBADF" },
	{ 11 * S + 12302, 2, "sys_exit", "comm=cat,pid=20,tid=22,nr=read,ret=4096" },
	{ 11 * S + 12303, 2, "sys_enter", "comm=cat,pid=20,tid=20,nr=mmap,args=0 4096 3 34 -1 0" },
	{ 11 * S + 12304, 2, "sys_exit", "comm=cat,pid=20,tid=20,nr=mmap,ret=0x7f0012345000" },
	{ 11 * S + 12305, 2, "sys_enter",
	  "comm=cat,pid=20,tid=20,nr=futex,args=0x55 0x80 7 0 0 0xffffffff" },
	{ 11 * S + 12306, 2, "sys_enter",
	  "comm=cat,pid=20,tid=20,nr=openat,args=5 0x55 0x2c1 0600 0 0" },
	{ 11 * S + 12307, 2, "sys_enter", "comm=cat,pid=20,tid=20,nr=kill,args=1 15 0 0 0 0" },
	{ 11 * S + 12308, 2, "sys_enter", "comm=old,pid=20,tid=20,nr=100003,args=1 2 0 0 0 0" },
	{ 12 * S, 0, "process_exec",
	  "comm=sh,pid=30,tid=30,filename=/bin/sh,args_len=15,args=sh -c \x1b[2J x" },
	{ 12 * S + 1, 0, "process_exit", "comm=sh,pid=30,tid=30,status=7,lifetime_ns=1500000000" },
	{ 12 * S + 2, 0, "process_exit", "comm=sh,pid=30,tid=31,signal=11,core_dumped=1" },
	{ 12 * S + 3, 0, "own", "gap_ns=40000000,pid=77,comm=a\"b" },
};

static void write_all(struct writer *w, const struct nr_types *types, struct nr_account *account)
{
	for (; account->written < sizeof(events) / sizeof(events[0]); account->written++)
		write_event(w, types, events[account->written].ts, events[account->written].cpu,
			    events[account->written].type, events[account->written].fields);
}

int main(int argc, char **argv)
{
	const struct writer_opts opts = { .start = 10 * S };
	struct nr_account account = { .end = 13 * S };
	struct nr_types *types = NULL;
	struct writer *w = NULL;
	bool foreign = argc == 3;

	need(argc >= 2, "usage: shown DIR [foreign]");
	need(!nr_types_new(&types, NULL, NULL), "types");
	if (!foreign) {
		add_source(types, "sched", 0);
		add_source(types, "syscalls", 256);
		add_source(types, "exec", 512);
	}
	add_own(types, foreign);
	need(!writer_open(&w, argv[1], types, &opts), "open");
	if (foreign)
		write_event(w, types, 10 * S + account.written++, 0, "process_fork", "child_pid=5");
	else
		write_all(w, types, &account);
	need(!writer_commit(w, 13 * S, 0), "commit");
	account.reserved = account.written;
	need(!writer_finish(w, &account), "finish");
	writer_close(w);
	nr_types_free(types);
	return 0;
}
