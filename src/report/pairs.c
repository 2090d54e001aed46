// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pairs.h"

#include <string.h>
#include "memory.h"

#define PAIRS_MAX  (1u << 18) /* that wait; then the oldest half is settled */
#define LOSSES_MAX 1024
#define STEP	   512 /* pairs between two looks at what is known */

static struct pair *at(const struct pairs *p, size_t i)
{
	return (struct pair *)(p->waiting + (p->first + i) % p->room * p->size);
}

void pairs_close(struct pairs *p)
{
	for (size_t i = 0; p->drop && i < p->n; i++)
		p->drop(at(p, i));
	free(p->waiting);
	free(p->losses);
}

/* The losses that begin before the pair's end. Pairs come in the order of their ends. */
static bool has_loss(struct pairs *p, const struct pair *pair)
{
	unsigned n = 0;

	while (n < p->n_losses && p->losses[n].begin < pair->end) {
		if (p->losses[n].end > p->reached)
			p->reached = p->losses[n].end;
		n++;
	}
	if (n) {
		p->n_losses -= n;
		memmove(p->losses, p->losses + n, p->n_losses * sizeof(*p->losses));
	}
	return p->reached > pair->begin;
}

static void settle_first(struct pairs *p)
{
	struct pair *pair = at(p, 0);
	bool lost = has_loss(p, pair), counts = !lost && !pair->split;

	p->settled = pair->end;
	p->counted += counts;
	p->left_out += lost;
	p->split += !lost && pair->split;
	if (counts)
		p->fn(p->ctx, pair);
	else if (p->drop)
		p->drop(pair);
	p->first = (p->first + 1) % p->room;
	p->n--;
}

void pairs_settle(struct pairs *p, bool all)
{
	uint64_t known = all ? UINT64_MAX : loss_known(p->loss);

	while (p->n && (all || at(p, 0)->end < known))
		settle_first(p);
}

static void grow(struct pairs *p)
{
	size_t room = p->room ? 2 * p->room : 2 * STEP;
	char *ring = memory_new(room, p->size);

	for (size_t i = 0; i < p->n; i++)
		memcpy(ring + i * p->size, at(p, i), p->size);
	free(p->waiting);
	p->waiting = ring;
	p->room = room;
	p->first = 0;
}

static void make_room(struct pairs *p)
{
	if (p->room < PAIRS_MAX) {
		grow(p);
		return;
	}
	for (size_t i = 0; i < PAIRS_MAX / 2; i++)
		settle_first(p);
}

void pairs_add(struct pairs *p, const struct pair *pair)
{
	if (++p->added % STEP == 0)
		pairs_settle(p, false);
	if (p->n == p->room)
		make_room(p);
	memcpy(at(p, p->n), pair, p->size);
	p->n++;
}

/* Too many to keep apart: the first two become one, which covers what is between them. */
static void join_first(struct pairs *p)
{
	struct pairs_loss *l = p->losses;

	l[1].begin = l[0].begin;
	if (l[0].end > l[1].end)
		l[1].end = l[0].end;
	p->n_losses--;
	memmove(l, l + 1, p->n_losses * sizeof(*l));
}

void pairs_lost(struct pairs *p, uint64_t begin, uint64_t end)
{
	unsigned i;

	if (begin < p->settled)
		p->late++;
	if (end > p->lost_until)
		p->lost_until = end;
	if (!p->losses)
		p->losses = memory_new(LOSSES_MAX, sizeof(*p->losses));
	if (p->n_losses == LOSSES_MAX)
		join_first(p);
	for (i = p->n_losses++; i && p->losses[i - 1].begin > begin; i--)
		p->losses[i] = p->losses[i - 1];
	p->losses[i] = (struct pairs_loss){ begin, end };
}
