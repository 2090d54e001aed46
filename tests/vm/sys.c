// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sys.h"

#define CPU_DIR	 "/sys/devices/system/cpu"
#define NODE_DIR "/sys/devices/system/node"

void sys_die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("FAIL: ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	_exit(1);
}

static void read_line(char *buf, size_t size, const char *path)
{
	FILE *f = fopen(path, "re");

	if (!f || !fgets(buf, size, f))
		sys_die("cannot read %s: %s", path, strerror(errno));
	buf[strcspn(buf, "\n")] = '\0';
	fclose(f);
}

void sys_parse(struct sys_set *set, const char *list)
{
	const char *p = list;

	memset(set, 0, sizeof(*set));
	while (*p) {
		char *end;
		unsigned long first = strtoul(p, &end, 10), last = first;

		if (end != p && *end == '-')
			last = strtoul(end + 1, &end, 10);
		if (end == p || first > last || last >= SYS_MAX || (*end && *end != ','))
			sys_die("\"%s\" is not a list", list);
		for (; first <= last; first++) {
			set->n += !set->has[first];
			set->has[first] = true;
		}
		p = *end ? end + 1 : end;
	}
}

void sys_read_set(struct sys_set *set, const char *format, ...)
{
	char path[256], line[4096] = "";
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	read_line(line, sizeof(line), path);
	sys_parse(set, line);
}

void sys_status(char *buf, size_t size, const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	char line[4096];
	size_t len = strlen(key);

	*buf = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, len) || line[len] != ':')
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(buf, size, "%s", line + len + 1 + strspn(line + len + 1, " \t"));
	}
	if (f)
		fclose(f);
	if (!*buf)
		sys_die("%s does not tell %s", path, key);
}

int sys_cpu_node(unsigned cpu)
{
	char path[64];
	struct dirent *entry;
	int node = -1;
	DIR *dir;

	snprintf(path, sizeof(path), CPU_DIR "/cpu%u", cpu);
	dir = opendir(path);
	while (dir && node < 0 && (entry = readdir(dir)))
		sscanf(entry->d_name, "node%d", &node);
	if (dir)
		closedir(dir);
	return node;
}

int sys_cpu_package(unsigned cpu)
{
	char path[128], line[32];

	snprintf(path, sizeof(path), CPU_DIR "/cpu%u/topology/physical_package_id", cpu);
	read_line(line, sizeof(line), path);
	return atoi(line);
}

/* The row has a number for each online node, in order of the nodes. */
int sys_distance(unsigned from, unsigned to)
{
	struct sys_set online;
	char path[128], line[8192], *rest = line;
	long distance = 0;

	sys_read_set(&online, NODE_DIR "/online");
	snprintf(path, sizeof(path), NODE_DIR "/node%u/distance", from);
	read_line(line, sizeof(line), path);
	for (unsigned node = 0; node <= to; node++)
		if (online.has[node])
			distance = strtol(rest, &rest, 10);
	return distance;
}

void sys_set_online(unsigned cpu, bool online)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), CPU_DIR "/cpu%u/online", cpu);
	f = fopen(path, "we");
	if (!f || fprintf(f, "%d", online) < 0 || fclose(f))
		sys_die("CPU %u does not go %s: %s", cpu, online ? "online" : "offline",
			strerror(errno));
}

unsigned sys_count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}
