/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fake_ring.h"

static void die_if(int failed, const char *what)
{
	if (!failed)
		return;
	perror(what);
	abort();
}

static size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

void fake_ring_open(struct fake_ring *fake, size_t size, uint64_t start)
{
	struct nr_ring ring;

	if (size % page_size()) {
		printf("the rings of this test are smaller than a page of %zu bytes\n",
		       page_size());
		exit(77);
	}
	memset(fake, 0, sizeof(*fake));
	fake->size = size;
	fake->fd = memfd_create("ring", MFD_CLOEXEC);
	die_if(fake->fd < 0, "memfd_create");
	die_if(ftruncate(fake->fd, 2 * page_size() + size), "ftruncate");
	fake_ring_map(fake, &ring);
	atomic_store(ring.consumer, start);
	fake_ring_produce_to(fake, start);
	nr_ring_unmap(&ring);
}

void fake_ring_close(struct fake_ring *fake)
{
	close(fake->fd);
}

void fake_ring_map(struct fake_ring *fake, struct nr_ring *ring)
{
	size_t page = page_size(), size = fake->size;
	int rw = PROT_READ | PROT_WRITE;
	uint8_t *base = mmap(NULL, 2 * page + 2 * size, rw, MAP_SHARED, fake->fd, 0);
	uint8_t *again = base + 2 * page + size;

	die_if(base == MAP_FAILED, "mmap");
	die_if(mmap(again, size, rw, MAP_SHARED | MAP_FIXED, fake->fd, 2 * page) != again, "mmap");
	*ring = (struct nr_ring){
		.data = base + 2 * page,
		.size = size,
		.mask = size - 1,
		.consumer = (void *)base,
		.producer = (void *)(base + page),
		.page = page,
	};
	fake->view = *ring;
}

uint64_t fake_ring_produced(const struct fake_ring *fake)
{
	return atomic_load_explicit(fake->view.producer, memory_order_relaxed);
}

/* Acquire: the consumer's reads of released memory come before our writes. */
uint64_t fake_ring_consumed(const struct fake_ring *fake)
{
	return atomic_load_explicit(fake->view.consumer, memory_order_acquire);
}

void fake_ring_produce_to(struct fake_ring *fake, uint64_t pos)
{
	atomic_store_explicit((_Atomic(uint64_t) *)fake->view.producer, pos, memory_order_release);
}

static _Atomic(uint32_t) *header_of(const void *payload)
{
	return (_Atomic(uint32_t) *)((uint8_t *)payload - NR_RING_HEADER);
}

static void lock(struct fake_ring *fake)
{
	while (atomic_flag_test_and_set_explicit(&fake->lock, memory_order_acquire))
		sched_yield();
}

static void unlock(struct fake_ring *fake)
{
	atomic_flag_clear_explicit(&fake->lock, memory_order_release);
}

void *fake_ring_reserve(struct fake_ring *fake, uint32_t length)
{
	uint64_t step = ((uint64_t)length + NR_RING_HEADER + 7) & ~7ull, pos;
	uint8_t *header = NULL;

	lock(fake);
	pos = fake_ring_produced(fake);
	if (pos + step - fake_ring_consumed(fake) <= fake->view.mask) {
		header = fake->view.data + (pos & fake->view.mask);
		atomic_store_explicit((_Atomic(uint32_t) *)header, length | NR_RING_BUSY,
				      memory_order_relaxed);
		fake_ring_produce_to(fake, pos + step);
	}
	unlock(fake);
	return header ? header + NR_RING_HEADER : NULL;
}

void fake_ring_lie(void *payload, uint32_t word)
{
	atomic_exchange(header_of(payload), word);
}

void fake_ring_submit(void *payload)
{
	fake_ring_lie(payload, *header_of(payload) & ~NR_RING_BUSY);
}

void fake_ring_discard(void *payload)
{
	fake_ring_lie(payload, (*header_of(payload) & ~NR_RING_BUSY) | NR_RING_DISCARD);
}

uint64_t fake_ring_pos(const struct fake_ring *fake, const void *payload)
{
	uint64_t offset = (const uint8_t *)payload - NR_RING_HEADER - fake->view.data;
	uint64_t consumed = fake_ring_consumed(fake);

	return consumed + ((offset - consumed) & fake->view.mask);
}

void *fake_ring_put(struct fake_ring *fake, uint64_t ts, uint16_t cpu, uint32_t payload)
{
	struct nr_record *rec = fake_ring_reserve(fake, sizeof(*rec) + payload);

	if (!rec)
		return NULL;
	*rec = (struct nr_record){ .ts = ts, .cpu = cpu };
	fake_ring_submit(rec);
	return rec + 1;
}
