/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One BPF object of a collector, from opening it to attaching and detaching its programs. */
#ifndef NR_OBJECT_H
#define NR_OBJECT_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include "base/log.h"
#include "cgroup.h"
#include "events.h"
#include "maps.h"

struct nr_object {
	const char *name; /* for messages */
	char *own_name;	  /* freed with the object; NULL if name belongs to somebody else */
	struct bpf_object *obj;
	bool own_obj; /* closed with the object */
	bool user;    /* not one of the built-in sources */
	/* The object's BTF with more names; NULL: its own says it all. */
	struct btf *named;
	struct bpf_link **links;
	unsigned n_links;
	struct nr_target *targets; /* where programs are attached, beside their sections */
	unsigned n_targets;
	struct nr_tc *tcs; /* attached programs of tc */
	unsigned n_tcs;
	struct nr_iterator *iterators; /* attached iterators */
	unsigned n_iterators;
	/* An object whose programs libbpf cannot attach by their sections has its own ways: attach
	 * is called for each program instead, and adds links with nr_object_link; close frees ctx.
	 * All are NULL for other objects. */
	int (*attach)(struct nr_object *o, struct bpf_program *prog, const struct nr_logger *log);
	void (*close)(void *ctx);
	void *ctx;
	bool nmi;   /* its programs run in NMIs (I8) */
	bool tests; /* its programs run nr_tests for all their events */
	bool idle;  /* the filter leaves out all its events: it is neither loaded nor attached */
};

/* Values for the constants that numaring.bpf.h declares. */
struct nr_object_config {
	uint16_t id_base;
	uint32_t only_tgid[NR_PIDS_MAX]; /* ends at the first 0 */
	uint32_t hidden_tgid;
	struct nr_cgroup cgroup; /* id 0: all tasks */
	bool follow;		 /* only the processes of --follow (follow.h) */
	/* Of the object's first NR_FILTER_TYPES types, NR_FILTER_TESTS each. */
	struct nr_test tests[NR_FILTER_TYPES * NR_FILTER_TESTS];
};

/* Opens an object from a file or from memory, after a child process has tried to load it. _own
 * opens a built-in one, which is trusted and needs no trial. _adopt takes one that the user opened.
 */
int nr_object_open(struct nr_object *o, const char *path, const struct nr_logger *log);
int nr_object_open_mem(struct nr_object *o, const char *name, const void *data, size_t size,
		       const struct nr_logger *log);
int nr_object_open_own(struct nr_object *o, const char *name, const void *data, size_t size,
		       const struct nr_logger *log);
int nr_object_adopt(struct nr_object *o, struct bpf_object *obj, const struct nr_logger *log);
/* Returns -EBUSY if the object is already loaded: its user, or another collector, may load an
 * object at any time before we do. */
int nr_object_check_unloaded(const struct nr_object *o, const struct nr_logger *log);

/* The map with the variables of a section, such as ".rodata". NULL: there is none. */
struct bpf_map *nr_object_section(const struct nr_object *o, const char *section);
/* Sets a constant of numaring.bpf.h or of a built-in source, before the object is loaded. If the
 * object does not have the constant, nothing happens. */
int nr_object_set(struct nr_object *o, const char *name, const void *value, size_t size);

/* Adds its events to types: all of them, or none on failure. */
int nr_object_types(const struct nr_object *o, uint16_t id_base, struct nr_types *types,
		    const struct nr_logger *log);
int nr_object_load(struct nr_object *o, const struct nr_maps *maps,
		   const struct nr_object_config *config, const struct nr_logger *log);
/* Has it a program that a grace period does not wait for? */
bool nr_object_may_sleep(const struct nr_object *o);
/* Warns of programs that a grace period does not wait for (I3). */
void nr_object_warn_sleepable(const struct nr_object *o, const struct nr_logger *log);
int nr_object_attach(struct nr_object *o, const struct nr_logger *log);
/* How often the kernel did not run one of its programs, because another ran on the same CPU. */
uint64_t nr_object_skipped_runs(const struct nr_object *o);
/* Keeps a link until the object is detached. -ENOMEM: destroys it. */
int nr_object_link(struct nr_object *o, struct bpf_link *link);
void nr_object_detach(struct nr_object *o);
void nr_object_close(struct nr_object *o);

#endif
