// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How the events of the source syscalls are shown: as calls of functions. */
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include "call_table.h"
#include "show_calls.h"

#define MAX_ARGS 6

/* The call that a thread is in, for the line of its exit. */
struct pending {
	uint64_t tid, nr;
	uint64_t args[MAX_ARGS];
};

#define THREADS 4096
#define NUMBERS 1024

struct call_memory {
	struct pending pending[THREADS]; /* by tid; threads may push each other out */
	const char *args[NUMBERS];	 /* by number: what call_table_args says */
	bool looked_up[NUMBERS];
};

struct call_memory *call_memory_new(void)
{
	return calloc(1, sizeof(struct call_memory));
}

/* ---- arguments ---- */

static void put_octal(struct put *p, uint32_t v)
{
	char text[12], *at = text + sizeof(text);

	do
		*--at = '0' + v % 8;
	while (v /= 8);
	put_bytes(p, "0", 1);
	put_bytes(p, at, text + sizeof(text) - at);
}

static void put_open_flags(struct put *p, uint32_t v)
{
	static const struct {
		uint32_t bits;
		const char *name;
	} known[] = {
		{ O_CREAT, "|O_CREAT" },       { O_EXCL, "|O_EXCL" },
		{ O_NOCTTY, "|O_NOCTTY" },     { O_TRUNC, "|O_TRUNC" },
		{ O_APPEND, "|O_APPEND" },     { O_NONBLOCK, "|O_NONBLOCK" },
		{ O_SYNC, "|O_SYNC" },	       { O_DSYNC, "|O_DSYNC" },
		{ O_DIRECT, "|O_DIRECT" },     { __O_LARGEFILE, "|O_LARGEFILE" },
		{ O_TMPFILE, "|O_TMPFILE" },   { O_DIRECTORY, "|O_DIRECTORY" },
		{ O_NOFOLLOW, "|O_NOFOLLOW" }, { O_NOATIME, "|O_NOATIME" },
		{ O_CLOEXEC, "|O_CLOEXEC" },   { O_PATH, "|O_PATH" },
	};
	const char *const access[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE" };

	put_str(p, access[v & O_ACCMODE]);
	v &= ~O_ACCMODE;
	for (size_t i = 0; v && i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].bits && (v & known[i].bits) == known[i].bits) {
			put_str(p, known[i].name);
			v &= ~known[i].bits;
		}
	if (v) {
		put_str(p, "|");
		put_hex(p, v);
	}
}

static void put_futex(struct put *p, uint32_t op)
{
	static const char *const names[] = {
		"WAIT",		  "WAKE",	 "FD",		"REQUEUE",
		"CMP_REQUEUE",	  "WAKE_OP",	 "LOCK_PI",	"UNLOCK_PI",
		"TRYLOCK_PI",	  "WAIT_BITSET", "WAKE_BITSET", "WAIT_REQUEUE_PI",
		"CMP_REQUEUE_PI", "LOCK_PI2",
	};
	uint32_t cmd = op & FUTEX_CMD_MASK;

	if (cmd >= sizeof(names) / sizeof(names[0])) {
		put_hex(p, op);
		return;
	}
	put_str(p, "FUTEX_");
	put_str(p, names[cmd]);
	if (op & FUTEX_PRIVATE_FLAG)
		put_str(p, "_PRIVATE");
	if (op & FUTEX_CLOCK_REALTIME)
		put_str(p, "|FUTEX_CLOCK_REALTIME");
}

static void put_signal(struct put *p, int32_t v)
{
	const char *name = sigabbrev_np(v);

	if (name)
		put_str(p, "SIG");
	if (name)
		put_str(p, name);
	else
		put_int(p, v);
}

static void put_address(struct put *p, uint64_t v)
{
	if (v)
		put_hex(p, v);
	else
		put_str(p, "NULL");
}

static void put_dirfd(struct put *p, int32_t v)
{
	if (v == AT_FDCWD)
		put_str(p, "AT_FDCWD");
	else
		put_int(p, v);
}

static void put_arg(struct put *p, char kind, uint64_t v)
{
	switch (kind) {
	case 'd':
		put_int(p, (int32_t)v);
		break;
	case 'w':
		put_uint(p, (uint32_t)v);
		break;
	case 'x':
		put_hex(p, (uint32_t)v);
		break;
	case 'o':
	case 'm':
		put_octal(p, v);
		break;
	case 'l':
		put_int(p, v);
		break;
	case 'u':
		put_uint(p, v);
		break;
	case 'a':
		if (v < 65536)
			put_uint(p, v);
		else
			put_hex(p, v);
		break;
	case 'p':
		put_address(p, v);
		break;
	case 'D':
		put_dirfd(p, v);
		break;
	case 'f':
		put_open_flags(p, v);
		break;
	case 'F':
		put_futex(p, v);
		break;
	case 'g':
		put_signal(p, v);
		break;
	default:
		put_hex(p, v);
	}
}

/* ---- calls ---- */

/* The kinds of a call's arguments. Of an unknown call, all six are shown in hex. */
static const char *kinds_of(struct call_memory *m, const struct nr_field_info *field, uint64_t nr)
{
	const char *name;

	if (nr < NUMBERS && m->looked_up[nr])
		return m->args[nr];
	name = nr_field_enum_name(field, nr);
	name = name ? call_table_args(name) : NULL;
	if (!name)
		name = "XXXXXX";
	if (nr < NUMBERS) {
		m->looked_up[nr] = true;
		m->args[nr] = name;
	}
	return name;
}

static void put_args(struct put *p, const char *kinds, const uint64_t *args)
{
	kinds += *kinds == 'P';
	put_bytes(p, "(", 1);
	for (unsigned i = 0; kinds[i]; i++) {
		if (kinds[i] == 'm' && !(args[i - 1] & (O_CREAT | __O_TMPFILE)))
			continue;
		if (i)
			put_bytes(p, ", ", 2);
		put_arg(p, kinds[i], args[i]);
	}
	put_bytes(p, ")", 1);
}

enum { NR, TID, REST };
enum { ARGS = REST };
enum { RET = REST, ERROR, DURATION };

static void show_enter(struct put *p, const struct nr_event *ev, struct view *view)
{
	struct call_memory *m = view->memory;
	const struct nr_field_info *f = view->fields;
	uint64_t nr = nr_event_int(ev, &f[NR]), tid = nr_event_int(ev, &f[TID]);
	struct pending *call = &m->pending[tid % THREADS];
	size_t n;
	const void *args = nr_event_array(ev, &f[ARGS], &n);

	*call = (struct pending){ .tid = tid, .nr = nr };
	if (f[ARGS].bits == 64)
		memcpy(call->args, args, (n < MAX_ARGS ? n : MAX_ARGS) * sizeof(call->args[0]));
	parts_put_enum(p, ev, &f[NR]);
	put_args(p, kinds_of(m, &f[NR], nr), call->args);
}

static void put_result(struct put *p, const struct nr_event *ev, const struct view *view,
		       const char *kinds)
{
	const struct nr_field_info *f = view->fields;
	uint64_t ret = nr_event_int(ev, &f[RET]);

	put_str(p, " = ");
	if (nr_event_int(ev, &f[ERROR])) {
		put_str(p, "-1 ");
		parts_put_enum(p, ev, &f[ERROR]);
	} else if (*kinds == 'P') {
		put_hex(p, ret);
	} else {
		put_int(p, ret);
	}
}

static void show_exit(struct put *p, const struct nr_event *ev, struct view *view)
{
	struct call_memory *m = view->memory;
	const struct nr_field_info *f = view->fields;
	uint64_t nr = nr_event_int(ev, &f[NR]), tid = nr_event_int(ev, &f[TID]);
	struct pending *call = &m->pending[tid % THREADS];
	const char *kinds = kinds_of(m, &f[NR], nr);
	uint64_t ns = nr_event_int(ev, &f[DURATION]);

	parts_put_enum(p, ev, &f[NR]);
	if (call->tid == tid && call->nr == nr)
		put_args(p, kinds, call->args);
	else
		put_str(p, "(...)");
	call->tid = 0;
	put_result(p, ev, view, kinds);
	if (!ns)
		return;
	put_str(p, " (");
	parts_put_duration(p, ns);
	put_str(p, ")");
}

const struct show shows_calls[] = {
	{ "sys_enter", "comm", "pid", "tid", { "nr", "tid", "args" }, show_enter },
	{ "sys_exit",
	  "comm",
	  "pid",
	  "tid",
	  { "nr", "tid", "ret", "error", "duration_ns" },
	  show_exit },
	{ 0 },
};
