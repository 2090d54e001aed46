/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Probes in functions of the kernel (kprobes) and of processes (uprobes), and USDT probes: objects
 * whose programs are attached to up to NR_PROBE_MAX of them. */
#ifndef NR_PROBES_H
#define NR_PROBES_H

#include "object.h"

struct nr_probe_spec;

bool nr_kernel_has_kprobes(void);
/* Does a specification begin as one of a probe? */
bool nr_probe_is_spec(const char *spec);
int nr_probes_open(struct nr_object *o, const struct nr_logger *log);
/* Is this an object of nr_probes_open that has room for one more? */
bool nr_probes_have_room(const struct nr_object *o);
/* Adds the probe of a specification (probe_spec.h), and its event type to types. Errors are logged:
 * -EINVAL: the specification is wrong; -ENOENT: there is no such USDT probe; others of the system. */
int nr_probes_add(struct nr_object *o, const char *spec, uint16_t id_base, struct nr_types *types,
		  const struct nr_logger *log);
/* Attaches a program of the object to one probe. Errors are logged. */
int nr_probe_attach(struct nr_object *o, struct bpf_program *prog, const struct nr_probe_spec *s,
		    uint64_t cookie, const struct nr_logger *log);

#endif
