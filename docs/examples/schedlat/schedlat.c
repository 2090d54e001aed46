// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * schedlat: shows how long tasks wait between their wake-up and the moment they run, per NUMA node
 * and per CPU, once a second.
 */
#include <getopt.h>
#include <numaring/numaring.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "schedlat.h"

#define MAX_PID	  (4 << 20) /* the kernel's limit */
#define MAX_CPUS  4096
#define MAX_NODES 64
#define BUCKETS	  25 /* bucket i: below 2^i us; the last one: all longer waits */

/* schedlat.bpf.o, which the Makefile embeds into this program. */
extern const char _binary_schedlat_bpf_o_start[], _binary_schedlat_bpf_o_end[];

struct latencies {
	uint64_t count, sum, max; /* ns */
};

struct schedlat {
	uint16_t woken, switched;   /* numbers of the event types in this collector */
	uint64_t second;	    /* the current second, in the time of the events */
	uint64_t woken_at[MAX_PID]; /* ns, 0: not waiting; only the pages in use take memory */
	uint8_t waker_node[MAX_PID];
	struct latencies cpu[MAX_CPUS], node[MAX_NODES], far;
	uint64_t histogram[MAX_NODES][BUCKETS];
};

static void add(struct latencies *l, uint64_t ns)
{
	l->count++;
	l->sum += ns;
	l->max = ns > l->max ? ns : l->max;
}

static void print_line(const char *what, unsigned number, const struct latencies *l)
{
	if (l->count)
		printf("  %s %-4u %8lu wake-ups  mean %8.1f us  max %9.1f us\n", what, number,
		       l->count, l->sum / 1e3 / l->count, l->max / 1e3);
}

static void print_histogram(const uint64_t histogram[BUCKETS])
{
	uint64_t most = 1;

	for (int i = 0; i < BUCKETS; i++)
		most = histogram[i] > most ? histogram[i] : most;
	for (int i = 0; i < BUCKETS; i++)
		if (histogram[i])
			printf("    < %8u us %8lu %.*s\n", 1u << i, histogram[i],
			       (int)(50 * histogram[i] / most),
			       "##################################################");
}

/* Prints the counts of the past second and resets them. */
static void print_second(struct schedlat *s)
{
	printf("second %lu\n", s->second);
	for (unsigned n = 0; n < MAX_NODES; n++) {
		print_line("node", n, &s->node[n]);
		print_histogram(s->histogram[n]);
	}
	for (unsigned c = 0; c < MAX_CPUS; c++)
		print_line("cpu ", c, &s->cpu[c]);
	if (s->far.count)
		printf("  %lu of them were woken from another node, mean %.1f us\n", s->far.count,
		       s->far.sum / 1e3 / s->far.count);
	fflush(stdout);
	memset(s->cpu, 0, sizeof(s->cpu));
	memset(s->node, 0, sizeof(s->node));
	memset(&s->far, 0, sizeof(s->far));
	memset(s->histogram, 0, sizeof(s->histogram));
}

static void on_woken(struct schedlat *s, const struct nr_event *ev)
{
	const struct woken *w =
		ev->data; /* the struct that the BPF program filled, still in the ring */

	s->woken_at[w->pid % MAX_PID] = ev->ts;
	s->waker_node[w->pid % MAX_PID] = w->waker_node;
}

static void on_switched(struct schedlat *s, const struct nr_event *ev)
{
	const struct switched *w = ev->data;
	uint64_t *woken_at = &s->woken_at[w->next_pid % MAX_PID];
	unsigned node = w->node % MAX_NODES, bucket = 0;

	/* The previous task ran, so it does not wait. Forget its wake-up in case its own switch
	 * event was lost. */
	s->woken_at[w->prev_pid % MAX_PID] = 0;
	if (!*woken_at)
		return; /* nobody woke it: it was preempted, or it is the idle task */
	/* The order makes this exact: an earlier wake-up on any CPU has already arrived. */
	uint64_t ns = ev->ts - *woken_at;

	*woken_at = 0;
	add(&s->node[node], ns);
	add(&s->cpu[ev->rec->cpu % MAX_CPUS], ns); /* every record holds the CPU that wrote it */
	if (s->waker_node[w->next_pid % MAX_PID] != node)
		add(&s->far, ns);
	while (bucket < BUCKETS - 1 && ns >= 1000ull << bucket)
		bucket++;
	s->histogram[node][bucket]++;
}

/*
 * Called with events in exact order, always by the same thread. The first event of a new second
 * means that the previous second is complete: no event of it can come any more. So no timer is
 * needed.
 */
static int on_batch(void *ctx, const struct nr_batch *batch)
{
	struct schedlat *s = ctx;

	nr_batch_for_each (ev, batch) {
		uint64_t second = ev->ts / 1000000000; /* since boot */

		if (s->second && second != s->second)
			print_second(s);
		s->second = second;
		if (ev->rec->id == s->woken)
			on_woken(s, ev);
		else if (ev->rec->id == s->switched)
			on_switched(s, ev);
	}
	return 0; /* a negative errno would end the recording */
}

static void on_log(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level <= NR_LOG_WARN)
		fprintf(stderr, "schedlat: %s\n", text);
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

static int run(struct nr_collector *c, struct schedlat *s, double seconds)
{
	struct nr_stats *stats;
	int err;

	/* The object shares the collector's rings. libbpf attaches it by its section names. */
	err = nr_collector_add_object_mem(c, "schedlat", _binary_schedlat_bpf_o_start,
					  _binary_schedlat_bpf_o_end -
						  _binary_schedlat_bpf_o_start);
	if (err)
		return err;
	/* The collector assigns its own numbers to event types, so that objects never clash. */
	s->woken = nr_types_id(nr_collector_types(c), "woken");
	s->switched = nr_types_id(nr_collector_types(c), "switched");
	err = nr_collector_add_batch(c, on_batch, s, NULL);
	if (!err)
		err = nr_collector_start(c);
	if (err)
		return err;
	wait_for_end(c, seconds);
	err = nr_collector_stop(c); /* no callback runs after this, so its data is safe to read */
	print_second(s);	    /* the last, incomplete second */
	stats = nr_collector_stats(c);
	if (stats)
		printf("%lu events, %lu lost\n", stats->events_written, stats->lost_total);
	nr_stats_free(stats);
	return err;
}

int main(int argc, char **argv)
{
	struct nr_collector_opts opts = { .sz = sizeof(opts), .log = on_log };
	struct nr_collector *c = NULL;
	static struct schedlat s;
	double seconds = 0;
	int err, opt;

	while ((opt = getopt(argc, argv, "d:")) != -1) {
		if (opt != 'd' || (seconds = atof(optarg)) <= 0) {
			fprintf(stderr, "usage: schedlat [-d SECONDS]\n");
			return 2;
		}
	}
	err = nr_collector_open(&c, &opts);
	if (!err)
		err = run(c, &s, seconds);
	nr_collector_close(c); /* accepts NULL */
	return err ? 1 : 0;
}
