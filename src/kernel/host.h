/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What numaring needs from this host, and properties of the host. */
#ifndef NR_HOST_H
#define NR_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/log.h"

#define NR_KERNEL_BTF "/sys/kernel/btf/vmlinux"

/* nr_host_is_old() knows the version too. */
#define NR_KERNEL_NEEDED "Linux 5.18 or newer is needed"

/* Checks what is needed. -EPERM: no permission to use BPF; -EOPNOTSUPP: the kernel is too old, has
 * no BTF, or sysfs is not mounted. */
int nr_host_check(const struct nr_logger *log);

/* May this process read the files that others have mapped (/proc/PID/map_files)? */
bool nr_host_may_read_mapped_files(void);

/* Is a kernel of this release ("5.15.0-91-generic") older than what numaring needs? Distributions
 * backport features, so use this to explain a failure, not to refuse a kernel. */
bool nr_host_is_old(const char *release);

/* Is this process in the host's initial PID or time namespace? */
bool nr_host_in_initial_pidns(void);
bool nr_host_in_initial_timens(void);

/* Writes the name of the kernel's clocksource to buf, "unknown" if it cannot be read. */
void nr_host_clocksource(char *buf, size_t size);

/* Returns how many of the pages from addr are on node, -1 if the kernel does not tell. *present,
 * unless NULL, is set to the number of pages that are in memory at all. */
long nr_host_pages_on_node(const void *addr, size_t pages, int node, size_t *present);

#endif
