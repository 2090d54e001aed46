// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Load for own.bpf.o, and checks that its events come back unchanged.
 *
 *	own load N CPU...		make N calls on each CPU at the same time, print the PIDs
 *	own callback OBJECT N CPU...	the same, record through the C API and compare
 *	own trace OBJECT DIR N CPU...	the same, record into a trace, print the PIDs
 *	own text N PID...		compare babeltrace2's output for the trace
 *	own jsonl N PID...		compare events as JSON lines
 *
 * Call i of a process opens path(i) and closes fd(i), so i determines every value. A process is
 * pinned to a CPU, and its events arrive in order. So each missing, doubled or wrong event shows.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <numaring/numaring.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct nr_output_opts replace = { .sz = sizeof(replace), .force = true };

#define MAX_PROCESSES 64
#define MAX_REPORTS   20

/* As defined in own.bpf.c. */
struct who {
	uint32_t pid, tid, uid;
};

struct file_close {
	struct who who;
	int32_t fd;
};

struct file_open {
	struct who who;
	uint32_t access;
	uint32_t mode;
	uint16_t data_len;
	char data[];
};

struct process {
	pid_t pid;
	unsigned cpu;
	unsigned opens, closes; /* i of the next event */
};

struct own {
	unsigned calls;
	unsigned n;
	struct process processes[MAX_PROCESSES];
	uint16_t open_id, close_id;
	uint64_t last_ts;
	unsigned wrong;
};

/* ---- the values ---- */

static const char *const access_names[] = { "READ", "WRITE", "READ_WRITE", NULL };

static unsigned access_of(unsigned i)
{
	return i % 4; /* 3 has no name */
}

static uint32_t mode_of(unsigned i)
{
	return i * 2654435761u;
}

static int32_t fd_of(unsigned i)
{
	return -1 - (int32_t)i * 7;
}

/* 0 to 230 bytes, including characters that must be escaped. */
static void path_of(char path[256], unsigned i)
{
	unsigned len = i % 16 ? i * 31 % 220 : 0;

	for (unsigned k = 0; k < len; k++)
		path[k] = 'a' + (i + k) % 26;
	strcpy(path + len, len % 5 == 1 ? "\"\\\t\303\274" : "");
}

/* ---- the load ---- */

static void run_calls(unsigned calls, unsigned cpu, int go)
{
	char path[256];
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) || read(go, path, 1) < 0)
		_exit(1);
	for (unsigned i = 0; i < calls; i++) {
		path_of(path, i);
		syscall(SYS_openat, AT_FDCWD, path, access_of(i), (unsigned long)mode_of(i));
		syscall(SYS_close, fd_of(i));
	}
	_exit(0);
}

/* All processes wait at a pipe until its last writer closes it. */
static int run_load(struct own *own)
{
	int status, bad = 0, go[2];

	if (pipe2(go, O_CLOEXEC))
		return -1;
	for (unsigned p = 0; p < own->n; p++) {
		own->processes[p].pid = fork();
		if (!own->processes[p].pid) {
			close(go[1]);
			run_calls(own->calls, own->processes[p].cpu, go[0]);
		}
	}
	close(go[0]);
	close(go[1]);
	for (unsigned p = 0; p < own->n; p++) {
		waitpid(own->processes[p].pid, &status, 0);
		bad |= status;
	}
	return bad ? -1 : 0;
}

static void print_pids(const struct own *own)
{
	for (unsigned p = 0; p < own->n; p++)
		printf("%d\n", own->processes[p].pid);
}

/* ---- comparing ---- */

static void wrong(struct own *own, const char *what, const struct process *p, unsigned i)
{
	if (own->wrong++ < MAX_REPORTS)
		fprintf(stderr, "process %d: %s of call %u is wrong\n", p->pid, what, i);
}

static struct process *find(struct own *own, uint32_t pid)
{
	for (unsigned p = 0; p < own->n; p++)
		if (own->processes[p].pid == (pid_t)pid)
			return &own->processes[p];
	return NULL;
}

static void check_who(struct own *own, const struct process *p, const struct who *who, unsigned i)
{
	if (who->tid != (uint32_t)p->pid || who->uid != getuid())
		wrong(own, "who", p, i);
}

static void check_open(struct own *own, const struct who *who, unsigned access, uint32_t mode,
		       const char *path, size_t len)
{
	struct process *p = find(own, who->pid);
	char expected[256];
	unsigned i;

	if (!p)
		return; /* of another process */
	i = p->opens++;
	check_who(own, p, who, i);
	path_of(expected, i);
	if (access != access_of(i))
		wrong(own, "access", p, i);
	if (mode != mode_of(i))
		wrong(own, "mode", p, i);
	if (len != strlen(expected) || memcmp(path, expected, len))
		wrong(own, "path", p, i);
}

static void check_close(struct own *own, const struct who *who, int32_t fd)
{
	struct process *p = find(own, who->pid);
	unsigned i;

	if (!p || fd >= 0)
		return; /* of another process, or the end of the pipe */
	i = p->closes++;
	check_who(own, p, who, i);
	if (fd != fd_of(i))
		wrong(own, "fd", p, i);
	if (p->closes != p->opens)
		wrong(own, "place in the order", p, i);
}

static int conclude(struct own *own)
{
	for (unsigned p = 0; p < own->n; p++) {
		const struct process *q = &own->processes[p];

		if (q->opens != own->calls || q->closes != own->calls) {
			fprintf(stderr, "process %d: %u opens and %u closes instead of %u\n",
				q->pid, q->opens, q->closes, own->calls);
			own->wrong++;
		}
	}
	fprintf(stderr, "%u processes, %u calls each, %u wrong\n", own->n, own->calls, own->wrong);
	return own->wrong ? 1 : 0;
}

/* ---- through the C API ---- */

static void on_log(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level <= NR_LOG_WARN)
		fprintf(stderr, "%s\n", text);
}

/* An event's process is known only after the load has started, so all events are kept. */
struct kept {
	struct nr_record rec;
	uint32_t size;
	union {
		struct file_open open;
		struct file_close close;
		char bytes[320];
	};
};

static struct kept *kept;
static size_t n_kept, max_kept;

static int keep(void *ctx, const struct nr_batch *batch)
{
	struct own *own = ctx;

	nr_batch_for_each (ev, batch) {
		if (ev->ts < own->last_ts || ev->flags)
			own->wrong++;
		own->last_ts = ev->ts;
		if (n_kept == max_kept) {
			max_kept = max_kept ? 2 * max_kept : 4096;
			kept = realloc(kept, max_kept * sizeof(*kept));
			if (!kept)
				return -ENOMEM;
		}
		kept[n_kept].rec = *ev->rec;
		kept[n_kept].size = ev->size;
		memcpy(kept[n_kept++].bytes, ev->data,
		       ev->size < sizeof(kept->bytes) ? ev->size : sizeof(kept->bytes));
	}
	return 0;
}

static void check_kept(struct own *own, const struct kept *k)
{
	const struct process *p = find(own, k->open.who.pid);
	unsigned before = p ? p->opens + p->closes : 0;

	/* data begins before sizeof(struct file_open), inside the padding. */
	if (k->rec.id == own->open_id && k->size >= offsetof(struct file_open, data) &&
	    k->size >= offsetof(struct file_open, data) + k->open.data_len)
		check_open(own, &k->open.who, k->open.access, k->open.mode, k->open.data,
			   k->open.data_len);
	else if (k->rec.id == own->close_id && k->size == sizeof(k->close))
		check_close(own, &k->close.who, k->close.fd);
	else
		own->wrong++;
	if (p && p->opens + p->closes != before && k->rec.cpu != p->cpu)
		wrong(own, "cpu", p, p->opens);
}

/* dir NULL: records through the callback. */
static int record(struct own *own, const char *object, const char *dir)
{
	/* The rings have room for all records, so nothing is lost on a busy machine. */
	const struct nr_collector_opts opts = {
		.sz = sizeof(opts), .policy = "cpu", .ring_bytes = 64 << 20, .log = on_log
	};
	struct nr_collector *c = NULL;
	struct nr_stats *stats;
	int err = nr_collector_open(&c, &opts);

	if (!err)
		err = nr_collector_add_object(c, object);
	if (!err)
		err = dir ? nr_collector_add_trace(c, dir, &replace)
			  : nr_collector_add_batch(c, keep, own, NULL);
	if (!err)
		err = nr_collector_start(c);
	if (!err) {
		own->open_id = nr_types_id(nr_collector_types(c), "file_open");
		own->close_id = nr_types_id(nr_collector_types(c), "file_close");
		err = run_load(own);
		err = nr_collector_stop(c) ?: err;
		stats = nr_collector_stats(c);
		if (!stats || stats->lost_total || stats->unaccounted || stats->late)
			own->wrong++;
		nr_stats_free(stats);
	}
	nr_collector_close(c);
	return err;
}

static int through_callback(struct own *own, const char *object)
{
	int err = record(own, object, NULL);

	for (size_t i = 0; !err && i < n_kept; i++)
		check_kept(own, &kept[i]);
	free(kept);
	return err ? 1 : conclude(own);
}

static int through_trace(struct own *own, const char *object, const char *dir)
{
	int err = record(own, object, dir);

	print_pids(own);
	return err || own->wrong;
}

/* ---- babeltrace2's text ---- */

/* Undoes the escapes of text.pretty, up to the closing quote. */
static size_t unquote(char *out, const char *in)
{
	char *start = out;

	while (*in && *in != '"') {
		if (*in == '\\')
			in++;
		*out++ = in[-1] == '\\' && *in == 't' ? '\t' : *in;
		in++;
	}
	*out = '\0';
	return out - start;
}

static void compare_text(struct own *own, const char *line)
{
	const char *open = strstr(line, " file_open: "), *data = strstr(line, ", data = \"");
	const char *fields = strstr(line, "{ who = ");
	char name[32], path[1024];
	struct who who;
	unsigned access, mode, len;
	int fd;

	if (!fields)
		return;
	if (!open && sscanf(fields, "{ who = { pid = %u, tid = %u, uid = %u }, fd = %d }", &who.pid,
			    &who.tid, &who.uid, &fd) == 4)
		return check_close(own, &who, fd);
	if (!open || !data ||
	    sscanf(fields,
		   "{ who = { pid = %u, tid = %u, uid = %u }, access = ( %31s : container = %u ), "
		   "mode = %u, data_len = %u",
		   &who.pid, &who.tid, &who.uid, name, &access, &mode, &len) != 7) {
		fprintf(stderr, "not understood: %s", line);
		own->wrong++;
		return;
	}
	if (access < 3 && strncmp(name + 1, access_names[access], strlen(access_names[access])))
		own->wrong++;
	/* babeltrace2 2.0.4 shows an earlier text instead of an empty one; the length is right. */
	if (len)
		len = unquote(path, data + strlen(", data = \""));
	check_open(own, &who, access, mode, path, len);
}

/* ---- JSON ---- */

static uint64_t number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static unsigned access_by_name(const json_t *value)
{
	for (unsigned i = 0; json_is_string(value) && i < 3; i++)
		if (!strcmp(json_string_value(value), access_names[i]))
			return i;
	return json_is_integer(value) ? json_integer_value(value) : UINT32_MAX;
}

static void compare_json(struct own *own, const char *line)
{
	json_t *event = json_loads(line, 0, NULL), *fields = json_object_get(event, "fields"), *w,
	       *d;
	const char *type = json_string_value(json_object_get(event, "event"));
	struct who who;

	if (!type || !fields) {
		fprintf(stderr, "not understood: %s", line);
		own->wrong++;
		goto out;
	}
	w = json_object_get(fields, "who");
	d = json_object_get(fields, "data");
	who = (struct who){ number(w, "pid"), number(w, "tid"), number(w, "uid") };
	if (!strcmp(type, "file_open") && json_is_string(d))
		check_open(own, &who, access_by_name(json_object_get(fields, "access")),
			   number(fields, "mode"), json_string_value(d), json_string_length(d));
	else if (!strcmp(type, "file_close"))
		check_close(own, &who, number(fields, "fd"));
out:
	json_decref(event);
}

static int compare_lines(struct own *own, void (*compare)(struct own *own, const char *line))
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0)
		compare(own, line);
	free(line);
	return conclude(own);
}

static int usage(void)
{
	fprintf(stderr, "usage: own load N CPU... | callback OBJECT N CPU... |\n"
			"       trace OBJECT DIR N CPU... | text N PID... | jsonl N PID...\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	int skip = !strcmp(mode, "callback") ? 3 : !strcmp(mode, "trace") ? 4 : 2;
	static struct own own;

	if (argc < skip + 2 || argc - skip - 1 > MAX_PROCESSES)
		return usage();
	own.calls = atoi(argv[skip]);
	for (int i = skip + 1; i < argc; i++)
		own.processes[own.n++] =
			(struct process){ .pid = atoi(argv[i]), .cpu = atoi(argv[i]) };
	if (!strcmp(mode, "callback"))
		return through_callback(&own, argv[2]);
	if (!strcmp(mode, "trace"))
		return through_trace(&own, argv[2], argv[3]);
	if (!strcmp(mode, "text"))
		return compare_lines(&own, compare_text);
	if (!strcmp(mode, "jsonl"))
		return compare_lines(&own, compare_json);
	if (strcmp(mode, "load"))
		return usage();
	if (run_load(&own))
		return 1;
	print_pids(&own);
	return 0;
}
