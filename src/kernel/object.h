/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One BPF object of a collector: what events it declares, and its way from a file to attached
 * programs.
 */
#ifndef NR_OBJECT_H
#define NR_OBJECT_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include "base/log.h"
#include "events.h"
#include "maps.h"

struct nr_object {
	const char *name; /* for messages */
	char *own_name;	  /* what name points to, if it is ours to free */
	struct bpf_object *obj;
	bool own_obj; /* ours to close */
	struct bpf_link **links;
	unsigned n_links;
};

/* Values for the constants of numaring.bpf.h in an object. */
struct nr_object_config {
	uint16_t id_base;
	uint32_t only_tgid[NR_PIDS_MAX]; /* up to the first 0 */
	uint32_t hidden_tgid;
};

/* From a file or from memory; a child process tries it first. _own: it was built with this library,
 * and is trusted. _adopt: its author opened it. */
int nr_object_open(struct nr_object *o, const char *path, const struct nr_logger *log);
int nr_object_open_mem(struct nr_object *o, const char *name, const void *data, size_t size,
		       const struct nr_logger *log);
int nr_object_open_own(struct nr_object *o, const char *name, const void *data, size_t size,
		       const struct nr_logger *log);
int nr_object_adopt(struct nr_object *o, struct bpf_object *obj, const struct nr_logger *log);
/* -EBUSY: a program of it is loaded already. */
int nr_object_check_unloaded(const struct nr_object *o, const struct nr_logger *log);

/* Enters the events it declares into types: all of them, or none. */
int nr_object_types(const struct nr_object *o, uint16_t id_base, struct nr_types *types,
		    const struct nr_logger *log);
int nr_object_load(struct nr_object *o, const struct nr_maps *maps,
		   const struct nr_object_config *config, const struct nr_logger *log);
/* Says which programs a grace period does not wait for (I3). */
void nr_object_warn_sleepable(const struct nr_object *o, const struct nr_logger *log);
int nr_object_attach(struct nr_object *o, const struct nr_logger *log);
void nr_object_detach(struct nr_object *o);
void nr_object_close(struct nr_object *o);

#endif
