// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "object_args.h"

static const struct {
	const char *name;
	const char *form;
} options[] = {
	[OBJECT_SET] = { "--set", "a constant and its value: use NAME=VALUE" },
};

void object_args_add(struct object_args *args, enum object_option option,
		     const struct strings *objects, char *arg)
{
	char *equals = strchr(arg, '=');

	if (!equals || equals == arg)
		cli_refuse(arg, options[option].form);
	args->list = reallocarray(args->list, args->n + 1, sizeof(*args->list));
	if (!args->list) {
		cli_error("out of memory");
		exit(CLI_FAILED);
	}
	*equals = 0;
	args->list[args->n++] = (struct object_arg){ option, objects->n, arg, equals + 1 };
}

static int check_place(const struct object_arg *arg, const struct strings *objects)
{
	const char *option = options[arg->option].name;

	if (!objects->n)
		cli_error("%s %s needs an object: add --object FILE before it", option, arg->name);
	else if (!arg->object && objects->n > 1)
		cli_error("%s %s comes before all objects: put it behind the --object that it "
			  "belongs to",
			  option, arg->name);
	else
		return 0;
	return -EINVAL;
}

static int apply(const struct object_arg *arg, struct nr_collector *c)
{
	unsigned object = arg->object ? arg->object - 1 : 0;

	switch (arg->option) {
	case OBJECT_SET:
		return nr_collector_set(c, object, arg->name, arg->value);
	}
	return -EINVAL;
}

int object_args_apply(struct object_args *args, const struct strings *objects,
		      struct nr_collector *c)
{
	int err = 0;

	for (unsigned i = 0; !err && i < args->n; i++)
		err = check_place(&args->list[i], objects) ?: apply(&args->list[i], c);
	return err;
}
