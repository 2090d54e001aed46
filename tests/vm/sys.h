/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The machine as the kernel reports it, read independently and without hwloc. */
#ifndef SYS_H
#define SYS_H

#include <stdbool.h>
#include <stddef.h>

#define SYS_MAX 1024 /* CPUs and nodes */

struct sys_set {
	bool has[SYS_MAX];
	unsigned n;
};

/* Reads a list like "0-3,8". An invalid list ends the program. */
void sys_parse(struct sys_set *set, const char *list);

/* Reads such a list from the file's first line. */
void sys_read_set(struct sys_set *set, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Copies the value of a line "KEY:\tvalue" of a /proc file to buf. */
void sys_status(char *buf, size_t size, const char *path, const char *key);

/* Node of an online CPU. */
int sys_cpu_node(unsigned cpu);
int sys_cpu_package(unsigned cpu);

/* Distance of two online nodes. */
int sys_distance(unsigned from, unsigned to);

void sys_set_online(unsigned cpu, bool online);

/* Number of open files of this process. */
unsigned sys_count_files(void);

__attribute__((noreturn, format(printf, 1, 2))) void sys_die(const char *format, ...);

#endif
