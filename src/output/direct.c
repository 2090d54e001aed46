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
 * MB/s). Then it gets no direct writes for PAUSE_NS. */
#define MANY	 8
#define SLOW_NS	 25
#define PAUSE_NS 10000000000ull

/* File systems that do not tell their alignment (before Linux 6.1: none does) get no direct writes. */
void nr_direct_init(struct nr_direct *d, int fd)
{
	struct statx st;

	*d = (struct nr_direct){};
	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &st) || !(st.stx_mask & STATX_DIOALIGN) ||
	    !st.stx_dio_offset_align || st.stx_dio_mem_align > BLOCK)
		return;
	d->block = st.stx_dio_offset_align > BLOCK ? st.stx_dio_offset_align : BLOCK;
	if (d->block > ROOM / 8)
		d->block = 0;
}

void nr_direct_free(struct nr_direct *d)
{
	free(d->room);
	*d = (struct nr_direct){};
}

bool nr_direct_suits(struct nr_direct *d, size_t size, unsigned waiting)
{
	uint64_t now;

	if (!d->block || size < LEAST)
		return false;
	now = nr_clock_now();
	if (waiting > MANY)
		d->pause = now + PAUSE_NS;
	return now >= d->pause;
}

/* The flags of the descriptor change, so that there need not be a second one: not every process can
 * open its files again (/proc). With O_APPEND, the kernel would ignore the offset. */
static int write_blocks(struct nr_direct *d, int fd, size_t size)
{
	uint64_t began = nr_clock_now(), now;
	int err = fcntl(fd, F_SETFL, O_DIRECT) ? -errno : nr_write_all(fd, d->room, size, d->from);

	if (fcntl(fd, F_SETFL, O_APPEND) && !err)
		err = -errno;
	now = nr_clock_now();
	if (now - began > size * SLOW_NS)
		d->pause = now + PAUSE_NS;
	return err;
}

/* Fills the room from the data and writes its whole blocks. Returns how much of the data it took. */
static ssize_t write_some(struct nr_direct *d, int fd, const uint8_t *data, size_t size)
{
	size_t n = size < ROOM - d->held ? size : ROOM - d->held, whole;
	int err;

	memcpy(d->room + d->held, data, n);
	d->held += n;
	whole = d->held / d->block * d->block;
	err = whole ? write_blocks(d, fd, whole) : 0;
	if (err)
		return err;
	d->from += whole;
	d->held -= whole;
	memmove(d->room, d->room + whole, d->held);
	return n;
}

/* The room has to begin with the end of the file, which is a part of a block. */
static int prepare(struct nr_direct *d, int fd, uint64_t off)
{
	ssize_t n;

	d->room = d->room ?: aligned_alloc(BLOCK, ROOM);
	if (!d->room)
		return -EINVAL;
	if (d->from + d->held == off)
		return 0;
	d->held = off % d->block;
	d->from = off - d->held;
	n = nr_read_at(fd, d->room, d->held, d->from);
	return n < 0 ? n : n == (ssize_t)d->held ? 0 : -ESTALE;
}

static int append(struct nr_direct *d, int fd, const uint8_t *data, size_t size, uint64_t off)
{
	int err = prepare(d, fd, off);

	while (!err && size) {
		ssize_t n = write_some(d, fd, data, size);

		if (n < 0)
			return n;
		data += n;
		size -= n;
	}
	return err ?: nr_write_all(fd, d->room, d->held, d->from);
}

int nr_direct_append(struct nr_direct *d, int fd, const void *data, size_t size, uint64_t off)
{
	int err = append(d, fd, data, size, off);

	if (err)
		d->from = d->held = 0; /* unknown */
	return err;
}
