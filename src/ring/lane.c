// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "lane.h"

static size_t in_pages(size_t bytes)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

static int map(uint8_t **to, int fd, size_t bytes, int prot)
{
	void *p = mmap(NULL, in_pages(bytes), prot, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	*to = p;
	return 0;
}

int nr_arena_map(struct nr_arena *arena, int data_fd, int commits_fd)
{
	int err = map(&arena->data, data_fd, nr_arena_bytes(arena), PROT_READ);

	if (!err)
		err = map(&arena->commits, commits_fd, nr_arena_granules(arena),
			  PROT_READ | PROT_WRITE);
	if (err)
		nr_arena_unmap(arena);
	return err;
}

void nr_arena_unmap(struct nr_arena *arena)
{
	if (arena->data)
		munmap(arena->data, in_pages(nr_arena_bytes(arena)));
	if (arena->commits)
		munmap(arena->commits, in_pages(nr_arena_granules(arena)));
	memset(arena, 0, sizeof(*arena));
}
