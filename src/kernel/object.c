// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "events.h"
#include "explain.h"
#include "host.h"
#include "libbpf_log.h"
#include "object.h"
#include "trial.h"

#define ENOTSUPP 524 /* the kernel's own, in no header */

/* The verifier takes up to some seconds for a large program. */
#define TRIAL_MS 120000

/* missing: there is no file of this name. */
static int opened(struct nr_object *o, const char *name, struct bpf_object *obj, int err,
		  bool missing, const struct nr_logger *log)
{
	char why[128];

	if (!obj && err == -ENOENT && !missing) { /* what libbpf calls it */
		nr_log(log, NR_LOG_ERROR, "%s has no BTF: build it with clang's -g", name);
		return -EINVAL;
	}
	if (!obj) {
		libbpf_strerror(err, why, sizeof(why));
		nr_log(log, NR_LOG_ERROR, "cannot read %s as a BPF object: %s", name, why);
		return err <= -__LIBBPF_ERRNO__START ? -EINVAL : err; /* libbpf's own numbers */
	}
	*o = (struct nr_object){ .own_name = strdup(name), .obj = obj, .own_obj = true };
	o->name = o->own_name ? o->own_name : "object";
	return 0;
}

/* Where an object is read from: a file, or memory if path is NULL. */
struct image {
	const char *path;
	const char *name;
	const void *data;
	size_t size;
};

static struct bpf_object *open_image(const struct image *image)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = image->name);

	return image->path ? bpf_object__open_file(image->path, NULL)
			   : bpf_object__open_mem(image->data, image->size, &opts);
}

/* In the child: all that libbpf does with what the object says. Errors are told by the parent. */
static void try_image(void *arg)
{
	struct bpf_object *obj = open_image(arg);

	if (obj)
		bpf_object__load(obj);
	bpf_object__close(obj);
}

static const char *no_trial(int err)
{
	return err == -ECANCELED   ? "the child was killed"
	       : err == -ETIMEDOUT ? "the child hung, and was killed"
				   : strerror(-err);
}

/* libbpf trusts an object, and crashes on many that are damaged (1.1 on one in 80 that have one to
 * four bytes changed). So a child process goes first. */
static int check_image(struct image *image, const char *name, const struct nr_logger *log)
{
	int ret = nr_trial(try_image, image, TRIAL_MS);

	if (ret > 0) {
		nr_log(log, NR_LOG_ERROR,
		       "%s is damaged, libbpf crashes on it (%s): build it again", name,
		       strsignal(ret));
		return -EINVAL;
	}
	if (ret < 0) /* to go on is what its user asked for */
		nr_log(log, NR_LOG_WARN, "cannot try %s in a child process first: %s", name,
		       no_trial(ret));
	return 0;
}

static int open_object(struct nr_object *o, const char *name, const struct image *image,
		       const struct nr_logger *log)
{
	bool missing = image->path && access(image->path, F_OK);
	struct bpf_object *obj;
	int err;

	nr_libbpf_log_begin(log, NULL);
	obj = open_image(image);
	err = obj ? 0 : -errno;
	nr_libbpf_log_end();
	return opened(o, name, obj, err, missing, log);
}

int nr_object_open(struct nr_object *o, const char *path, const struct nr_logger *log)
{
	struct image image = { .path = path };

	return check_image(&image, path, log) ?: open_object(o, path, &image, log);
}

int nr_object_open_mem(struct nr_object *o, const char *name, const void *data, size_t size,
		       const struct nr_logger *log)
{
	struct image image = { .name = name, .data = data, .size = size };

	return check_image(&image, name, log) ?: open_object(o, name, &image, log);
}

int nr_object_open_own(struct nr_object *o, const char *name, const void *data, size_t size,
		       const struct nr_logger *log)
{
	const struct image image = { .name = name, .data = data, .size = size };

	return open_object(o, name, &image, log);
}

/* What its author opened may have been loaded since, by its author or by another collector. */
static int check_not_loaded(const struct nr_object *o, const struct nr_logger *log)
{
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, o->obj) {
		if (bpf_program__fd(prog) < 0)
			continue;
		nr_log(log, NR_LOG_ERROR, "%s is loaded already: the collector has to load it",
		       o->name);
		return -EBUSY;
	}
	return 0;
}

int nr_object_adopt(struct nr_object *o, struct bpf_object *obj, const struct nr_logger *log)
{
	*o = (struct nr_object){ .name = bpf_object__name(obj), .obj = obj };
	return check_not_loaded(o, log);
}

int nr_object_types(const struct nr_object *o, uint16_t id_base, struct nr_types *types,
		    const struct nr_logger *log)
{
	return nr_events_enter(o->name, bpf_object__btf(o->obj), id_base, types, log);
}

static struct bpf_map *rodata_map(const struct nr_object *o)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, o->obj) {
		const char *name = bpf_map__name(map);
		size_t len = strlen(name);

		if (len >= 7 && !strcmp(name + len - 7, ".rodata"))
			return map;
	}
	return NULL;
}

/* Sets the constants of numaring.bpf.h that the object uses. */
static int set_constants(struct nr_object *o, const struct nr_object_config *config)
{
	const struct {
		const char *name;
		const void *value;
		size_t size;
	} constants[] = {
		{ "nr_id_base", &config->id_base, sizeof(config->id_base) },
		{ "nr_only_tgid", config->only_tgid, sizeof(config->only_tgid) },
		{ "nr_hidden_tgid", &config->hidden_tgid, sizeof(config->hidden_tgid) },
	};
	struct bpf_map *map = rodata_map(o);
	const void *data;
	size_t size;
	char *copy;
	int err;

	data = map ? bpf_map__initial_value(map, &size) : NULL;
	if (!data)
		return -EINVAL;
	copy = malloc(size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, size);
	for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
		const struct btf_var_secinfo *v =
			nr_constant_find(bpf_object__btf(o->obj), constants[i].name);

		if (v && (size_t)v->offset + v->size <= size)
			memcpy(copy + v->offset, constants[i].value,
			       v->size < constants[i].size ? v->size : constants[i].size);
	}
	err = bpf_map__set_initial_value(map, copy, size);
	free(copy);
	return err;
}

static int share_maps(struct nr_object *o, const struct nr_maps *maps)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map (map, o->obj) {
		int fd = nr_maps_fd(maps, bpf_map__name(map));

		if (fd >= 0 && !err)
			err = bpf_map__reuse_fd(map, fd);
	}
	return err;
}

/* libbpf leaves out a program whose section begins with '?', or that its author took out. */
static int check_any(const struct nr_object *o, const struct nr_logger *log)
{
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, o->obj)
		if (bpf_program__autoload(prog))
			return 0;
	nr_log(log, NR_LOG_ERROR,
	       "%s has no program to load, so it records nothing: each SEC(\"?...\") needs "
	       "bpf_program__set_autoload, or no '?'",
	       o->name);
	return -EINVAL;
}

/* libbpf knows most programs by their sections; its author may have set the type of others. */
static int check_sections(const struct nr_object *o, const struct nr_logger *log)
{
	struct bpf_program *prog;
	int err = 0;

	bpf_object__for_each_program (prog, o->obj) {
		if (!bpf_program__autoload(prog) || bpf_program__type(prog) != BPF_PROG_TYPE_UNSPEC)
			continue;
		nr_log(log, NR_LOG_ERROR,
		       "%s: program %s has the section \"%s\", which libbpf does not know: use one "
		       "that says where it goes, such as tp_btf/sched_switch",
		       o->name, bpf_program__name(prog), bpf_program__section_name(prog));
		err = -EINVAL;
	}
	return err;
}

static const char *reason(int err)
{
	return err == -ESRCH	  ? "it needs something that this kernel does not have"
	       : err == -ENOTSUPP ? "this kernel does not support it"
				  : nr_reason(err);
}

static const char *section_of(const struct bpf_program *prog)
{
	return prog ? bpf_program__section_name(prog) : "";
}

/* The lines of the verifier or of libbpf, and what to do. */
static void explain(struct nr_refusal *r, const char *advice, const struct nr_logger *log)
{
	const char *end = r->lines + r->len;

	for (const char *line = r->lines; line < end; line = strchrnul(line, '\n') + 1)
		nr_log(log, NR_LOG_ERROR, "  %.*s", (int)(strchrnul(line, '\n') - line), line);
	if (advice)
		nr_log(log, NR_LOG_ERROR, "%s", advice);
}

static bool is_shortage(int err)
{
	return err == -ENOMEM || err == -EMFILE;
}

/* Of memory; nr_host_check has seen that it can be read. */
static bool kernel_btf_is_too_large(void)
{
	struct btf *btf = btf__parse(NR_KERNEL_BTF, NULL);
	bool too_large = !btf && errno == ENOMEM;

	btf__free(btf);
	return too_large;
}

/* libbpf takes some shortages for something that the kernel does not have: of memory where it reads
 * the kernel's BTF, of files where it tries whether there is global data. */
static int true_error(int err, const char *said)
{
	if (err == -ESRCH && kernel_btf_is_too_large())
		return -ENOMEM;
	return strstr(said, "is referenced but wasn't created") ? -EMFILE : err;
}

static void say_refused(const struct nr_object *o, int err, const struct nr_libbpf_log *heard,
			const struct nr_logger *log)
{
	const struct bpf_program *prog;
	const char *advice;
	struct utsname host = {};
	struct nr_refusal r;

	if (is_shortage(err)) {
		nr_log(log, NR_LOG_ERROR, "cannot load %s: %s", o->name, nr_reason(err));
		return;
	}
	uname(&host);
	nr_refusal_read(&r, heard->text);
	prog = bpf_object__find_program_by_name(o->obj, r.program);
	advice = nr_refusal_advice(&r, section_of(prog));
	if (nr_host_is_old(host.release))
		advice = "this kernel is too old: Linux 5.18 is needed";
	if (prog)
		nr_log(log, NR_LOG_ERROR,
		       r.verified ? "%s: the kernel (%s) refused program %s (%s): %s; the end of "
				    "the verifier's log:"
				  : "%s: this kernel (%s) cannot load program %s (%s): %s",
		       o->name, host.release, r.program, section_of(prog), reason(err));
	else
		nr_log(log, NR_LOG_ERROR, "%s: this kernel (%s) cannot load it: %s", o->name,
		       host.release, reason(err));
	explain(&r, advice, log);
}

int nr_object_load(struct nr_object *o, const struct nr_maps *maps,
		   const struct nr_object_config *config, const struct nr_logger *log)
{
	int err = check_not_loaded(o, log) ?: check_any(o, log) ?: check_sections(o, log);
	struct nr_libbpf_log heard = {};

	if (err)
		return err;
	nr_libbpf_log_begin(log, &heard);
	err = share_maps(o, maps);
	if (!err)
		err = set_constants(o, config);
	if (!err)
		err = bpf_object__load(o->obj);
	if (err) {
		err = true_error(err, heard.text);
		say_refused(o, err, &heard, log);
	}
	nr_libbpf_log_end();
	return err;
}

/* libbpf sets the flag itself only while it loads: until then "fentry.s/...", "uprobe.s" and the
 * like tell by their names. */
static bool is_sleepable(const struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog);
	size_t kind = strcspn(section, "/");

	return bpf_program__type(prog) == BPF_PROG_TYPE_SYSCALL ||
	       (bpf_program__flags(prog) & BPF_F_SLEEPABLE) ||
	       (kind > 2 && !strncmp(section + kind - 2, ".s", 2));
}

void nr_object_warn_sleepable(const struct nr_object *o, const struct nr_logger *log)
{
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, o->obj) {
		if (bpf_program__autoload(prog) && is_sleepable(prog))
			nr_log(log, NR_LOG_WARN,
			       "%s: program %s can sleep, and the order rcu does not cover it: its "
			       "records may come late; use the order fence",
			       o->name, bpf_program__name(prog));
	}
}

static bool has_tracefs(void)
{
	return !access("/sys/kernel/tracing/events", F_OK) ||
	       !access("/sys/kernel/debug/tracing/events", F_OK);
}

static void say_no_auto_attach(const struct nr_object *o, const struct bpf_program *prog,
			       const struct nr_logger *log)
{
	nr_log(log, NR_LOG_ERROR,
	       "%s: program %s cannot be attached by its section name \"%s\": use a section that "
	       "says where it goes, such as tp_btf/sched_switch, or call "
	       "bpf_program__set_autoattach(prog, false) before the start and attach it yourself",
	       o->name, bpf_program__name(prog), section_of(prog));
}

static void say_not_attached(const struct nr_object *o, const struct bpf_program *prog, int err,
			     const struct nr_libbpf_log *heard, const struct nr_logger *log)
{
	struct nr_refusal r;
	const char *advice;

	nr_refusal_read(&r, heard->text);
	advice = nr_refusal_advice(&r, section_of(prog));
	/* libbpf finds the number of a tracepoint there. */
	if (err == -ENOENT && bpf_program__type(prog) == BPF_PROG_TYPE_TRACEPOINT && !has_tracefs())
		advice = "tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing";
	nr_log(log, NR_LOG_ERROR, "%s: cannot attach program %s (%s): %s", o->name,
	       bpf_program__name(prog), section_of(prog), reason(err));
	if (!is_shortage(err))
		explain(&r, advice, log);
}

static int attach_program(struct nr_object *o, struct bpf_program *prog,
			  const struct nr_logger *log)
{
	struct nr_libbpf_log heard = {};
	struct bpf_link *link;
	int err;

	/* Run by whoever calls BPF_PROG_TEST_RUN; there is nothing to attach it to. */
	if (bpf_program__type(prog) == BPF_PROG_TYPE_SYSCALL)
		return 0;
	nr_libbpf_log_begin(log, &heard);
	link = bpf_program__attach(prog);
	err = link ? 0 : -errno;
	nr_libbpf_log_end();
	if (link)
		o->links[o->n_links++] = link;
	else if (!heard.len && (err == -EOPNOTSUPP || err == -ESRCH || err == -EINVAL))
		/* libbpf did not try; -EINVAL: "tracepoint/sched_switch", without its group */
		say_no_auto_attach(o, prog, log);
	else
		say_not_attached(o, prog, err, &heard, log);
	return err;
}

int nr_object_attach(struct nr_object *o, const struct nr_logger *log)
{
	struct bpf_program *prog;
	unsigned n = 0;
	int err = 0;

	bpf_object__for_each_program (prog, o->obj)
		n++;
	o->links = calloc(n ? n : 1, sizeof(*o->links));
	if (!o->links)
		return -ENOMEM;
	/* All of them, so that all that cannot be attached are named. */
	bpf_object__for_each_program (prog, o->obj) {
		if (bpf_program__autoload(prog) && bpf_program__autoattach(prog))
			err = attach_program(o, prog, log) ?: err;
	}
	return err;
}

void nr_object_detach(struct nr_object *o)
{
	for (unsigned i = 0; i < o->n_links; i++)
		bpf_link__destroy(o->links[i]);
	free(o->links);
	o->links = NULL;
	o->n_links = 0;
}

void nr_object_close(struct nr_object *o)
{
	nr_object_detach(o);
	if (o->own_obj)
		bpf_object__close(o->obj);
	free(o->own_name);
	memset(o, 0, sizeof(*o));
}
