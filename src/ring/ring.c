// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/bits.h"
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

int nr_ring_next(const struct nr_ring *ring, uint64_t *pos, uint64_t limit, struct nr_slot *slot)
{
	const uint8_t *header = ring->data + (*pos & ring->mask);
	uint32_t word, length;
	uint64_t step;

	/* Acquire: pairs with the xchg of the header in the kernel's commit, so the payload is
	 * complete once BUSY is cleared. */
	word = atomic_load_explicit((const _Atomic(uint32_t) *)header, memory_order_acquire);
	if (word & NR_RING_BUSY)
		return -EAGAIN;
	length = word & ~NR_RING_DISCARD;
	step = nr_round8((uint64_t)length + NR_RING_HEADER);
	if (step > limit - *pos)
		return -EBADMSG;
	*slot = (struct nr_slot){
		.payload = header + NR_RING_HEADER,
		.length = length,
		.discarded = word & NR_RING_DISCARD,
	};
	*pos += step;
	return 0;
}
