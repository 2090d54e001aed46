/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What this host must offer, and what it is. */
#ifndef NR_HOST_H
#define NR_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/log.h"

#define NR_KERNEL_BTF "/sys/kernel/btf/vmlinux"

/* 0; -EPERM: capabilities are missing; -EOPNOTSUPP: the kernel is too old or has no BTF. */
int nr_host_check(const struct nr_logger *log);

/* A kernel of this release ("5.15.0-91-generic") need not have what we use. It may: distributions
 * carry changes back, so this explains a failure and is no reason to refuse. */
bool nr_host_is_old(const char *release);

/* Is this process in the host's initial PID or time namespace? */
bool nr_host_in_initial_pidns(void);
bool nr_host_in_initial_timens(void);

/* Name of the kernel's clocksource, "unknown" if it does not say. */
void nr_host_clocksource(char *buf, size_t size);

/* How many of the pages from addr lie on node; -1: the kernel does not tell. *present, unless NULL,
 * becomes the number of those that lie anywhere. */
long nr_host_pages_on_node(const void *addr, size_t pages, int node, size_t *present);

#endif
