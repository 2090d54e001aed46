// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/btf.h>
#include <stdint.h>
#include <stdlib.h>
#include "kernel_btf.h"
#include "probe_params.h"

/* ---- functions of the kernel ---- */

static const struct btf_type *resolve(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t)))
		t = btf__type_by_id(btf, t->type);
	return t;
}

static bool is_char(const struct btf *btf, const struct btf_type *t)
{
	return t && btf_is_int(t) && t->size == 1 &&
	       !strcmp(btf__name_by_offset(btf, t->name_off), "char");
}

/* False: an argument of this type is in no single register. */
static bool set_type(struct nr_probe_param *param, const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = resolve(btf, id);

	if (!t)
		return false;
	if (btf_is_ptr(t)) {
		param->size = 8;
		param->is_pointer = true;
		/* It may be text of the kernel or of the process. */
		param->read =
			is_char(btf, resolve(btf, t->type)) ? NR_PROBE_ANY_TEXT : NR_PROBE_NUMBER;
		return true;
	}
	if ((!btf_is_int(t) && !btf_is_any_enum(t)) || t->size > 8)
		return false;
	param->size = t->size;
	param->is_signed = btf_is_int(t) && (btf_int_encoding(t) & BTF_INT_SIGNED);
	return true;
}

static const struct btf_type *find_function(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(btf, id);

	return t ? btf__type_by_id(btf, t->type) : NULL;
}

static void set_params(struct nr_probe_spec *spec, const struct btf *btf,
		       const struct btf_type *proto)
{
	const struct btf_param *p = btf_params(proto);

	for (int i = 0; i < btf_vlen(proto) && i < NR_PROBE_REGS; i++) {
		struct nr_probe_param *param = &spec->params[spec->n_params];
		const char *name = btf__name_by_offset(btf, p[i].name_off);

		if (!name || !*name || !set_type(param, btf, p[i].type))
			break;
		snprintf(param->name, sizeof(param->name), "%s", name);
		spec->n_params++;
	}
}

static void read_prototype(struct nr_probe_spec *spec)
{
	const struct btf *btf = nr_kernel_btf_get();
	const struct btf_type *proto = btf ? find_function(btf, spec->symbol) : NULL;

	if (proto && spec->is_return)
		set_type(&spec->params[0], btf, proto->type);
	else if (proto)
		set_params(spec, btf, proto);
	nr_kernel_btf_put(btf);
}

static void set_result(struct nr_probe_spec *spec)
{
	struct nr_probe_param *param = &spec->params[0];

	if (!param->size)
		nr_probe_set_kind(param, "s64");
	snprintf(param->name, sizeof(param->name), "ret");
	spec->n_params = 1;
}

/* ---- USDT probes ---- */

/* An argument is SIZE@PLACE; a negative size says that it is signed. */
static int read_note(struct nr_probe_spec *spec, const struct nr_logger *log)
{
	char *args = NULL, *rest, *word;
	int err = nr_usdt_args(&args, spec, log);

	rest = args;
	while (!err && spec->n_params < NR_PROBE_ARGS && (word = strsep(&rest, " "))) {
		struct nr_probe_param *param = &spec->params[spec->n_params];
		int size = atoi(word);

		if (!strchr(word, '@'))
			continue;
		snprintf(param->name, sizeof(param->name), "arg%u", spec->n_params++);
		param->is_signed = size < 0;
		param->size = size < 0 ? -size : size;
		if (param->size != 1 && param->size != 2 && param->size != 4)
			param->size = 8;
	}
	free(args);
	return err;
}

int nr_probe_find_params(struct nr_probe_spec *spec, const struct nr_logger *log)
{
	char *args = NULL;
	int err;

	if (spec->kind == NR_USDT && spec->has_params) { /* is the probe there? */
		err = nr_usdt_args(&args, spec, log);
		free(args);
		return err;
	}
	if (spec->has_params)
		return 0;
	if (spec->kind == NR_USDT)
		return read_note(spec, log);
	if (spec->kind == NR_KPROBE)
		read_prototype(spec);
	if (spec->is_return)
		set_result(spec);
	return 0;
}
