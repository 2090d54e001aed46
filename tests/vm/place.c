// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "place.h"

#define MAX_FILES 65536

static bool get_info(int fd, struct bpf_map_info *info)
{
	__u32 size = sizeof(*info);

	memset(info, 0, size);
	return !bpf_obj_get_info_by_fd(fd, info, &size);
}

int place_find_maps(const char *array)
{
	struct bpf_map_info info;

	for (int fd = 0; fd < MAX_FILES; fd++)
		if (get_info(fd, &info) && info.type == BPF_MAP_TYPE_ARRAY_OF_MAPS &&
		    !strcmp(info.name, array))
			return fd;
	sys_die("the collector has no %s", array);
}

/* A ring has two pages of positions before its data. */
static size_t count_pages(const struct bpf_map_info *info)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (info->type == BPF_MAP_TYPE_RINGBUF)
		return info->max_entries / page + 2;
	return ((size_t)info->max_entries * info->value_size + page - 1) / page;
}

static size_t count_strays(char *memory, size_t n, int node)
{
	size_t page = sysconf(_SC_PAGESIZE), strays = 0;
	void **pages = calloc(n, sizeof(*pages));
	int *nodes = calloc(n, sizeof(*nodes));

	if (!pages || !nodes)
		sys_die("no memory");
	for (size_t i = 0; i < n; i++)
		pages[i] = memory + i * page;
	if (syscall(SYS_move_pages, 0, n, pages, NULL, nodes, 0))
		sys_die("move_pages: %s", strerror(errno));
	for (size_t i = 0; i < n; i++)
		strays += nodes[i] != node;
	free(pages);
	free(nodes);
	return strays;
}

size_t place_strays(int maps, unsigned s, int node)
{
	size_t page = sysconf(_SC_PAGESIZE), n, strays;
	struct bpf_map_info info;
	uint32_t id = 0;
	int fd = -1;
	void *p;

	if (!bpf_map_lookup_elem(maps, &s, &id))
		fd = bpf_map_get_fd_by_id(id);
	if (fd < 0 || !get_info(fd, &info))
		sys_die("there is no map %u: %s", s, strerror(errno));
	n = count_pages(&info);
	p = mmap(NULL, n * page, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		sys_die("map %u cannot be mapped: %s", s, strerror(errno));
	strays = count_strays(p, n, node);
	munmap(p, n * page);
	close(fd);
	return strays;
}

void place_count_index(size_t on_node[SYS_MAX])
{
	FILE *f = fopen("/proc/self/numa_maps", "re");
	char line[4096], *rest, *word;

	if (!f)
		sys_die("cannot read /proc/self/numa_maps: %s", strerror(errno));
	memset(on_node, 0, SYS_MAX * sizeof(*on_node));
	/* "7f0123456000 local anon=3 dirty=3 N0=1 N2=2 kernelpagesize_kB=4" */
	while (fgets(line, sizeof(line), f)) {
		unsigned node;
		size_t pages;

		rest = strstr(line, " local ");
		while (rest && (word = strsep(&rest, " ")))
			if (sscanf(word, "N%u=%zu", &node, &pages) == 2 && node < SYS_MAX)
				on_node[node] += pages;
	}
	fclose(f);
}
