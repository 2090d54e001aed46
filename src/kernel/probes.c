// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/btf.h>
#include <stdlib.h>
#include <unistd.h>
#include "format_type.h"
#include "libbpf_log.h"
#include "probe_params.h"
#include "probes.h"
#include "report.h"
/* after the structs in its data */
#include "probe.skel.h"

_Static_assert(NR_PROBE_MAX == NR_OBJECT_IDS, "each probe of an object has an event id");

/* The probes of an object, by their event ids. */
struct probes {
	unsigned n;
	struct nr_probe_spec specs[NR_PROBE_MAX];
	struct nr_probe_config configs[NR_PROBE_MAX];
};

/* ---- attaching ---- */

static struct bpf_link *attach_one(const struct nr_probe_spec *s, struct bpf_program *prog,
				   uint64_t cookie)
{
	LIBBPF_OPTS(bpf_kprobe_opts, kprobe, .bpf_cookie = cookie, .retprobe = s->is_return);
	LIBBPF_OPTS(bpf_uprobe_opts, uprobe, .bpf_cookie = cookie, .retprobe = s->is_return,
		    .func_name = s->symbol);
	LIBBPF_OPTS(bpf_usdt_opts, usdt, .usdt_cookie = cookie);

	switch (s->kind) {
	case NR_KPROBE:
		return bpf_program__attach_kprobe_opts(prog, s->symbol, &kprobe);
	case NR_UPROBE:
		return bpf_program__attach_uprobe_opts(prog, -1, s->path, 0, &uprobe);
	default:
		return bpf_program__attach_usdt(prog, -1, s->path, s->provider, s->symbol, &usdt);
	}
}

/* Without such a file, libbpf would write into tracefs instead. */
bool nr_kernel_has_kprobes(void)
{
	return !access("/sys/bus/event_source/devices/kprobe/type", F_OK);
}

static bool kernel_can(const struct nr_probe_spec *s)
{
	return s->kind == NR_KPROBE ? nr_kernel_has_kprobes()
				    : !access("/sys/bus/event_source/devices/uprobe/type", F_OK);
}

/* Without a slash, libbpf looks for the file in the paths of libraries. */
static bool lacks_file(const struct nr_probe_spec *s)
{
	return s->path && strchr(s->path, '/') && access(s->path, F_OK);
}

static const char *attach_reason(int err)
{
	return err == -EPERM || err == -EACCES
		       ? "Not permitted: run as root, or grant CAP_SYS_ADMIN as well"
		       : nr_attach_reason(err);
}

static void report(const struct nr_probe_spec *s, int err, const struct nr_logger *log)
{
	const char *where = s->path ?: "the kernel";

	if (lacks_file(s))
		nr_log(log, NR_LOG_ERROR, "cannot attach to %s: there is no file %s", s->symbol,
		       where);
	else if (!kernel_can(s))
		nr_log(log, NR_LOG_ERROR,
		       "cannot attach to %s in %s: this kernel has no %s: use one built with %s",
		       s->symbol, where, s->kind == NR_KPROBE ? "kprobes" : "uprobes",
		       s->kind == NR_KPROBE ? "CONFIG_KPROBE_EVENTS" : "CONFIG_UPROBE_EVENTS");
	else if (s->kind == NR_KPROBE &&
		 (err == -ENOENT || err == -EINVAL || err == -EADDRNOTAVAIL))
		nr_log(log, NR_LOG_ERROR,
		       "cannot attach to %s: the kernel has no function of this name that takes a "
		       "probe; /proc/kallsyms has the functions, some are inlined or must not be "
		       "probed",
		       s->symbol);
	else if (err == -ENOEXEC)
		nr_log(log, NR_LOG_ERROR, "cannot attach to %s in %s: it is no program or library",
		       s->symbol, where);
	else if (s->kind == NR_UPROBE && (err == -ENOENT || err == -ESRCH))
		nr_log(log, NR_LOG_ERROR,
		       "cannot attach to %s in %s: %s has no such function in its symbols (nm, "
		       "nm -D)",
		       s->symbol, where, where);
	else
		nr_log(log, NR_LOG_ERROR, "cannot attach to %s in %s: %s", s->symbol, where,
		       attach_reason(err));
}

int nr_probe_attach(struct nr_object *o, struct bpf_program *prog, const struct nr_probe_spec *s,
		    uint64_t cookie, const struct nr_logger *log)
{
	struct nr_libbpf_warnings warnings = {};
	struct bpf_link *link = NULL;
	int err = -EOPNOTSUPP;

	if (kernel_can(s)) {
		nr_libbpf_log_begin(log, &warnings);
		link = attach_one(s, prog, cookie);
		err = link ? 0 : -errno <= -LIBBPF_ERRNO__LIBELF ? -ENOEXEC : -errno;
		nr_libbpf_log_end();
	}
	if (link)
		return nr_object_link(o, link);
	report(s, err, log);
	return err;
}

static int attach(struct nr_object *o, struct bpf_program *prog, const struct nr_logger *log)
{
	const struct probes *p = o->ctx;
	bool usdt = !strcmp(bpf_program__name(prog), "on_usdt");
	int err = 0;

	for (unsigned i = 0; !err && i < p->n; i++)
		if (usdt == (p->specs[i].kind == NR_USDT))
			err = nr_probe_attach(o, prog, &p->specs[i], i, log);
	return err;
}

/* ---- event types ---- */

/* What the event of a probe is called. */
static char *type_name(const struct nr_probe_spec *s)
{
	static const char *const words[] = { "kprobe", "uprobe", "usdt" };
	char *name = NULL;

	if (asprintf(&name, "%s%s:%s%s%s", words[s->kind], s->is_return ? "_return" : "",
		     s->provider ?: "", s->provider ? ":" : "", s->symbol) < 0)
		return NULL;
	return name;
}

/* The fields as those of a tracepoint's record, and how the program fills them. */
static void place_fields(const struct nr_probe_spec *s, struct nr_tp_format_field *fields,
			 struct nr_probe_config *config)
{
	uint32_t to = sizeof(struct nr_current);

	for (unsigned i = 0; i < s->n_params; i++) {
		const struct nr_probe_param *param = &s->params[i];
		bool is_text = param->read != NR_PROBE_NUMBER;

		config->args[i] = (struct nr_probe_arg){
			.to = to,
			.from = s->is_return ? NR_PROBE_RET : i,
			.read = param->read,
		};
		fields[i] = (struct nr_tp_format_field){
			.name = (char *)param->name,
			.kind = is_text		    ? NR_TP_TEXT
				: param->is_pointer ? NR_TP_PTR
						    : NR_TP_INT,
			.is_signed = param->is_signed,
			.is_array = is_text,
			.off = to - sizeof(struct nr_current) + NR_TP_COMMON,
			.size = is_text ? NR_PROBE_TEXT : param->size,
			.elem_size = is_text ? 1 : param->size,
		};
		to += is_text ? NR_PROBE_TEXT : 8;
	}
	config->n_args = s->n_params;
	config->size = to;
}

static int add_type(const struct nr_probe_spec *s, const char *name, uint16_t id,
		    struct nr_types *types, struct nr_probe_config *config)
{
	struct nr_tp_format_field fields[NR_PROBE_ARGS];
	struct nr_tp_format format = { .fields = fields, .n_fields = s->n_params };
	struct btf *btf = btf__new_empty();
	struct nr_tp_config unused;
	int type, err;

	if (!btf)
		return -ENOMEM;
	place_fields(s, fields, config);
	type = nr_tp_format_type(&format, "probe", btf, &unused);
	err = type < 0 ? type : nr_types_check(types, id, name, btf, type)
					?: nr_types_add(types, id, name, btf, type);
	btf__free(btf);
	return err;
}

/* ---- the object ---- */

static void close_ctx(void *ctx)
{
	struct probes *p = ctx;

	for (unsigned i = 0; i < p->n; i++)
		nr_probe_spec_clear(&p->specs[i]);
	free(p);
}

int nr_probes_open(struct nr_object *o, const struct nr_logger *log)
{
	struct probes *p = calloc(1, sizeof(*p));
	const void *data;
	size_t size;
	int err;

	if (!p)
		return -ENOMEM;
	data = probe_bpf__elf_bytes(&size);
	err = nr_object_open_own(o, "probes", data, size, log);
	if (err) {
		free(p);
		return err;
	}
	o->attach = attach;
	o->close = close_ctx;
	o->ctx = p;
	return 0;
}

bool nr_probes_have_room(const struct nr_object *o)
{
	return o->attach == attach && ((const struct probes *)o->ctx)->n < NR_PROBE_MAX;
}

int nr_probes_add(struct nr_object *o, const char *spec, uint16_t id_base, struct nr_types *types,
		  const struct nr_logger *log)
{
	struct probes *p = o->ctx;
	struct nr_probe_spec *s = &p->specs[p->n];
	char *name = NULL;
	int err = nr_probe_parse(s, spec, log) ?: nr_probe_find_params(s, log);

	if (!err) {
		name = type_name(s);
		err = name ? add_type(s, name, id_base + p->n, types, &p->configs[p->n]) : -ENOMEM;
	}
	free(name);
	if (err) {
		nr_probe_spec_clear(s);
		return err;
	}
	p->n++;
	return nr_object_set(o, "nr_probe_configs", p->configs, sizeof(p->configs));
}
