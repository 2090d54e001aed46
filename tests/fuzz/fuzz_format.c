// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Fuzzes what reads texts about tracepoints and probes: format files, which come from the kernel and
 * its modules, and specifications of probes. Input: text; as a specification if it begins as one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/btf.h>
#include "kernel/format_type.h"
#include "kernel/probe_spec.h"
#include "kernel/probes.h"
#include "types/types.h"

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* What the BPF program relies on. */
static void check_config(const struct nr_tp_config *config)
{
	check(config->head < NR_TP_HEAD &&
	      config->copy + sizeof(struct nr_current) <= config->head);
	check(config->n_dynamic <= NR_TP_DYNAMIC);
	for (unsigned i = 0; i < config->n_dynamic; i++) {
		const struct nr_tp_dynamic *d = &config->dynamic[i];

		check(d->at >= NR_TP_COMMON && d->at + 4u <= NR_TP_COMMON + config->copy);
		check(d->to + (d->is_tail ? 0u : NR_TP_BOUND) <= config->head);
		check(d->shift <= 3 && d->is_tail == (i + 1 == config->n_dynamic));
	}
}

static void read_format(const char *text)
{
	struct nr_tp_format *format = NULL;
	struct nr_types *types = NULL;
	struct nr_tp_config config;
	struct btf *btf = NULL;
	int id;

	if (nr_tp_format_parse(&format, text, NULL))
		return;
	btf = btf__new_empty();
	id = nr_tp_format_type(format, "some", btf, &config);
	if (id > 0) {
		check_config(&config);
		check(!nr_types_new(&types, NULL, NULL));
		nr_types_add(types, 0, "group:some", btf, id);
	}
	nr_types_free(types);
	btf__free(btf);
	nr_tp_format_free(format);
}

static void read_spec(const char *text)
{
	const struct nr_logger log = {};
	struct nr_probe_spec spec;

	if (!nr_probe_parse(&spec, text, &log)) {
		check(spec.symbol && spec.n_params <= NR_PROBE_ARGS);
		check((spec.kind == NR_KPROBE) == !spec.path);
	}
	nr_probe_spec_clear(&spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);

	if (nr_probe_is_spec(text))
		read_spec(text);
	else
		read_format(text);
	free(text);
	return 0;
}
