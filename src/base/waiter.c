// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "waiter.h"

static int watch(int epoll_fd, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

int nr_waiter_init(struct nr_waiter *w, int ring_fd)
{
	struct nr_waiter new = { .epoll_fd = -1, .event_fd = -1 };
	int err = 0;

	new.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	new.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (new.epoll_fd < 0 || new.event_fd < 0)
		err = -errno;
	if (!err)
		err = watch(new.epoll_fd, new.event_fd);
	if (!err && ring_fd >= 0)
		err = watch(new.epoll_fd, ring_fd);
	if (err)
		nr_waiter_destroy(&new);
	else
		*w = new;
	return err;
}

void nr_waiter_destroy(struct nr_waiter *w)
{
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	if (w->event_fd >= 0)
		close(w->event_fd);
	w->epoll_fd = w->event_fd = -1;
}

void nr_waiter_kick(struct nr_waiter *w)
{
	uint64_t one = 1;

	/* It cannot block. It fails only if the counter is full, and then the thread wakes up
	 * anyway. */
	(void)!write(w->event_fd, &one, sizeof(one));
}

void nr_waiter_wait(struct nr_waiter *w, unsigned timeout_ms)
{
	struct epoll_event evs[2];

	epoll_wait(w->epoll_fd, evs, 2, timeout_ms);
}
