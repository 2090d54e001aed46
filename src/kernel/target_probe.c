// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs of single functions, of USDT probes and of tracepoints. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "elf_functions.h"
#include "probe_params.h"
#include "probe_spec.h"
#include "probes.h"
#include "target.h"
#include "tracepoints.h"

/* ---- kprobes, uprobes and USDT probes, which the options of these names have, too ---- */

/* "kprobe:FUNCTION" and the like without arguments. nr_probe_spec_clear frees it in any case. */
static int parse_probe(const struct nr_target *t, const char *kind, struct nr_probe_spec *spec,
		       const struct nr_logger *log)
{
	const struct nr_logger silent = {};
	char *text = NULL;
	int err;

	*spec = (struct nr_probe_spec){};
	if (asprintf(&text, "%s:%s", kind, t->text) < 0)
		return -ENOMEM;
	err = strpbrk(t->text, "(%") ? -EINVAL : nr_probe_parse(spec, text, &silent);
	free(text);
	spec->is_return = nr_section_is_return(t->prog);
	return err == -EINVAL ? nr_target_refuse(t, err, NULL, log) : err;
}

static int attach_probe(struct nr_object *o, const struct nr_target *t, const char *kind,
			const struct nr_logger *log)
{
	struct nr_probe_spec spec;
	int err = parse_probe(t, kind, &spec, log) ?: nr_probe_attach(o, t->prog, &spec, 0, log);

	nr_probe_spec_clear(&spec);
	return err;
}

static int check_kprobe(struct nr_target *t, const struct nr_logger *log)
{
	struct nr_probe_spec spec;
	int err = parse_probe(t, "kprobe", &spec, log);

	nr_probe_spec_clear(&spec);
	return err;
}

static int attach_kprobe(struct nr_object *o, const struct nr_target *t,
			 const struct nr_logger *log)
{
	return attach_probe(o, t, "kprobe", log);
}

static int check_usdt(struct nr_target *t, const struct nr_logger *log)
{
	struct nr_probe_spec spec;
	char *args = NULL;
	int err = parse_probe(t, "usdt", &spec, log) ?: nr_usdt_args(&args, &spec, log);

	free(args);
	nr_probe_spec_clear(&spec);
	return err;
}

static int attach_usdt(struct nr_object *o, const struct nr_target *t, const struct nr_logger *log)
{
	if (bpf_object__find_map_fd_by_name(o->obj, "__bpf_usdt_specs") < 0)
		return nr_target_failed(t, -EINVAL,
					"libbpf needs maps for USDT probes; add #include "
					"<bpf/usdt.bpf.h> to the program",
					log);
	return attach_probe(o, t, "usdt", log);
}

/* ---- uprobes of all functions that match a pattern ---- */

#define MOST_FUNCTIONS 1000

static bool is_pattern(const struct nr_probe_spec *spec)
{
	return strpbrk(spec->symbol, "*?[");
}

static int find_functions(const struct nr_target *t, const struct nr_probe_spec *spec,
			  struct nr_elf_functions *functions, const struct nr_logger *log)
{
	int err = nr_elf_functions(functions, spec->path, spec->symbol);

	if (err)
		return nr_target_refuse(
			t, err, err == -ENOEXEC ? "it is no program or library" : strerror(-err),
			log);
	if (!functions->n)
		return nr_target_refuse(t, -ENOENT,
					"no function in its symbols matches (nm, nm -D)", log);
	if (functions->n > MOST_FUNCTIONS)
		return nr_target_refuse(t, -E2BIG,
					"more than 1000 functions match: narrow the pattern", log);
	return 0;
}

static int check_uprobe(struct nr_target *t, const struct nr_logger *log)
{
	struct nr_elf_functions functions = {};
	struct nr_probe_spec spec;
	int err = parse_probe(t, "uprobe", &spec, log);

	if (!err && is_pattern(&spec))
		err = find_functions(t, &spec, &functions, log);
	free(functions.offsets);
	nr_probe_spec_clear(&spec);
	return err;
}

static int attach_functions(struct nr_object *o, const struct nr_target *t,
			    const struct nr_probe_spec *spec, const struct nr_logger *log)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .retprobe = spec->is_return);
	struct nr_elf_functions functions = {};
	int err = find_functions(t, spec, &functions, log);

	for (size_t i = 0; !err && i < functions.n; i++)
		err = nr_target_keep(o, t,
				     bpf_program__attach_uprobe_opts(t->prog, -1, spec->path,
								     functions.offsets[i], &opts),
				     NULL, log);
	free(functions.offsets);
	return err;
}

/* One link for all functions, in the kernel since 6.6 and in libbpf since 1.3. */
#define UPROBE_MULTI 48 /* BPF_TRACE_UPROBE_MULTI, which older headers lack */

static bool attach_at_once(const struct nr_target *t, const struct nr_probe_spec *spec,
			   struct bpf_link **link)
{
	if ((int)bpf_program__expected_attach_type(t->prog) != UPROBE_MULTI)
		return false;
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	LIBBPF_OPTS(bpf_uprobe_multi_opts, opts, .retprobe = spec->is_return);

	*link = bpf_program__attach_uprobe_multi(t->prog, -1, spec->path, spec->symbol, &opts);
	return true;
#else
	(void)spec;
	(void)link;
	return false;
#endif
}

static int attach_uprobe(struct nr_object *o, const struct nr_target *t,
			 const struct nr_logger *log)
{
	struct bpf_link *link = NULL;
	struct nr_probe_spec spec;
	int err = parse_probe(t, "uprobe", &spec, log);

	if (!err && attach_at_once(t, &spec, &link))
		err = nr_target_keep(o, t, link, NULL, log);
	else if (!err && is_pattern(&spec))
		err = attach_functions(o, t, &spec, log);
	else if (!err)
		err = nr_probe_attach(o, t->prog, &spec, 0, log);
	nr_probe_spec_clear(&spec);
	return err;
}

/* ---- system calls, tracepoints, functions ---- */

static const char *explain_name(const struct nr_target *t, int err)
{
	if (err == -EPERM || err == -EOPNOTSUPP)
		return "this kernel has no kprobes, or a security policy forbids them";
	if (err != -ENOENT && err != -ESRCH && err != -EINVAL)
		return NULL;
	return t->kind == &nr_target_ksyscall ? "this kernel has no such system call"
					      : "this kernel has no such tracepoint; numaring list "
						"shows what there is";
}

static int attach_ksyscall(struct nr_object *o, const struct nr_target *t,
			   const struct nr_logger *log)
{
	LIBBPF_OPTS(bpf_ksyscall_opts, opts, .retprobe = nr_section_is_return(t->prog));

	if (!nr_kernel_has_kprobes())
		return nr_target_failed(t, -EOPNOTSUPP,
					"this kernel has no kprobes: use one built with "
					"CONFIG_KPROBE_EVENTS",
					log);
	return nr_target_keep(o, t, bpf_program__attach_ksyscall(t->prog, t->text, &opts),
			      explain_name, log);
}

static int find_tracepoints(const struct nr_target *t, struct nr_tracefs *fs,
			    struct nr_tracepoint_list *list, const struct nr_logger *log)
{
	int err = nr_tracefs_open(fs, log);

	if (err)
		return err;
	err = nr_tracepoints_find(list, fs, t->text, log);
	if (err)
		nr_tracefs_close(fs);
	return err;
}

static int check_tracepoint(struct nr_target *t, const struct nr_logger *log)
{
	const char *colon = strchr(t->text, ':');
	struct nr_tracepoint_list list = {};
	struct nr_tracefs fs;
	int err;

	if (!colon || colon == t->text || !colon[1])
		return nr_target_refuse(t, -EINVAL, NULL, log);
	err = find_tracepoints(t, &fs, &list, log);
	if (err)
		return err;
	nr_tracepoint_list_free(&list);
	nr_tracefs_close(&fs);
	return 0;
}

static const char *explain_tracepoint(const struct nr_target *t, int err)
{
	(void)t;
	return err == -EACCES
		       ? "the program reads beyond the fields of the tracepoint; compare its "
			 "context with the tracepoint's format file in tracefs"
		       : NULL;
}

/* libbpf would need a mounted tracefs. */
static int attach_one_tracepoint(struct nr_object *o, const struct nr_target *t,
				 const struct nr_tracefs *fs, const char *name,
				 const struct nr_logger *log)
{
	char *format = nr_tracefs_format(fs, name);
	const char *id = format ? strstr(format, "\nID: ") : NULL;
	int fd = id ? nr_tracepoint_open(strtoul(id + 5, NULL, 10)) : -ENOENT, err;
	struct bpf_link *link;

	free(format);
	if (fd < 0)
		return nr_target_failed(t, fd, NULL, log);
	link = bpf_program__attach_perf_event(t->prog, fd);
	err = nr_target_keep(o, t, link, explain_tracepoint, log);
	if (!link)
		close(fd);
	return err;
}

static int attach_tracepoint(struct nr_object *o, const struct nr_target *t,
			     const struct nr_logger *log)
{
	struct nr_tracepoint_list list = {};
	struct nr_tracefs fs;
	int err = find_tracepoints(t, &fs, &list, log);

	if (err)
		return err;
	for (size_t i = 0; !err && i < list.n; i++)
		err = attach_one_tracepoint(o, t, &fs, list.names[i], log);
	nr_tracepoint_list_free(&list);
	nr_tracefs_close(&fs);
	return err;
}

static int attach_raw_tracepoint(struct nr_object *o, const struct nr_target *t,
				 const struct nr_logger *log)
{
	return nr_target_keep(o, t, bpf_program__attach_raw_tracepoint(t->prog, t->text),
			      explain_name, log);
}

/* The verifier needs the function, so libbpf has to know it before the load. */
static int check_function(struct nr_target *t, const struct nr_logger *log)
{
	int err = bpf_program__set_attach_target(t->prog, 0, t->text);

	return !err ? 0
		    : nr_target_refuse(t, err == -ESRCH ? -ENOENT : err,
				       err == -ESRCH ? "this kernel's BTF has no such function or "
						       "tracepoint"
						     : nr_reason(err),
				       log);
}

static int attach_function(struct nr_object *o, const struct nr_target *t,
			   const struct nr_logger *log)
{
	return nr_target_keep(o, t, bpf_program__attach(t->prog), NULL, log);
}

const struct nr_target_kind nr_target_kprobe = {
	.form = "FUNCTION of the kernel, as in do_sys_openat2",
	.check = check_kprobe,
	.attach = attach_kprobe,
};

const struct nr_target_kind nr_target_ksyscall = {
	.form = "SYSCALL, as in openat",
	.attach = attach_ksyscall,
};

const struct nr_target_kind nr_target_uprobe = {
	.form = "PATH:FUNCTION, where FUNCTION may be a pattern, as in /usr/bin/nginx:ngx_http_*",
	.check = check_uprobe,
	.attach = attach_uprobe,
};

const struct nr_target_kind nr_target_usdt = {
	.form = "PATH:PROVIDER:NAME, as in /usr/bin/python3:python:function__entry",
	.check = check_usdt,
	.attach = attach_usdt,
};

const struct nr_target_kind nr_target_tracepoint = {
	.form = "GROUP:EVENT, where both may be patterns, as in sched:sched_switch",
	.check = check_tracepoint,
	.attach = attach_tracepoint,
};

const struct nr_target_kind nr_target_raw_tracepoint = {
	.form = "TRACEPOINT, without its group, as in sched_switch",
	.attach = attach_raw_tracepoint,
};

const struct nr_target_kind nr_target_function = {
	.form = "FUNCTION of the kernel, or a tracepoint without its group, as in sched_switch",
	.check = check_function,
	.attach = attach_function,
};
