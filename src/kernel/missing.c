// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>
#include "kernel_btf.h"
#include "missing.h"

#define SECTION "tp_btf/"

/* A list of names for a message: what does not fit is left out. */
struct names {
	char text[256];
	size_t len;
};

static void add_name(struct names *names, const char *name)
{
	if (names->len + strlen(name) + 2 < sizeof(names->text))
		names->len +=
			sprintf(names->text + names->len, "%s%s", names->len ? ", " : "", name);
}

/* The kernel has a typedef of this name for each tracepoint. */
static bool has_tracepoint(const struct btf *kernel, const char *name)
{
	char typedef_name[128];

	snprintf(typedef_name, sizeof(typedef_name), "btf_trace_%s", name);
	return btf__find_by_name_kind(kernel, typedef_name, BTF_KIND_TYPEDEF) > 0;
}

static void skip_programs(struct nr_object *o, const struct btf *kernel, struct names *missing)
{
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, o->obj) {
		const char *section = bpf_program__section_name(prog);

		if (strncmp(section, SECTION, strlen(SECTION)) ||
		    has_tracepoint(kernel, section + strlen(SECTION)))
			continue;
		bpf_program__set_autoload(prog, false);
		add_name(missing, section + strlen(SECTION));
	}
}

void nr_missing_skip(struct nr_object *o, const struct nr_logger *log)
{
	const struct btf *kernel = nr_kernel_btf_get();
	struct names missing = {};

	if (!kernel) /* the load will fail, too, and say why */
		return;
	skip_programs(o, kernel, &missing);
	nr_kernel_btf_put(kernel);
	if (missing.len)
		nr_log(log, NR_LOG_WARN,
		       "%s: this kernel has no tracepoint %s: what these tell is not recorded",
		       o->name, missing.text);
}
