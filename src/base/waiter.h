/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A thread of the collector waits here for a timeout, a kick from another thread or, if it is a
 * consumer, a wake-up from its ring. Wake-ups are edge-triggered: a ring keeps its data until the
 * packet is written, so a level-triggered one would never be quiet.
 */
#ifndef NR_WAITER_H
#define NR_WAITER_H

struct nr_waiter {
	int epoll_fd;
	int event_fd;
};

/* ring_fd: -1 for none. */
int nr_waiter_init(struct nr_waiter *w, int ring_fd);
void nr_waiter_destroy(struct nr_waiter *w);
void nr_waiter_kick(struct nr_waiter *w); /* from any thread */
/* Sleeps until it is woken, at most timeout_ms. An earlier kick is not lost. */
void nr_waiter_wait(struct nr_waiter *w, unsigned timeout_ms);

#endif
