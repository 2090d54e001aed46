// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "gaps.h"
#include "lines.h"

#define LINES_MAX 10

static int add(struct gaps *g, const struct gap *gap)
{
	if (g->n == g->room) {
		size_t room = g->room ? 2 * g->room : 16;
		struct gap *grown = reallocarray(g->list, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		g->list = grown;
		g->room = room;
	}
	g->list[g->n++] = *gap;
	return 0;
}

void gaps_begin(struct gaps *g, const struct nr_packet_info *before)
{
	g->seq = before->seq;
	g->last = before->end;
}

int gaps_packet(struct gaps *g, const struct nr_packet_info *packet)
{
	const struct gap gap = {
		.packets = packet->missed_packets - g->packets,
		.events = packet->missed_events - g->events,
		.damaged = packet->damaged_packets - g->damaged,
		.begin = g->last,
		.end = packet->begin,
	};

	if (packet->seq == g->seq)
		return 0;
	g->seq = packet->seq;
	g->last = packet->end;
	g->packets = packet->missed_packets;
	g->events = packet->missed_events;
	g->damaged = packet->damaged_packets;
	return gap.packets ? add(g, &gap) : 0;
}

void gaps_close(struct gaps *g)
{
	free(g->list);
	memset(g, 0, sizeof(*g));
}

static void print_gap(FILE *out, const struct gap *gap, int64_t clock_offset)
{
	char begin[32], end[32];

	fprintf(out, "gap: %s", gap->damaged ? "damage took" : "missed");
	if (gap->events || !gap->damaged)
		fprintf(out, " %" PRIu64 " event%s in", gap->events, cli_plural(gap->events));
	fprintf(out, " %" PRIu64 " packet%s between %s and %s\n", gap->packets,
		cli_plural(gap->packets),
		lines_time(begin, sizeof(begin), gap->begin, clock_offset),
		lines_time(end, sizeof(end), gap->end, clock_offset));
}

void gaps_print(FILE *out, const struct gaps *g, int64_t clock_offset)
{
	size_t shown = g->n > LINES_MAX ? LINES_MAX : g->n;

	for (size_t i = 0; i < shown; i++)
		print_gap(out, &g->list[i], clock_offset);
	if (shown < g->n)
		fprintf(out, "... and %zu more gap%s: --json lists all of them\n", g->n - shown,
			cli_plural(g->n - shown));
}
