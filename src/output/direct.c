// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "base/clock.h"
#include "base/file.h"
#include "direct.h"
#include "packet/head.h"

/* A disk that does not keep up gets no direct writes for a time that doubles if it fails again soon. */
#define REST_MIN 200000000ull
#define REST_MAX 1600000000ull

/* File systems that do not tell their alignment (before Linux 6.1: none does) get no direct writes. */
void nr_direct_init(struct nr_direct *d, int fd)
{
	struct statx st;

	*d = (struct nr_direct){
		.off = statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &st) ||
		       !(st.stx_mask & STATX_DIOALIGN) || !st.stx_dio_offset_align ||
		       NR_BLOCK % st.stx_dio_offset_align || NR_BLOCK % st.stx_dio_mem_align,
	};
}

static void rest(struct nr_direct *d, uint64_t now)
{
	bool soon = d->rest && now - d->until < d->rest;

	d->rest = !soon ? REST_MIN : d->rest < REST_MAX ? 2 * d->rest : REST_MAX;
	d->until = now + d->rest;
}

bool nr_direct_suits(const struct nr_direct *d, const void *data, size_t size, uint64_t off)
{
	return !d->off && size >= NR_PADDED_FROM &&
	       ((uintptr_t)data | size | off) % NR_BLOCK == 0 && nr_clock_now() >= d->until;
}

/* The flags of the descriptor change, so that there need not be a second one: not every process can
 * open its files again (/proc). With O_APPEND, the kernel would ignore the offset. */
int nr_direct_write(struct nr_direct *d, int fd, const void *data, size_t size, uint64_t off,
		    uint64_t span)
{
	uint64_t began = nr_clock_now(), now;
	int err = fcntl(fd, F_SETFL, O_DIRECT) ? -errno : nr_write_all(fd, data, size, off);

	if (fcntl(fd, F_SETFL, O_APPEND) && !err)
		err = -errno;
	now = nr_clock_now();
	if (now - began > span / 2)
		rest(d, now);
	d->off = err == -EINVAL;
	return err;
}
