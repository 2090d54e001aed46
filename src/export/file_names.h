/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The names of files that have the events of one type each. Characters other than letters, digits and
 * '_' become '-'. Names that some file system takes for equal get a number: "-2" for the second.
 */
#ifndef NR_FILE_NAMES_H
#define NR_FILE_NAMES_H

#include <numaring/event.h>

/* The name of records that belong to no type. */
#define FILE_NAMES_RAW "numaring:raw"

/* A table, which all ids of one type name share. */
struct file_name {
	char *name;	/* without an ending */
	uint16_t id;	/* the first of the type; NR_NO_TYPE: of no type */
	void *contents; /* for the format; NULL at first */
};

struct file_names;

/* For all types that may come. Returns 0 or -ENOMEM. */
int file_names_new(struct file_names **out, const struct nr_types *types);
void file_names_free(struct file_names *n); /* takes NULL */
/* The table of an event with this id. */
struct file_name *file_names_of(const struct file_names *n, uint16_t id);
/* Table i, from 0, in order of ids; NULL: there are no more. */
struct file_name *file_names_at(const struct file_names *n, size_t i);

#endif
