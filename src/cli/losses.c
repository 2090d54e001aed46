/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "losses.h"

#define NR_CPUS (UINT16_MAX + 1)

struct losses_cpu {
	uint64_t lost; /* as its last record says */
	size_t first;  /* the first packet that may count its losses after that record */
};

struct losses_packet {
	uint64_t seq;
	uint64_t count; /* events_discarded */
	uint64_t least; /* the sum of all CPUs' losses at its end */
	uint64_t end;	/* time of its last record */
	int64_t slack;	/* how much more the next records allow, minus the same for the
			   previous packet */
};

int losses_open(struct losses *l)
{
	*l = (struct losses){ .cpus = calloc(NR_CPUS, sizeof(*l->cpus)) };
	return l->cpus ? 0 : -ENOMEM;
}

void losses_close(struct losses *l)
{
	free(l->cpus);
	free(l->packets);
	memset(l, 0, sizeof(*l));
}

static int add_packet(struct losses *l, const struct nr_packet_info *packet)
{
	struct losses_packet *grown;

	if (l->n && l->packets[l->n - 1].seq == packet->seq)
		return 0;
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		grown = reallocarray(l->packets, l->room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		l->packets = grown;
	}
	l->packets[l->n++] = (struct losses_packet){
		.seq = packet->seq, .count = packet->lost, .least = l->sum, .end = packet->end
	};
	return 0;
}

int losses_event(struct losses *l, const struct nr_event *ev, const struct nr_packet_info *packet)
{
	struct losses_cpu *cpu = &l->cpus[ev->rec->cpu];
	int err = add_packet(l, packet);
	int32_t more = ev->rec->lost - (uint32_t)cpu->lost;

	if (err)
		return err;
	if (more > 0) {
		/* They happened after the CPU's previous record. Every packet that ended since
		 * then may count them. */
		if (cpu->first < l->n) {
			l->packets[cpu->first].slack += more;
			l->packets[l->n - 1].slack -= more;
		}
		cpu->lost += more;
		l->sum += more;
	}
	l->packets[l->n - 1].least = l->sum;
	/* A record reads the count after its time, so at its time the CPU had lost no more. A
	 * late record stands after its time, so its place is no bound. */
	if (!(ev->flags & NR_EVENT_LATE))
		cpu->first = ev->ts == packet->end ? l->n : l->n - 1;
	return 0;
}

static uint64_t excess(const struct losses_packet *p, uint64_t most)
{
	if (p->count < p->least)
		return p->least - p->count;
	return p->count > most ? p->count - most : 0;
}

uint64_t losses_misplaced(struct losses *l, const struct nr_packet_info *last)
{
	/* Losses with no later record of their CPU. Only the last packet counts them. */
	uint64_t silent = last && last->lost > l->sum ? last->lost - l->sum : 0;
	uint64_t misplaced = 0, before = 0, slack = 0;

	for (size_t i = 0; i < l->n; i++) {
		uint64_t now;

		slack += l->packets[i].slack;
		now = excess(&l->packets[i], l->packets[i].least + slack + silent);
		misplaced += now > before ? now - before : 0;
		before = now;
	}
	return misplaced;
}
