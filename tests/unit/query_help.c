// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "query_help.h"

#include "types/types.h"

#define FIELD(s, name, type) field(#name, type, offsetof(struct s, name))

char query_said[2000];

static struct {
	int on_switch, on_wakeup, on_exit, on_probe;
} Q;

static int make_enum(const char *name, int size, const char *const *names, const int *values, int n)
{
	int id = btf__add_enum(btf, name, size);

	for (int i = 0; i < n; i++)
		btf__add_enum_value(btf, names[i], values[i]);
	return id;
}

static void make_switch(void)
{
	static const char *const states[] = { "RUNNING", "SLEEPING", "BLOCKED" };
	int state = make_enum("state", 1, states, (int[]){ 0, 1, 2 }, 3);
	int comm = array(T.ch, 16);

	Q.on_switch = btf__add_struct(btf, "on_switch", sizeof(struct on_switch));
	FIELD(on_switch, prev_pid, T.i32);
	FIELD(on_switch, prev_tgid, T.u32);
	FIELD(on_switch, prev_comm, comm);
	FIELD(on_switch, next_comm, comm);
	FIELD(on_switch, next_pid, T.i32);
	FIELD(on_switch, next_tgid, T.u32);
	FIELD(on_switch, prev_state, state);
	FIELD(on_switch, preempt, T.boolean);
	FIELD(on_switch, off_ns, T.u64);
}

static void make_wakeup(void)
{
	int comm = array(T.ch, 16);

	Q.on_wakeup = btf__add_struct(btf, "on_wakeup", sizeof(struct on_wakeup));
	FIELD(on_wakeup, pid, T.u32);
	FIELD(on_wakeup, tgid, T.u32);
	FIELD(on_wakeup, comm, comm);
	FIELD(on_wakeup, waker_pid, T.u32);
	FIELD(on_wakeup, target_cpu, T.u32);
}

static void make_exit(void)
{
	static const char *const names[] = { "NONE", "READ", "WRITE", "OPENAT" };
	int nr = make_enum("nr", 4, names, (int[]){ -1, 0, 1, 257 }, 4);
	int comm = array(T.ch, 16), args = array(T.u64, 6);

	Q.on_exit = btf__add_struct(btf, "on_exit", sizeof(struct on_exit));
	FIELD(on_exit, ret, T.i64);
	FIELD(on_exit, duration_ns, T.u64);
	FIELD(on_exit, nr, nr);
	FIELD(on_exit, pid, T.u32);
	FIELD(on_exit, tid, T.u32);
	FIELD(on_exit, args, args);
	FIELD(on_exit, comm, comm);
}

static void make_probe(void)
{
	int comm = array(T.ch, 16), short_comm = array(T.ch, 8);

	Q.on_probe = btf__add_struct(btf, "on_probe", sizeof(struct on_probe));
	FIELD(on_probe, current_pid, T.u32);
	FIELD(on_probe, current_tid, T.u32);
	FIELD(on_probe, current_comm, comm);
	FIELD(on_probe, pid, T.i32);
	FIELD(on_probe, comm, short_comm);
}

int make_query_btf(void **state)
{
	int err = make_btf(state);

	if (err)
		return err;
	make_switch();
	make_wakeup();
	make_exit();
	make_probe();
	return 0;
}

struct nr_types *make_query_types(void)
{
	struct nr_types *types = make_types();

	assert_int_equal(nr_types_add(types, ID_SWITCH, "sched_switch", btf, Q.on_switch), 0);
	assert_int_equal(nr_types_add(types, ID_WAKEUP, "sched_wakeup", btf, Q.on_wakeup), 0);
	assert_int_equal(nr_types_add(types, ID_EXIT, "sys_exit", btf, Q.on_exit), 0);
	assert_int_equal(nr_types_add(types, ID_PROBE, "kprobe:do_exit", btf, Q.on_probe), 0);
	assert_int_equal(nr_types_add(types, ID_ODD, "odd-name", btf, T.point), 0);
	return types;
}

static void listen(void *ctx, enum nr_log_level level, const char *text)
{
	size_t used = strlen(query_said);

	(void)ctx;
	assert_int_equal(level, NR_LOG_ERROR);
	snprintf(query_said + used, sizeof(query_said) - used, "%s%s", used ? "\n" : "", text);
}

static struct nr_query *make(const struct nr_types *types, const char *text, bool recording)
{
	static const uint32_t nodes[8] = { 0, 0, 1, 1, 0, 0, UINT32_MAX, 1 };
	const struct nr_query_opts opts = {
		.sz = sizeof(opts),
		.log = listen,
		.node_of_cpu = nodes,
		.n_cpus = 8,
		.recording = recording,
	};
	struct nr_query *query = NULL;
	int err;

	query_said[0] = 0;
	err = nr_query_new(&query, text, types, &opts);
	assert_int_equal(err, query ? 0 : -EINVAL);
	return query;
}

struct nr_query *query_new(const struct nr_types *types, const char *text)
{
	return make(types, text, false);
}

struct nr_query *query_new_recording(const struct nr_types *types, const char *text)
{
	return make(types, text, true);
}
