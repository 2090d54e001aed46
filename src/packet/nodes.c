// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "nodes.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The least node above the last one, which is -1 before the first; -1: there is none. */
static int64_t next_node(const uint32_t *nodes, unsigned n_cpus, int64_t last)
{
	int64_t next = -1;

	for (unsigned cpu = 0; cpu < n_cpus; cpu++)
		if (nodes[cpu] != UINT32_MAX && nodes[cpu] > last &&
		    (next < 0 || nodes[cpu] < next))
			next = nodes[cpu];
	return next;
}

static void write_cpus(FILE *out, const uint32_t *nodes, unsigned n_cpus, uint32_t node)
{
	const char *before = "";

	for (unsigned cpu = 0, first; cpu < n_cpus; cpu++) {
		if (nodes[cpu] != node)
			continue;
		first = cpu;
		while (cpu + 1 < n_cpus && nodes[cpu + 1] == node)
			cpu++;
		fprintf(out, cpu > first ? "%s%u-%u" : "%s%u", before, first, cpu);
		before = ",";
	}
}

void nr_nodes_write(FILE *out, const uint32_t *nodes, unsigned n_cpus)
{
	const char *before = "";

	for (int64_t node = next_node(nodes, n_cpus, -1); node >= 0;
	     node = next_node(nodes, n_cpus, node)) {
		fprintf(out, "%s%u:", before, (unsigned)node);
		write_cpus(out, nodes, n_cpus, node);
		before = " ";
	}
}

/* Moves *p past a number that is less than end. */
static bool take_number(const char **p, unsigned long end, unsigned long *number)
{
	char *rest;

	if (!isdigit((unsigned char)**p))
		return false;
	errno = 0;
	*number = strtoul(*p, &rest, 10);
	*p = rest;
	return !errno && *number < end;
}

/* "0-3,8-11" */
static bool take_cpus(const char **p, uint32_t node, uint32_t *nodes, unsigned *n_cpus)
{
	unsigned long first, last;

	do {
		if (!take_number(p, NR_CPUS_MAX, &first))
			return false;
		last = first;
		if (**p == '-' && (++*p, !take_number(p, NR_CPUS_MAX, &last)))
			return false;
		for (unsigned long cpu = first; cpu <= last; cpu++)
			nodes[cpu] = node;
		*n_cpus = last >= *n_cpus ? last + 1 : *n_cpus;
	} while (**p == ',' && ++*p);
	return true;
}

static bool take_nodes(const char *p, uint32_t *nodes, unsigned *n_cpus)
{
	unsigned long node;

	while (*p) {
		if (!take_number(&p, UINT32_MAX, &node) || *p++ != ':' ||
		    !take_cpus(&p, node, nodes, n_cpus))
			return false;
		if (*p && *p++ != ' ')
			return false;
	}
	return true;
}

int nr_nodes_read(const char *text, uint32_t **out, unsigned *n_cpus)
{
	uint32_t *nodes = malloc(NR_CPUS_MAX * sizeof(*nodes)), *less;
	unsigned n = 0;

	if (!nodes)
		return -ENOMEM;
	memset(nodes, 0xff, NR_CPUS_MAX * sizeof(*nodes));
	if (!take_nodes(text, nodes, &n) || !n) {
		free(nodes);
		return -EINVAL;
	}
	less = realloc(nodes, n * sizeof(*nodes));
	*out = less ?: nodes;
	*n_cpus = n;
	return 0;
}
