// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/bits.h"
#include "calls.h"
#include "enums.h"
#include "kernel_btf.h"

/* Numbers above the system's own, that a program never sees but the exit of a call has: the kernel
 * then restarts the call. */
static const struct {
	int number;
	const char *name;
} restarts[] = {
	{ 512, "ERESTARTSYS" }, { 513, "ERESTARTNOINTR" },	  { 514, "ERESTARTNOHAND" },
	{ 515, "ENOIOCTLCMD" }, { 516, "ERESTART_RESTARTBLOCK" },
};

static int add_syscalls(struct btf *btf)
{
	int err = btf__add_enum_value(btf, "NONE", -1);

	for (int nr = 0; !err && nr < NR_CALLS; nr++) {
		char *name = nr_call_name(nr);

		if (name)
			err = btf__add_enum_value(btf, name, nr);
		free(name);
	}
	return err;
}

static int add_errors(struct btf *btf)
{
	int err = btf__add_enum_value(btf, "OK", 0);

	for (int nr = 1; !err && nr < restarts[0].number; nr++) {
		const char *name = strerrorname_np(nr);

		if (name)
			err = btf__add_enum_value(btf, name, nr);
	}
	for (size_t i = 0; !err && i < NR_ARRAY_SIZE(restarts); i++)
		err = btf__add_enum_value(btf, restarts[i].name, restarts[i].number);
	return err;
}

/* Without the prefix, as the kernel's own tracepoint prints them. */
static const char *short_reason(const char *name)
{
	const char *const prefixes[] = { "SKB_DROP_REASON_", "SKB_" };

	for (size_t i = 0; i < NR_ARRAY_SIZE(prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return name + strlen(prefixes[i]);
	return name;
}

/* Kernels before 5.17 have no reasons; their numbers stay without names. */
static int add_drop_reasons(struct btf *btf)
{
	const struct btf *kernel = nr_kernel_btf_get();
	int id = kernel ? btf__find_by_name_kind(kernel, "skb_drop_reason", BTF_KIND_ENUM) : -errno;
	const struct btf_type *t = id > 0 ? btf__type_by_id(kernel, id) : NULL;
	int err = kernel ? 0 : id;

	for (unsigned i = 0; !err && t && i < btf_vlen(t); i++) {
		const struct btf_enum *e = &btf_enum(t)[i];

		err = btf__add_enum_value(
			btf, short_reason(btf__str_by_offset(kernel, e->name_off)), e->val);
	}
	nr_kernel_btf_put(kernel);
	return err;
}

static const struct {
	const char *name;
	int (*add_values)(struct btf *btf);
} enums[] = {
	{ "syscall_nr", add_syscalls },
	{ "error_nr", add_errors },
	{ "skb_drop_reason", add_drop_reasons },
};

/* Members of type `from` become members of type `to`. btf is a copy that libbpf lets us change. */
static void replace(struct btf *btf, uint32_t from, uint32_t to)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		struct btf_type *t = (struct btf_type *)btf__type_by_id(btf, id);

		for (unsigned i = 0; btf_is_struct(t) && i < btf_vlen(t); i++)
			if (btf_members(t)[i].type == from)
				btf_members(t)[i].type = to;
	}
}

static int name_enum(struct btf *btf, unsigned i, int from)
{
	int to = btf__add_enum(btf, enums[i].name, btf__type_by_id(btf, from)->size);
	int err = to < 0 ? to : enums[i].add_values(btf);

	if (!err)
		replace(btf, from, to);
	return err;
}

static int copy_btf(struct btf **out, const struct btf *btf)
{
	struct btf *copy = *out ?: btf__new_empty();
	int first;

	if (!copy)
		return -ENOMEM;
	if (copy == *out)
		return 0;
	first = btf__add_btf(copy, btf);
	if (first < 0) {
		btf__free(copy);
		return first;
	}
	*out = copy;
	return 0;
}

int nr_enums_name(struct btf **out, const struct btf *btf)
{
	struct btf *copy = NULL;
	int err = 0;

	for (unsigned i = 0; !err && i < NR_ARRAY_SIZE(enums); i++) {
		int id = btf__find_by_name_kind(btf, enums[i].name, BTF_KIND_ENUM);

		if (id > 0) /* the same in the copy, which begins with all types of btf */
			err = copy_btf(&copy, btf) ?: name_enum(copy, i, id);
	}
	if (err) {
		btf__free(copy);
		copy = NULL;
	}
	*out = copy;
	return err;
}
