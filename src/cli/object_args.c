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
	[OBJECT_ATTACH] = { "--attach", "a program and where to attach it: use PROGRAM=TARGET" },
	[OBJECT_SHOW] = { "--show-map", "the name of a map" },
};

void object_args_add(struct object_args *args, enum object_option option,
		     const struct strings *objects, char *arg)
{
	char *value = option == OBJECT_SHOW ? arg + strlen(arg) : strchr(arg, '=');

	if (!value || value == arg)
		cli_refuse(arg, options[option].form);
	args->list = reallocarray(args->list, args->n + 1, sizeof(*args->list));
	if (!args->list) {
		cli_error("out of memory");
		exit(CLI_FAILED);
	}
	if (*value)
		*value++ = 0;
	args->list[args->n++] = (struct object_arg){ option, objects->n, arg, value };
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

static unsigned object_of(const struct object_arg *arg)
{
	return arg->object ? arg->object - 1 : 0;
}

static int apply(const struct object_arg *arg, struct nr_collector *c)
{
	unsigned object = object_of(arg);

	switch (arg->option) {
	case OBJECT_SET:
		return nr_collector_set(c, object, arg->name, arg->value);
	case OBJECT_ATTACH:
		return nr_collector_attach(c, object, arg->name, arg->value);
	case OBJECT_SHOW:
		return nr_collector_show_map(c, object, arg->name, NULL, NULL);
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

static int write_text(void *ctx, const char *text, size_t size)
{
	return fwrite(text, 1, size, ctx) == size ? 0 : -errno;
}

int object_args_show(const struct object_args *args, struct nr_collector *c, FILE *out)
{
	int err = 0;

	for (unsigned i = 0; !err && i < args->n; i++)
		if (args->list[i].option == OBJECT_SHOW)
			err = nr_collector_show_map(c, object_of(&args->list[i]),
						    args->list[i].name, write_text, out);
	return err;
}
