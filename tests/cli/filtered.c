// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writes a trace for filter.sh: `filtered DIR SEED`. It has 400 random events of two types with
 * comm, an enum, a bool and a duration, of four CPUs on two nodes. Five events are lost.
 */
#include <bpf/btf.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "seed.h"
#include "trace_writer.h"

struct call {
	uint64_t duration_ns;
	int64_t ret;
	char comm[16];
	uint32_t pid, nr;
	_Bool slow;
} __attribute__((aligned(8)));

struct move {
	uint32_t prev_pid, next_pid;
};

static void need(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void field(struct btf *btf, const char *name, int type, size_t byte)
{
	need(!btf__add_field(btf, name, type, byte * 8, 0), "field");
}

static struct nr_types *make_types(void)
{
	struct btf *btf = btf__new_empty();
	struct nr_types *types = NULL;
	int u32 = btf__add_int(btf, "unsigned int", 4, 0);
	int u64 = btf__add_int(btf, "unsigned long", 8, 0);
	int s64 = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
	int comm = btf__add_array(btf, u32, btf__add_int(btf, "char", 1, BTF_INT_CHAR), 16);
	int flag = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL), nr, call, move;

	nr = btf__add_enum(btf, "nr", 4);
	need(!btf__add_enum_value(btf, "READ", 0), "value");
	need(!btf__add_enum_value(btf, "WRITE", 1), "value");
	need(!btf__add_enum_value(btf, "OPEN", 2), "value");
	call = btf__add_struct(btf, "call", sizeof(struct call));
	field(btf, "duration_ns", u64, offsetof(struct call, duration_ns));
	field(btf, "ret", s64, offsetof(struct call, ret));
	field(btf, "comm", comm, offsetof(struct call, comm));
	field(btf, "pid", u32, offsetof(struct call, pid));
	field(btf, "nr", nr, offsetof(struct call, nr));
	field(btf, "slow", flag, offsetof(struct call, slow));
	move = btf__add_struct(btf, "move", sizeof(struct move));
	field(btf, "prev_pid", u32, offsetof(struct move, prev_pid));
	field(btf, "next_pid", u32, offsetof(struct move, next_pid));
	need(!nr_types_new(&types, NULL, NULL), "types");
	need(!nr_types_add(types, 1, "call", btf, call), "type");
	need(!nr_types_add(types, 2, "sched:move", btf, move), "type");
	btf__free(btf);
	return types;
}

static void write_event(struct writer *w, struct seed *seed, uint64_t ts, unsigned lost)
{
	static const char *const names[] = { "bash", "cat", "postgres", "post-it" };
	const struct nr_record rec = {
		.ts = ts,
		.id = 1 + seed_once_in(seed, 3),
		.cpu = seed_below(seed, 4),
		.lost = lost,
	};
	const struct move move = { seed_below(seed, 5), seed_below(seed, 5) };
	struct call call = {
		.duration_ns = seed_below(seed, 20) * 500000,
		.ret = (int64_t)seed_below(seed, 7) - 3,
		.pid = seed_below(seed, 5),
		.nr = seed_below(seed, 3),
		.slow = seed_once_in(seed, 2),
	};
	struct nr_event ev = { .rec = &rec, .data = &call, .size = sizeof(call), .ts = ts };

	strcpy(call.comm, names[seed_below(seed, 4)]);
	if (rec.id == 2) {
		ev.data = &move;
		ev.size = sizeof(move);
	}
	need(!writer_append(w, &ev, 1), "append");
}

int main(int argc, char **argv)
{
	static const uint32_t nodes[] = { 0, 1, 0, 1 };
	const struct writer_opts opts = { .start = 1000, .cpu_nodes = nodes, .n_cpus = 4 };
	struct nr_account account = {};
	struct seed seed;
	struct nr_types *types = make_types();
	struct writer *w = NULL;

	need(argc == 3, "usage: filtered DIR SEED");
	seed.state = strtoull(argv[2], NULL, 10);
	need(!writer_open(&w, argv[1], types, &opts), "open");
	for (unsigned i = 0; i < 400; i++) {
		write_event(w, &seed, 1000 + i * 1000, i < 399 ? 0 : 5);
		if (i % 40 == 39)
			need(!writer_commit(w, 1001 + i * 1000, i < 399 ? 0 : 5), "commit");
	}
	account.end = 402000;
	account.reserved = account.written = 400;
	account.lost_total = 5;
	need(!writer_finish(w, &account), "finish");
	writer_close(w);
	nr_types_free(types);
	return 0;
}
