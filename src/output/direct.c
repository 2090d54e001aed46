// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/clock.h"
#include "base/file.h"
#include "direct.h"

/* Drives write pieces of this size whole, whatever they say. */
#define BLOCK 4096u

/* A direct write costs more than a buffered one per call, and less per byte: it pays from about 400
 * KiB on. */
#define LEAST (512u << 10)

/* Room for a packet of the usual size (1 MiB and a record) and a block; larger ones take several
 * writes. */
#define ROOM ((1u << 20) + (256u << 10))

/* The disk does not keep up if more packets wait than MANY, or a byte takes longer than SLOW_NS (40
 * MB/s). Then it gets no direct writes for a time that doubles if it fails again soon. */
#define MANY	 8
#define SLOW_NS	 25
#define REST_MIN 200000000ull
#define REST_MAX 12800000000ull

/* File systems that do not tell their alignment (before Linux 6.1: none does) get no direct writes. */
static size_t block_of(int fd)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &st) || !(st.stx_mask & STATX_DIOALIGN) ||
	    !st.stx_dio_offset_align || st.stx_dio_offset_align > ROOM / 8 ||
	    st.stx_dio_mem_align > BLOCK)
		return 0;
	return st.stx_dio_offset_align > BLOCK ? st.stx_dio_offset_align : BLOCK;
}

void nr_direct_init(struct nr_direct *d, int fd)
{
	*d = (struct nr_direct){ .block = block_of(fd) };
	d->tail = d->block ? malloc(d->block) : NULL;
	if (!d->tail)
		d->block = 0;
}

void nr_direct_free(struct nr_direct *d)
{
	free(d->room);
	free(d->tail);
	*d = (struct nr_direct){};
}

static void rest(struct nr_direct *d, uint64_t now)
{
	bool soon = d->rest && now - d->until < d->rest;

	d->rest = !soon ? REST_MIN : d->rest < REST_MAX ? 2 * d->rest : REST_MAX;
	d->until = now + d->rest;
}

bool nr_direct_suits(struct nr_direct *d, size_t size, unsigned waiting)
{
	uint64_t now;

	if (!d->block || size < LEAST)
		return false;
	now = nr_clock_now();
	if (now >= d->until && waiting > MANY)
		rest(d, now);
	return now >= d->until;
}

void nr_direct_note(struct nr_direct *d, const void *data, size_t size, uint64_t off)
{
	size_t tail;

	if (!d->block)
		return;
	tail = (off + size) % d->block;
	if (tail > size)
		memcpy(d->tail + tail - size, data, size);
	else
		memcpy(d->tail, (const uint8_t *)data + size - tail, tail);
}

/* The flags of the descriptor change, so that there need not be a second one: not every process can
 * open its files again (/proc). With O_APPEND, the kernel would ignore the offset. */
static int write_blocks(struct nr_direct *d, int fd, size_t size, uint64_t off)
{
	uint64_t began = nr_clock_now(), now;
	int err = fcntl(fd, F_SETFL, O_DIRECT) ? -errno : nr_write_all(fd, d->room, size, off);

	if (fcntl(fd, F_SETFL, O_APPEND) && !err)
		err = -errno;
	now = nr_clock_now();
	if (now - began > size * SLOW_NS)
		rest(d, now);
	return err;
}

int nr_direct_append(struct nr_direct *d, int fd, const void *data, size_t size, uint64_t off)
{
	size_t held = off % d->block, taken = 0, n, whole;
	int err = 0;

	d->room = d->room ?: aligned_alloc(BLOCK, ROOM);
	if (!d->room)
		return -EINVAL;
	off -= held;
	memcpy(d->room, d->tail, held);
	while (!err && taken < size) {
		n = size - taken < ROOM - held ? size - taken : ROOM - held;
		memcpy(d->room + held, (const uint8_t *)data + taken, n);
		taken += n;
		whole = (held + n) / d->block * d->block;
		held = held + n - whole;
		err = whole ? write_blocks(d, fd, whole, off) : 0;
		off += whole;
		memmove(d->room, d->room + whole, held);
	}
	return err ?: nr_write_all(fd, d->room, held, off);
}
