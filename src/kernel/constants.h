/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sets the variables of an object from text, by its BTF. The object may be damaged or hostile. */
#ifndef NR_CONSTANTS_H
#define NR_CONSTANTS_H

#include <bpf/btf.h>
#include "object.h"

/* A variable of an object. */
struct nr_variable {
	const char *name;
	const char *section;
	const struct btf_var_secinfo *at;
	uint32_t type;
};

/* Variable i of a section. False: numaring.bpf.h declares it, or the compiler made it, such as a
 * function's format "function.____fmt". */
bool nr_variable_get(const struct btf *btf, const struct btf_type *section, unsigned i,
		     struct nr_variable *out);

/*
 * path: a variable, or a part of one: "limits.max", "cpus[2]". value: a number, true or false, the
 * name of an enum's value, a text, or such elements of an array, separated by commas. Call it before
 * the object is loaded. -ENOENT: there is no such variable; -EINVAL, -ERANGE: the value is not one
 * of its type; logged.
 */
int nr_constant_set(struct nr_object *o, const char *path, const char *value,
		    const struct nr_logger *log);

#endif
