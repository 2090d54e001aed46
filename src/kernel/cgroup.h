/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds a cgroup of version 2 by its path. */
#ifndef NR_CGROUP_H
#define NR_CGROUP_H

#include <stdint.h>
#include "base/log.h"

struct nr_cgroup {
	uint64_t id;	/* 0: none */
	uint32_t level; /* below the root cgroup, which has 0 */
};

/* path: of its directory, or below the place where cgroup2 is mounted. 0, or a negative errno,
 * logged. */
int nr_cgroup_find(struct nr_cgroup *out, const char *path, const struct nr_logger *log);
/* Opens its directory. The descriptor, or a negative errno, logged. */
int nr_cgroup_open(const char *path, const struct nr_logger *log);

#endif
