// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "ring.h"

int nr_ring_map(struct nr_ring *ring, int fd, size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *consumer, *producer;
	int err = 0;

	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, page);
	if (producer == MAP_FAILED) {
		err = -errno;
		goto out;
	}
	*ring = (struct nr_ring){
		.data = (uint8_t *)producer + page,
		.size = size,
		.mask = size - 1,
		.consumer = consumer,
		.producer = producer,
		.page = page,
	};
out:
	if (err)
		munmap(consumer, page);
	return err;
}

void nr_ring_unmap(struct nr_ring *ring)
{
	if (!ring->data)
		return;
	munmap((void *)ring->consumer, ring->page);
	munmap((void *)ring->producer, ring->page + 2 * ring->size);
	memset(ring, 0, sizeof(*ring));
}
