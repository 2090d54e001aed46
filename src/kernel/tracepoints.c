// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/btf.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "events.h"
#include "format_type.h"
#include "host.h"
#include "kernel_btf.h"
#include "libbpf_log.h"
#include "report.h"
#include "tracepoint.skel.h"
#include "tracepoints.h"

_Static_assert(NR_TP_MAX == NR_OBJECT_IDS, "each tracepoint of an object has an event id");

/* The tracepoints of an object, by their event ids. */
struct tracepoints {
	unsigned n;
	char *names[NR_TP_MAX];
	uint32_t ids[NR_TP_MAX]; /* of the kernel */
	int fds[NR_TP_MAX];	 /* of perf events; kept by the object, see attach */
	unsigned n_fds;
	struct nr_tp_config configs[NR_TP_MAX];
};

/* ---- which ones ---- */

bool nr_tracepoint_is_pattern(const char *spec)
{
	return strpbrk(spec, "*?[");
}

/* Does the kernel have this tracepoint, as far as we may look? */
static bool exists(const char *name)
{
	const struct nr_logger silent = {};
	struct nr_tracefs fs;
	char *format = nr_tracefs_open(&fs, &silent) ? NULL : nr_tracefs_format(&fs, name);

	free(format);
	nr_tracefs_close(&fs);
	return format;
}

bool nr_tracepoint_is_meant(const char *spec, const struct nr_source *source, const char *args)
{
	return args &&
	       (!source || !source->prepare || nr_tracepoint_is_pattern(args) || exists(spec));
}

static bool is_of_all_groups(const char *spec)
{
	size_t len = strspn(spec, "*?");

	return len && spec[len] == ':';
}

/* The type of a ring's lock in this kernel. */
static const char *ring_lock_type(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "bpf_ringbuf", BTF_KIND_STRUCT);
	const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(btf, id);

	for (int i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];

		if (!strcmp(btf__name_by_offset(btf, m->name_off), "spinlock"))
			return btf__name_by_offset(btf, btf__type_by_id(btf, m->type)->name_off);
	}
	return "";
}

/* A resilient lock notices that its owner waits for it, and the record is lost instead. */
static bool ring_lock_is_safe(void)
{
	const struct btf *btf = nr_kernel_btf_get();
	bool safe = btf && !strcmp(ring_lock_type(btf), "rqspinlock_t");

	nr_kernel_btf_put(btf);
	return safe;
}

#define OF_ANOTHER_TRACER                                                                          \
	"it is a probe or a synthetic event of another tracer: use --kprobe or --uprobe"

/* Did a tool make it in tracefs, as perf probe does? No program of a tracepoint can run there. */
static bool is_probe(const struct nr_tracefs *fs, const char *name)
{
	char *format = nr_tracefs_format(fs, name);
	bool found = format && strstr(format, " __probe_");

	free(format);
	return found;
}

const char *nr_tracepoint_refusal(const struct nr_tracefs *fs, const char *name)
{
	if (!strncmp(name, "nmi:", 4))
		return "it runs in NMI context, where the record would interrupt another one that "
		       "is being written (I8)";
	if (!strncmp(name, "lock:", 5) && strcmp(name, "lock:contention_begin") &&
	    !ring_lock_is_safe())
		return "it runs while a ring's own lock is held, which would hang this kernel: use "
		       "lock:contention_begin, or a newer kernel";
	return is_probe(fs, name) ? OF_ANOTHER_TRACER : NULL;
}

static int report_unknown(const char *spec, const struct nr_tracefs *fs,
			  const struct nr_logger *log)
{
	struct nr_tracepoint_list all;
	const char *nearest;

	if (nr_tracefs_list(&all, fs, "*"))
		return -ENOMEM;
	nearest = nr_tracepoint_nearest(&all, spec);
	if (nearest)
		nr_log(log, NR_LOG_ERROR,
		       "this kernel has no tracepoint %s: did you mean %s? numaring list shows all",
		       spec, nearest);
	else
		nr_log(log, NR_LOG_ERROR,
		       "this kernel has no tracepoint %s: numaring list shows all", spec);
	nr_tracepoint_list_free(&all);
	return -ENOENT;
}

int nr_tracepoints_find(struct nr_tracepoint_list *list, const struct nr_tracefs *fs,
			const char *spec, const struct nr_logger *log)
{
	int err;

	if (is_of_all_groups(spec)) {
		nr_log(log, NR_LOG_ERROR,
		       "%s means every tracepoint of the kernel: name a group, as in 'sched:*'",
		       spec);
		return -EINVAL;
	}
	if (strchr(spec, ',')) {
		nr_log(log, NR_LOG_ERROR,
		       "%s has an event without its group: name each one as GROUP:EVENT", spec);
		return -EINVAL;
	}
	err = nr_tracefs_list(list, fs, spec);
	if (err || (list->n && list->n <= NR_TRACEPOINTS_MOST)) {
		if (err)
			nr_log(log, NR_LOG_ERROR, "cannot list tracepoints: %s", nr_reason(err));
		return err;
	}
	if (!list->n)
		return report_unknown(spec, fs, log);
	nr_log(log, NR_LOG_ERROR, "%s means %zu tracepoints: use a pattern for at most %d", spec,
	       list->n, NR_TRACEPOINTS_MOST);
	nr_tracepoint_list_free(list);
	return -E2BIG;
}

/* ---- attaching ---- */

int nr_tracepoint_open(uint32_t id)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = id,
	};
	/* Its program runs on all CPUs. */
	int fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Attaches to tracepoint number i. The link owns a copy of the descriptor: the kernel takes two
 * grace periods to release a perf event, one event after the other, so they are closed with the
 * object and not when the recording ends. */
static struct bpf_link *attach_one(struct tracepoints *t, unsigned i, struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_perf_event_opts, opts, .bpf_cookie = i);
	int fd = nr_tracepoint_open(t->ids[i]), copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	struct bpf_link *link = NULL;

	if (fd < 0)
		return errno = -fd, NULL;
	t->fds[t->n_fds++] = fd;
	if (copy >= 0)
		link = bpf_program__attach_perf_event_opts(prog, copy, &opts);
	if (copy >= 0 && !link)
		close(copy);
	return link;
}

static const char *attach_reason(int err)
{
	switch (err) {
	case -ENOENT:
	case -ENODEV:
		return "it is gone: was its module unloaded?";
	case -EINVAL:
		return OF_ANOTHER_TRACER;
	default:
		return nr_attach_reason(err);
	}
}

static int attach(struct nr_object *o, struct bpf_program *prog, const struct nr_logger *log)
{
	struct tracepoints *t = o->ctx;
	int err = 0;

	for (unsigned i = 0; !err && i < t->n; i++) {
		struct nr_libbpf_warnings warnings = {};
		struct bpf_link *link;

		nr_libbpf_log_begin(log, &warnings);
		link = attach_one(t, i, prog);
		err = link ? 0 : -errno;
		nr_libbpf_log_end();
		if (err)
			nr_log(log, NR_LOG_ERROR, "cannot attach to the tracepoint %s: %s",
			       t->names[i], attach_reason(err));
		else
			err = nr_object_link(o, link);
	}
	return err;
}

/* ---- the object ---- */

static void close_ctx(void *ctx)
{
	struct tracepoints *t = ctx;

	for (unsigned i = 0; i < t->n_fds; i++)
		close(t->fds[i]);
	for (unsigned i = 0; i < t->n; i++)
		free(t->names[i]);
	free(t);
}

int nr_tracepoints_open(struct nr_object *o, const struct nr_logger *log)
{
	struct tracepoints *t = calloc(1, sizeof(*t));
	const void *data;
	size_t size;
	int err;

	if (!t)
		return -ENOMEM;
	data = tracepoint_bpf__elf_bytes(&size);
	err = nr_object_open_own(o, "tracepoints", data, size, log);
	if (err) {
		free(t);
		return err;
	}
	o->attach = attach;
	o->close = close_ctx;
	o->ctx = t;
	return 0;
}

bool nr_tracepoints_are_in(const struct nr_object *o)
{
	return o->attach == attach;
}

bool nr_tracepoints_have_room(const struct nr_object *o)
{
	return nr_tracepoints_are_in(o) && ((const struct tracepoints *)o->ctx)->n < NR_TP_MAX;
}

static bool find_enumerator(void *ctx, const char *name, size_t len, uint64_t *value)
{
	return nr_enumerators_find(ctx, name, len, value);
}

static int read_format(struct nr_tp_format **format, struct nr_tracefs *fs, const char *name)
{
	const struct nr_tp_symbols symbols = { find_enumerator, &fs->enumerators };
	char *text = nr_tracefs_format(fs, name);
	int err = text ? nr_tp_format_parse(format, text, &symbols) : -errno;

	free(text);
	return err;
}

/* The name of the event's struct in BTF is an identifier. */
static void make_struct_name(char *to, size_t size, const char *name)
{
	snprintf(to, size, "%s", name);
	for (; *to; to++)
		if (*to == ':' || *to == '-' || *to == '.')
			*to = '_';
}

static int add_type(const struct nr_tp_format *format, const char *name, uint16_t id,
		    struct nr_types *types, struct nr_tp_config *config)
{
	struct btf *btf = btf__new_empty();
	char type_name[128];
	int type, err;

	if (!btf)
		return -ENOMEM;
	make_struct_name(type_name, sizeof(type_name), name);
	type = nr_tp_format_type(format, type_name, btf, config);
	err = type < 0 ? type : nr_types_check(types, id, name, btf, type)
					?: nr_types_add(types, id, name, btf, type);
	btf__free(btf);
	return err;
}

static const char *add_reason(int err)
{
	switch (err) {
	case -E2BIG:
		return "its record is too large or has too many arrays";
	case -EINVAL:
		return "its format file is not as expected";
	default:
		return nr_reason(err);
	}
}

/* Reads the format, and adds the event type. */
static int add(struct nr_tracefs *fs, const char *name, uint16_t id, struct nr_types *types,
	       struct nr_tp_config *config, uint32_t *kernel_id, const struct nr_logger *log)
{
	struct nr_tp_format *format = NULL;
	int err = read_format(&format, fs, name) ?: add_type(format, name, id, types, config);

	if (err)
		nr_log(log, NR_LOG_ERROR, "cannot record the tracepoint %s: %s", name,
		       add_reason(err));
	else
		*kernel_id = format->id;
	nr_tp_format_free(format);
	return err;
}

int nr_tracepoint_add_type(struct nr_tracefs *fs, const char *name, uint16_t id,
			   struct nr_types *types, const struct nr_logger *log)
{
	struct nr_tp_config config;
	uint32_t kernel_id;

	return add(fs, name, id, types, &config, &kernel_id, log);
}

int nr_tracepoints_add(struct nr_object *o, struct nr_tracefs *fs, const char *name,
		       uint16_t id_base, struct nr_types *types, const struct nr_logger *log)
{
	struct tracepoints *t = o->ctx;
	int err;

	t->names[t->n] = strdup(name);
	if (!t->names[t->n])
		return -ENOMEM;
	err = add(fs, name, id_base + t->n, types, &t->configs[t->n], &t->ids[t->n], log);
	if (err)
		free(t->names[t->n]);
	else
		t->n++;
	return err;
}

int nr_tracepoints_seal(struct nr_object *o, const struct nr_logger *log)
{
	const struct tracepoints *t = o->ctx;
	int err = nr_object_set(o, "nr_tp_configs", t->configs, sizeof(t->configs));

	if (err)
		nr_log(log, NR_LOG_ERROR, "cannot prepare the program for tracepoints: %s",
		       nr_reason(err));
	return err;
}
