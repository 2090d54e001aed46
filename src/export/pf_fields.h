/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The fields of events as arguments: structs as dictionaries, arrays as lists, enums by name. */
#ifndef NR_EXPORT_PF_FIELDS_H
#define NR_EXPORT_PF_FIELDS_H

#include <numaring/event.h>
#include "pf_out.h"

/* The fields of a type or of a struct, found once. */
struct pf_fields {
	struct pf_field *list;
	unsigned n;
};

/* parent NULL: of the type. */
void pf_fields_open(struct pf_fields *f, const struct nr_types *types, uint16_t id,
		    const struct nr_field_info *parent);
void pf_fields_close(struct pf_fields *f);

/* Adds all fields of an event but the one named except (NULL: none). */
void pf_fields_add(struct pf_out *o, struct pf_args *args, struct pf_fields *f,
		   const struct nr_event *ev, const char *except);

#endif
