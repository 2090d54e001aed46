// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <numaring/numaring.h>
#include <stdio.h>
#include <string.h>
#include <bpf/btf.h>
#include "base/bits.h"
#include "block.skel.h"
#include "calls.h"
#include "enums.h"
#include "exec.skel.h"
#include "irq.skel.h"
#include "kernel_btf.h"
#include "memory.skel.h"
#include "missing.h"
#include "net.skel.h"
#include "sample.skel.h"
#include "sampling.h"
#include "sched.skel.h"
#include "sources.h"
#include "stacks.skel.h"
#include "syscalls.skel.h"
#include "tasks.h"

static const struct nr_source stacks = {
	.name = "sched:stacks",
	.elf = stacks_bpf__elf_bytes,
};

static const struct nr_source sources[] = {
	{ "sched", "task switches, wake-ups and migrations", sched_bpf__elf_bytes, NULL },
	{ "syscalls", "system calls: arguments, results and durations", syscalls_bpf__elf_bytes,
	  nr_calls_prepare },
	{ "exec", "processes and threads that begin and end, and what they run",
	  exec_bpf__elf_bytes, NULL },
	{ "net", "packets received, transmitted and dropped", net_bpf__elf_bytes, NULL },
	{ "block", "requests to block devices: issue and completion", block_bpf__elf_bytes, NULL },
	{ "irq", "hardware and soft interrupts with their durations", irq_bpf__elf_bytes, NULL },
	{ "memory", "page faults, reclaim, compaction, migration and NUMA balancing",
	  memory_bpf__elf_bytes, NULL },
	{ "sample", "which code runs on each CPU, with its stack", sample_bpf__elf_bytes,
	  nr_sampling_prepare },
};

const struct nr_source *nr_source_find(const char *spec, const char **args)
{
	size_t len = strcspn(spec, ":");

	*args = spec[len] ? spec + len + 1 : NULL;
	for (size_t i = 0; i < NR_ARRAY_SIZE(sources); i++)
		if (strlen(sources[i].name) == len && !strncmp(sources[i].name, spec, len))
			return &sources[i];
	return NULL;
}

const struct nr_source *nr_source_extra(const char *spec)
{
	return strcmp(spec, stacks.name) ? NULL : &stacks;
}

/* What all sources have in common. */
static int prepare_object(struct nr_object *o, const struct nr_logger *log)
{
	int err = nr_enums_name(&o->named, bpf_object__btf(o->obj)) ?: nr_tasks_size_slots(o)
		  ?: nr_tasks_find_context(o);

	if (err)
		nr_log(log, NR_LOG_ERROR, "cannot prepare the source %s: %s", o->name,
		       nr_reason(err));
	return err;
}

static int prepare(struct nr_object *o, const struct nr_source *source, const char *args,
		   const struct nr_logger *log)
{
	const struct btf *kernel = nr_kernel_btf_get(); /* once for all steps */
	int err = kernel ? 0 : -errno;

	if (err) {
		nr_log(log, NR_LOG_ERROR, "cannot read the kernel's types for the source %s: %s",
		       o->name, nr_reason(err));
		return err;
	}
	nr_missing_skip(o, log);
	err = prepare_object(o, log);
	if (!err && source->prepare)
		err = source->prepare(o, args, log);
	nr_kernel_btf_put(kernel);
	return err;
}

int nr_source_open(struct nr_object *o, const struct nr_source *source, const char *args,
		   const struct nr_logger *log)
{
	size_t size;
	const void *data = source->elf(&size);
	int err = nr_object_open_own(o, source->name, data, size, log);

	if (err)
		return err;
	o->tests = true; /* by nr_emit or nr_passes */
	err = prepare(o, source, args, log);
	if (err)
		nr_object_close(o);
	return err;
}

unsigned nr_source_bit(const struct nr_source *source)
{
	return source - sources;
}

const char *nr_source_name(unsigned i)
{
	return i < NR_ARRAY_SIZE(sources) ? sources[i].name : NULL;
}

const char *nr_source_about(unsigned i)
{
	return i < NR_ARRAY_SIZE(sources) ? sources[i].about : NULL;
}

const char *nr_source_list(char *buf, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < NR_ARRAY_SIZE(sources) && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%s", i ? ", " : "", sources[i].name);
	return buf;
}
