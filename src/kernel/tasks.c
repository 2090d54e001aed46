// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include "events.h"
#include "host.h"
#include "kernel_btf.h"
#include "tasks.h"

#define MAX_SLOTS (1u << 18) /* bpf/slots.h has the same */

/* The host's threads have numbers below this; 0: unknown. From Linux 6.14 on, each PID namespace has
 * a kernel.pid_max of its own. */
static uint32_t pid_max(void)
{
	FILE *f = nr_host_in_initial_pidns() ? fopen("/proc/sys/kernel/pid_max", "re") : NULL;
	uint32_t max = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%u", &max) != 1)
		max = 0;
	fclose(f);
	return max;
}

int nr_tasks_size_slots(struct nr_object *o)
{
	struct bpf_map *map = bpf_object__find_map_by_name(o->obj, "nr_slots");
	uint32_t max = pid_max();

	return map ? bpf_map__set_max_entries(map, max && max < MAX_SLOTS ? max : MAX_SLOTS) : 0;
}

/* The offset of a variable in the per-CPU section; -ENOENT: there is none of this name. */
static int64_t variable_at(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, ".data..percpu", BTF_KIND_DATASEC);
	const struct btf_type *section = id > 0 ? btf__type_by_id(btf, id) : NULL;
	int variable = btf__find_by_name_kind(btf, name, BTF_KIND_VAR);

	for (unsigned i = 0; section && i < btf_vlen(section); i++)
		if ((int)btf_var_secinfos(section)[i].type == variable)
			return btf_var_secinfos(section)[i].offset;
	return -ENOENT;
}

/* The offset of a member, which may be in an unnamed struct or union, in bytes; -ENOENT: there is
 * none of this name. */
static int64_t member_at(const struct btf *btf, int id, const char *name)
{
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;

	for (unsigned i = 0; t && btf_is_composite(t) && i < btf_vlen(t); i++) {
		const char *found = btf__name_by_offset(btf, btf_members(t)[i].name_off);
		int64_t at = -ENOENT;

		if (!strcmp(found, name))
			at = 0;
		else if (!*found)
			at = member_at(btf, btf_members(t)[i].type, name);
		if (at >= 0)
			return at + btf_member_bit_offset(t, i) / 8;
	}
	return -ENOENT;
}

/* From Linux 6.2 to 6.14, the count is a member of a per-CPU struct. */
static int64_t hot_count_at(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "pcpu_hot", BTF_KIND_STRUCT);
	int64_t variable = variable_at(btf, "pcpu_hot"), at = member_at(btf, id, "preempt_count");

	return variable < 0 || at < 0 ? -ENOENT : variable + at;
}

/* From the start of the CPU's runqueues, which a program can find, to its preempt count; 0: this
 * kernel does not tell. */
static int64_t preempt_count_at(void)
{
	const struct btf *kernel = nr_kernel_btf_get();
	int64_t from, to;

	if (!kernel)
		return 0;
	from = variable_at(kernel, "runqueues");
	to = hot_count_at(kernel);
	if (to < 0)
		to = variable_at(kernel, "__preempt_count");
	nr_kernel_btf_put(kernel);
	return from < 0 || to < 0 ? 0 : to - from;
}

int nr_tasks_find_context(struct nr_object *o)
{
	int64_t at;

	if (!nr_constant_find(bpf_object__btf(o->obj), "nr_preempt_count"))
		return 0;
	at = preempt_count_at();
	return nr_object_set(o, "nr_preempt_count", &at, sizeof(at));
}
