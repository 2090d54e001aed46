/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Event types for tests of expressions: like those of the built-in sources, and with every kind of
 * field (types_help.h). */
#ifndef NR_TESTS_QUERY_HELP_H
#define NR_TESTS_QUERY_HELP_H

#include <numaring/query.h>
#include "types_help.h"

enum { ID_SWITCH = 20, ID_WAKEUP, ID_EXIT, ID_PROBE, ID_ODD };

struct on_switch {
	int32_t prev_pid;
	uint32_t prev_tgid;
	char prev_comm[16], next_comm[16];
	int32_t next_pid;
	uint32_t next_tgid;
	uint8_t prev_state; /* enum { RUNNING, SLEEPING, BLOCKED } */
	_Bool preempt;
	uint64_t off_ns;
} __attribute__((aligned(8)));

struct on_wakeup {
	uint32_t pid, tgid;
	char comm[16];
	uint32_t waker_pid, target_cpu;
};

struct on_exit {
	int64_t ret;
	uint64_t duration_ns;
	int32_t nr; /* enum { NONE = -1, READ, WRITE, OPENAT = 257 } */
	uint32_t pid, tid;
	uint64_t args[6];
	char comm[16];
} __attribute__((aligned(8)));

struct on_probe {
	uint32_t current_pid, current_tid;
	char current_comm[16];
	int32_t pid;
	char comm[8];
};

/* The types of make_types and those above. The tests share one BTF. */
int make_query_btf(void **state);
struct nr_types *make_query_types(void);

/* What the last query query_said. */
extern char query_said[2000];
struct nr_query *query_new(const struct nr_types *types, const char *text);
/* The same for a recording, which may use `cgroup`. */
struct nr_query *query_new_recording(const struct nr_types *types, const char *text);

#endif
