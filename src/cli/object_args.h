/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Options that belong to an --object. Each belongs to the object before it; if there is only one
 * object, it may also come before that. */
#ifndef NR_OBJECT_ARGS_H
#define NR_OBJECT_ARGS_H

#include <numaring/numaring.h>
#include "events_args.h"

enum object_option {
	OBJECT_SET,    /* --set NAME=VALUE */
	OBJECT_ATTACH, /* --attach PROGRAM=TARGET */
	OBJECT_SHOW,   /* --show-map NAME */
};

struct object_arg {
	enum object_option option;
	unsigned object; /* of how many before it the last one is meant; 0: it came first */
	char *name;	 /* before the =, or all of it */
	char *value;	 /* after it */
};

struct object_args {
	struct object_arg *list;
	unsigned n;
};

/* Exits with CLI_USAGE if the argument has not the form of its option. */
void object_args_add(struct object_args *args, enum object_option option,
		     const struct strings *objects, char *arg);
/* After all objects were added. 0, or a negative errno after a message: an option is wrong. */
int object_args_apply(struct object_args *args, const struct strings *objects,
		      struct nr_collector *c);
/* After the recording: prints the maps of --show-map. 0, or a negative errno after a message. */
int object_args_show(const struct object_args *args, struct nr_collector *c, FILE *out);

#endif
