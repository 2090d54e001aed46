/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The nodes of the CPUs as a line of the metadata: "0:0-3,8-11 1:4-7". */
#ifndef NR_PACKET_NODES_H
#define NR_PACKET_NODES_H

#include <stdint.h>
#include <stdio.h>

/* Numbers of the kernel are below. */
#define NR_CPUS_MAX 65536u

/* Writes the nodes of n_cpus CPUs; UINT32_MAX: unknown. */
void nr_nodes_write(FILE *out, const uint32_t *nodes, unsigned n_cpus);
/* Reads them back, up to the last CPU whose node is known, to *nodes, malloc'ed. -EINVAL: the text
 * is none of nr_nodes_write; -ENOMEM. */
int nr_nodes_read(const char *text, uint32_t **nodes, unsigned *n_cpus);

#endif
