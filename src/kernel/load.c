// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/bits.h"
#include "calls.h"
#include "events.h"
#include "host.h"
#include "kernel_btf.h"
#include "libbpf_log.h"
#include "object.h"
#include "report.h"

/* Programs of an object that lacks a constant would record other tasks as well. */
static int check_limits(const struct nr_object *o, const struct nr_object_config *config,
			const struct nr_logger *log)
{
	const struct btf *btf = bpf_object__btf(o->obj);
	const char *lacks = config->cgroup.id && !nr_constant_find(btf, "nr_cgroup_id") ? "a cgroup"
			    : config->follow && !nr_constant_find(btf, "nr_follow")	? "--follow"
											: NULL;

	if (!lacks)
		return 0;
	nr_log(log, NR_LOG_ERROR,
	       "%s cannot be limited to %s: build it again, with this version's numaring.bpf.h",
	       o->name, lacks);
	return -EPROTO;
}

/* Do stores of this machine overtake each other? */
#ifdef __x86_64__
#define WEAK_MEMORY false
#else
#define WEAK_MEMORY true
#endif

static int set_constants(struct nr_object *o, const struct nr_maps *maps,
			 const struct nr_object_config *c)
{
	const bool entry_decides = nr_calls_entry_decides(c->tests), weak_memory = WEAK_MEMORY;
	const bool one_shard = maps->n_shards == 1;
	const struct {
		const char *name;
		const void *value;
		size_t size;
	} constants[] = {
		{ "nr_id_base", &c->id_base, sizeof(c->id_base) },
		{ "nr_only_tgid", c->only_tgid, sizeof(c->only_tgid) },
		{ "nr_hidden_tgid", &c->hidden_tgid, sizeof(c->hidden_tgid) },
		{ "nr_follow", &c->follow, sizeof(c->follow) },
		{ "nr_cgroup_id", &c->cgroup.id, sizeof(c->cgroup.id) },
		{ "nr_cgroup_level", &c->cgroup.level, sizeof(c->cgroup.level) },
		{ "nr_tests", c->tests, sizeof(c->tests) },
		{ "nr_entry_decides", &entry_decides, sizeof(entry_decides) },
		{ "nr_block_shift", &maps->block_shift, sizeof(maps->block_shift) },
		{ "nr_one_shard", &one_shard, sizeof(one_shard) },
		{ "nr_weak_memory", &weak_memory, sizeof(weak_memory) },
	};
	int err = 0;

	for (size_t i = 0; !err && i < NR_ARRAY_SIZE(constants); i++)
		err = nr_object_set(o, constants[i].name, constants[i].value, constants[i].size);
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

/* libbpf does not load programs whose section begins with '?', or whose autoload is off. */
static int check_not_empty(const struct nr_object *o, const struct nr_logger *log)
{
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, o->obj)
		if (bpf_program__autoload(prog))
			return 0;
	nr_log(log, NR_LOG_ERROR,
	       "%s has no program to load, so it records nothing: remove the '?' from "
	       "SEC(\"?...\"), or call bpf_program__set_autoload",
	       o->name);
	return -EINVAL;
}

/* libbpf gets the type of a program from its section, unless the user has set the type. */
static int check_sections(const struct nr_object *o, const struct nr_logger *log)
{
	struct bpf_program *prog;
	int err = 0;

	bpf_object__for_each_program (prog, o->obj) {
		if (!bpf_program__autoload(prog) || bpf_program__type(prog) != BPF_PROG_TYPE_UNSPEC)
			continue;
		nr_log(log, NR_LOG_ERROR,
		       "%s: program %s has the section \"%s\", which libbpf does not know: use one "
		       "that names its target, such as tp_btf/sched_switch",
		       o->name, bpf_program__name(prog), bpf_program__section_name(prog));
		err = -EINVAL;
	}
	return err;
}

/* Is there too little memory to parse it? nr_host_check has checked that it can be read. */
static bool kernel_btf_is_too_large(void)
{
	const struct btf *btf = nr_kernel_btf_get();
	bool too_large = !btf && errno == ENOMEM;

	nr_kernel_btf_put(btf);
	nr_kernel_btf_drop();
	return too_large;
}

/* libbpf reports two shortages as missing kernel features: of memory when it parses the kernel's
 * BTF, and of file descriptors when it probes for global data. */
static int true_error(int err, const char *warnings)
{
	if (err == -ESRCH && kernel_btf_is_too_large())
		return -ENOMEM;
	return strstr(warnings, "is referenced but wasn't created") ? -EMFILE : err;
}

int nr_object_load(struct nr_object *o, const struct nr_maps *maps,
		   const struct nr_object_config *config, const struct nr_logger *log)
{
	int err = nr_object_check_unloaded(o, log) ?: check_not_empty(o, log) ?: check_sections(o, log)
		  ?: check_limits(o, config, log);
	struct nr_libbpf_warnings warnings = {};

	if (err)
		return err;
	nr_libbpf_log_begin(log, &warnings);
	err = share_maps(o, maps);
	if (!err)
		err = set_constants(o, maps, config);
	if (!err)
		err = bpf_object__load(o->obj);
	if (err) {
		err = true_error(err, warnings.text);
		nr_report_load_error(o, err, &warnings, log);
	}
	nr_libbpf_log_end();
	return err;
}

/* libbpf sets the flag only during the load. Before it, the section's name shows that the program
 * is sleepable: "fentry.s/...", "uprobe.s" and the like. */
static bool is_sleepable(const struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog);
	size_t kind = strcspn(section, "/");

	return bpf_program__type(prog) == BPF_PROG_TYPE_SYSCALL ||
	       (bpf_program__flags(prog) & BPF_F_SLEEPABLE) ||
	       (kind > 2 && !strncmp(section + kind - 2, ".s", 2));
}

bool nr_object_may_sleep(const struct nr_object *o)
{
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, o->obj)
		if (bpf_program__autoload(prog) && is_sleepable(prog))
			return true;
	return false;
}

void nr_object_warn_sleepable(const struct nr_object *o, const struct nr_logger *log)
{
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, o->obj) {
		if (bpf_program__autoload(prog) && is_sleepable(prog))
			nr_log(log, NR_LOG_WARN,
			       "%s: program %s can sleep, which the order rcu does not cover: its "
			       "records may be late; use the order fence",
			       o->name, bpf_program__name(prog));
	}
}
