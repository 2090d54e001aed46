/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Specifications of probes:
 *
 *	kprobe:FUNC[%return][(ARGS)]
 *	uprobe:PATH:SYMBOL[%return][(ARGS)]
 *	usdt:PATH:PROVIDER:NAME[(ARGS)]
 *
 * ARGS are NAME=KIND, separated by commas, in the order of the arguments. KIND is u8 to u64, s8 to
 * s64, x64 (an address), str (text of the kernel) or ustr (text of the process).
 */
#ifndef NR_PROBE_SPEC_H
#define NR_PROBE_SPEC_H

#include <linux/types.h>
#include <stdbool.h>
#include "base/log.h"
#include "probe.h"

enum nr_probe_kind { NR_KPROBE, NR_UPROBE, NR_USDT };

struct nr_probe_param {
	char name[64];
	enum nr_probe_read read;
	unsigned size; /* of a number */
	bool is_signed;
	bool is_pointer;
};

struct nr_probe_spec {
	enum nr_probe_kind kind;
	bool is_return;
	bool has_params; /* they were given, maybe none */
	char *path;	 /* NULL: of the kernel */
	char *provider;	 /* of a USDT probe */
	char *symbol;	 /* or name of a USDT probe */
	unsigned n_params;
	struct nr_probe_param params[NR_PROBE_ARGS];
};

/* -EINVAL, logged; -ENOMEM. nr_probe_spec_clear frees what it holds, also after an error. */
int nr_probe_parse(struct nr_probe_spec *out, const char *spec, const struct nr_logger *log);
void nr_probe_spec_clear(struct nr_probe_spec *spec);

/* A number of the kind "u32", "s64", "x64". False: there is no such kind. */
bool nr_probe_set_kind(struct nr_probe_param *param, const char *kind);

#endif
