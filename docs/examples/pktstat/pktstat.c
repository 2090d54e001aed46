// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * pktstat: counts the packets that go through this machine, by interface, direction, protocol, CPU
 * and node, with a histogram of their lengths, once a second.
 */
#include <getopt.h>
#include <numaring/numaring.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pktstat.h"

#define MAX_ROWS 1024
#define BUCKETS	 18 /* bucket i: below 2^i bytes; the last one: all longer packets */

/* pktstat.bpf.o, which the Makefile embeds into this program. */
extern const char _binary_pktstat_bpf_o_start[], _binary_pktstat_bpf_o_end[];

/* All packets of a second that differ only in length. */
struct row {
	struct packet packet; /* the first of them */
	unsigned cpu;
	uint64_t packets, bytes;
};

struct pktstat {
	uint64_t second; /* the current second, in the time of the events */
	struct row rows[MAX_ROWS];
	unsigned n_rows;
	uint64_t histogram[2][BUCKETS]; /* RECEIVED, SENT */
};

static const char *const direction_names[] = { [RECEIVED] = "received", [SENT] = "sent" };

static const char *protocol_name(enum protocol protocol)
{
	static char number[16];

	switch (protocol) {
	case IPV4:
		return "IPv4";
	case ARP:
		return "ARP";
	case IPV6:
		return "IPv6";
	default:
		snprintf(number, sizeof(number), "0x%04x", protocol);
		return number;
	}
}

static void print_row(const struct row *r)
{
	printf("  %-10.16s %-8s %-6s cpu %-3u node %-2u %9lu packets %11lu bytes\n",
	       r->packet.interface, direction_names[r->packet.direction == SENT],
	       protocol_name(r->packet.protocol), r->cpu, r->packet.node, r->packets, r->bytes);
}

static void print_histogram(const char *name, const uint64_t histogram[BUCKETS])
{
	uint64_t most = 1;

	for (int i = 0; i < BUCKETS; i++)
		most = histogram[i] > most ? histogram[i] : most;
	for (int i = 0; i < BUCKETS; i++)
		if (histogram[i])
			printf("  %-8s < %6u bytes %9lu %.*s\n", name, 1u << i, histogram[i],
			       (int)(40 * histogram[i] / most),
			       "########################################");
}

/* Prints the counts of the past second and resets them. */
static void print_second(struct pktstat *s)
{
	printf("second %lu\n", s->second);
	for (unsigned i = 0; i < s->n_rows; i++)
		print_row(&s->rows[i]);
	for (int d = RECEIVED; d <= SENT; d++)
		print_histogram(direction_names[d], s->histogram[d]);
	fflush(stdout);
	s->n_rows = 0;
	memset(s->histogram, 0, sizeof(s->histogram));
}

static bool same_row(const struct row *r, const struct packet *p, unsigned cpu)
{
	return r->cpu == cpu && r->packet.ifindex == p->ifindex &&
	       r->packet.direction == p->direction && r->packet.protocol == p->protocol;
}

/* Finds the packet's row, or adds one. If all rows are taken, returns the last row. */
static struct row *find_row(struct pktstat *s, const struct packet *p, unsigned cpu)
{
	unsigned i = 0;

	while (i < s->n_rows && !same_row(&s->rows[i], p, cpu))
		i++;
	if (i == MAX_ROWS)
		return &s->rows[MAX_ROWS - 1];
	if (i == s->n_rows) {
		s->rows[i] = (struct row){ .packet = *p, .cpu = cpu };
		s->n_rows++;
	}
	return &s->rows[i];
}

static void on_packet(struct pktstat *s, const struct nr_event *ev)
{
	const struct packet *p =
		ev->data; /* the struct that the BPF program filled, still in the ring */
	struct row *r = find_row(s, p, ev->rec->cpu);
	unsigned bucket = 0;

	r->packets++;
	r->bytes += p->bytes;
	while (bucket < BUCKETS - 1 && p->bytes >= 1u << bucket)
		bucket++;
	s->histogram[p->direction == SENT][bucket]++;
}

/*
 * Called with events in exact order, always by the same thread. The first event of a new second
 * means that the previous second is complete: no event of it can come any more. So no timer is
 * needed. This collector has one object with one event type, so every event is a packet.
 */
static int on_batch(void *ctx, const struct nr_batch *batch)
{
	struct pktstat *s = ctx;

	nr_batch_for_each (ev, batch) {
		uint64_t second = ev->ts / 1000000000; /* since boot */

		if (s->second && second != s->second)
			print_second(s);
		s->second = second;
		on_packet(s, ev);
	}
	return 0; /* a negative errno would end the recording */
}

static void on_log(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level <= NR_LOG_WARN)
		fprintf(stderr, "pktstat: %s\n", text);
}

static void on_signal(int signal)
{
	(void)signal; /* nothing to do: the signal makes poll return */
}

/* Returns when the time is over, at Ctrl-C, or when the collector fails. */
static void wait_for_end(const struct nr_collector *c, double seconds)
{
	struct pollfd fd = { .fd = nr_collector_fd(c), .events = POLLIN };

	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	poll(&fd, 1, seconds > 0 ? (int)(seconds * 1000) : -1);
}

static int run(struct nr_collector *c, struct pktstat *s, double seconds)
{
	struct nr_stats *stats;
	int err;

	/* The object shares the collector's rings. libbpf attaches it by its section names. */
	err = nr_collector_add_object_mem(c, "pktstat", _binary_pktstat_bpf_o_start,
					  _binary_pktstat_bpf_o_end - _binary_pktstat_bpf_o_start);
	if (!err)
		err = nr_collector_add_batch(c, on_batch, s, NULL);
	if (!err)
		err = nr_collector_start(c);
	if (err)
		return err;
	wait_for_end(c, seconds);
	err = nr_collector_stop(c); /* no callback runs after this, so its data is safe to read */
	if (s->second)
		print_second(s); /* the last, incomplete second */
	stats = nr_collector_stats(c);
	if (stats)
		printf("%lu packets, %lu lost\n", stats->events_written, stats->lost_total);
	nr_stats_free(stats);
	return err;
}

int main(int argc, char **argv)
{
	struct nr_collector_opts opts = { .sz = sizeof(opts), .log = on_log };
	struct nr_collector *c = NULL;
	static struct pktstat s;
	double seconds = 0;
	int err, opt;

	while ((opt = getopt(argc, argv, "d:")) != -1) {
		if (opt != 'd' || (seconds = atof(optarg)) <= 0) {
			fprintf(stderr, "usage: pktstat [-d SECONDS]\n");
			return 2;
		}
	}
	err = nr_collector_open(&c, &opts);
	if (!err)
		err = run(c, &s, seconds);
	nr_collector_close(c); /* accepts NULL */
	return err ? 1 : 0;
}
