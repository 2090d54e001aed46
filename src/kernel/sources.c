// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <numaring/numaring.h>
#include <stdio.h>
#include <string.h>
#include "base/bits.h"
#include "sample.skel.h"
#include "sampling.h"
#include "sched.skel.h"
#include "sources.h"
#include "syscalls.skel.h"

static const struct nr_source sources[] = {
	{ "sample", "which code runs on each CPU, with its stack", sample_bpf__elf_bytes,
	  nr_sampling_prepare },
	{ "sched", "task switches, wake-ups and migrations", sched_bpf__elf_bytes, NULL },
	{ "syscalls", "entry and exit of every system call", syscalls_bpf__elf_bytes, NULL },
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
