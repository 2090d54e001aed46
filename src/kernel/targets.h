/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a user attaches programs to, if the section of a program does not name it: a network
 * interface, a counter, functions by a pattern...
 */
#ifndef NR_TARGETS_H
#define NR_TARGETS_H

#include "object.h"

/* Remembers where a program will be attached. -ENOENT: there is no such program or target; -EINVAL:
 * the text is wrong; -EOPNOTSUPP: programs of this type cannot be attached; logged. */
int nr_targets_add(struct nr_object *o, const char *program, const char *text,
		   const struct nr_logger *log);

#define NR_NO_TARGET 1

/* Attaches a program to its targets, and an iterator without one. 0, a negative errno, logged, or
 * NR_NO_TARGET. */
int nr_targets_attach(struct nr_object *o, struct bpf_program *prog, const struct nr_logger *log);
/* What a program that libbpf cannot attach needs, for a message. */
const char *nr_targets_advice(const struct bpf_program *prog, char *buf, size_t size);
/* NULL, or a program that would share the rings with one in NMIs. */
const char *nr_targets_beside_nmi(const struct nr_object *o);

/* Runs the object's iterators that run at the start of a recording, or at its end. */
int nr_iterators_run(struct nr_object *o, bool at_end, const struct nr_logger *log);

#endif
