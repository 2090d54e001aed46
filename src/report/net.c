// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "net": which packets are dropped and why; rates of interfaces, and how CPUs share them. */
#include <inttypes.h>
#include <string.h>
#include "memory.h"
#include "report.h"
#include "rows.h"
#include "text.h"

#define INTERFACE_CHARS 16

/* Dropped packets that have this in common. */
struct drop_row {
	struct drop_key {
		char interface[INTERFACE_CHARS];
		int32_t reason;
		uint16_t protocol, port; /* the destination's; 0: none */
		uint64_t ip_protocol;
	} key;
	const char *reason, *protocol, *ip_protocol; /* NULL: no name */
	uint64_t n, bytes;
	uint64_t first, last;
	uint64_t location; /* of the first, in the kernel's code */
	bool elsewhere;	   /* others were dropped in other places */
};

struct interface_row {
	char interface[INTERFACE_CHARS]; /* the key */
	uint64_t received, received_bytes, sent, sent_bytes, dropped;
};

struct cpu_row {
	uint64_t cpu; /* the key */
	uint64_t received, sent;
};

struct net {
	const struct report_env *env;
	struct rows drops, interfaces, cpus;
	uint64_t n_drops, received, sent;
	uint64_t end;
};

/* ---- events ---- */

enum { INTERFACE, LEN, REASON, PROTOCOL, IP_PROTOCOL, DPORT, LOCATION };

static struct interface_row *interface_of(struct net *net, const struct feed_event *e)
{
	char name[INTERFACE_CHARS];

	feed_text(e, INTERFACE, name, sizeof(name));
	return rows_get(&net->interfaces, name);
}

static struct cpu_row *cpu_of(struct net *net, const struct feed_event *e)
{
	const uint64_t cpu = e->cpu;

	return rows_get(&net->cpus, &cpu);
}

static void on_packet(struct net *net, const struct feed_event *e, bool received)
{
	struct interface_row *i;
	struct cpu_row *cpu;

	if (!e->passes)
		return;
	i = interface_of(net, e);
	cpu = cpu_of(net, e);
	*(received ? &i->received : &i->sent) += 1;
	*(received ? &i->received_bytes : &i->sent_bytes) += feed_int(e, LEN);
	*(received ? &cpu->received : &cpu->sent) += 1;
	*(received ? &net->received : &net->sent) += 1;
}

static void on_receive(void *net, const struct feed_event *e)
{
	on_packet(net, e, true);
}

static void on_transmit(void *net, const struct feed_event *e)
{
	on_packet(net, e, false);
}

static void on_drop(void *state, const struct feed_event *e)
{
	struct drop_key key = {
		.reason = feed_int(e, REASON),
		.protocol = feed_int(e, PROTOCOL),
		.port = feed_int(e, DPORT),
		.ip_protocol = feed_int(e, IP_PROTOCOL),
	};
	struct net *net = state;
	struct drop_row *row;

	if (!e->passes)
		return;
	feed_text(e, INTERFACE, key.interface, sizeof(key.interface));
	row = rows_get(&net->drops, &key);
	if (!row->n++) {
		row->reason = feed_name(e, REASON);
		row->protocol = feed_name(e, PROTOCOL);
		row->ip_protocol = feed_name(e, IP_PROTOCOL);
		row->location = feed_int(e, LOCATION);
		row->first = e->ts;
	}
	row->elsewhere |= row->location != (uint64_t)feed_int(e, LOCATION);
	row->bytes += feed_int(e, LEN);
	row->last = e->ts;
	interface_of(net, e)->dropped++;
	net->n_drops++;
}

/* Packets without an interface, as those of Unix sockets, come last. */
static uint64_t drop_rank(const void *p)
{
	const struct drop_row *row = p;

	return row->n | (*row->key.interface ? 1ull << 63 : 0);
}

static void fold_drops(void *others, const void *row)
{
	const struct drop_row *from = row;
	struct drop_row *to = others;

	if (!to->n || from->first < to->first)
		to->first = from->first;
	to->last = to->last > from->last ? to->last : from->last;
	to->n += from->n;
	to->bytes += from->bytes;
	to->elsewhere = true;
}

static void *net_open(const struct report_env *env, struct pairs *pairs)
{
	static const struct drop_key others = { .interface = "(others)", .reason = -1 };
	struct net *net = memory_new(1, sizeof(*net));

	(void)pairs;
	net->env = env;
	net->drops = (struct rows){ .size = sizeof(struct drop_row),
				    .key_size = sizeof(struct drop_key),
				    .others = &others,
				    .fold = fold_drops,
				    .rank = drop_rank };
	net->interfaces = (struct rows){ .size = sizeof(struct interface_row),
					 .key_size = INTERFACE_CHARS,
					 .others = others.interface };
	net->cpus = (struct rows){ .size = sizeof(struct cpu_row), .key_size = sizeof(uint64_t) };
	return net;
}

static void net_close(void *state)
{
	struct net *net = state;

	rows_close(&net->drops, NULL);
	rows_close(&net->interfaces, NULL);
	rows_close(&net->cpus, NULL);
	free(net);
}

static uint64_t interface_rank(const void *p)
{
	const struct interface_row *row = p;

	return row->received + row->sent + row->dropped;
}

static uint64_t cpu_rank(const void *p)
{
	return ((const struct cpu_row *)p)->received;
}

static void net_end(void *state, uint64_t end)
{
	struct net *net = state;

	net->end = end;
	rows_sort(&net->drops, drop_rank);
	rows_sort(&net->interfaces, interface_rank);
	rows_sort(&net->cpus, cpu_rank);
}

/* ---- text ---- */

static double seconds(const struct net *net)
{
	return net->end > net->env->begin ? (net->end - net->env->begin) / 1e9 : 1e-9;
}

static struct text interface_text(const char *name)
{
	return *name ? safe_text(name) : (struct text){ "no interface" };
}

/* "UDP to port 9", "ICMP", "ARP" */
static struct text protocol_text(const struct drop_row *row)
{
	const char *name = row->key.ip_protocol ? row->ip_protocol : row->protocol;
	struct text t;

	if (name && row->key.port)
		snprintf(t.s, sizeof(t.s), "%s to port %u", name, row->key.port);
	else if (name)
		snprintf(t.s, sizeof(t.s), "%s", name);
	else if (row->key.ip_protocol)
		snprintf(t.s, sizeof(t.s), "IP protocol %" PRIu64, row->key.ip_protocol);
	else
		snprintf(t.s, sizeof(t.s), "protocol 0x%04x", row->key.protocol);
	return t;
}

static struct text reason_text(const struct drop_row *row)
{
	struct text t;

	if (row->reason)
		return safe_text(row->reason);
	snprintf(t.s, sizeof(t.s), "reason %d", row->key.reason);
	return t;
}

static void print_imbalance(const struct net *net, FILE *out)
{
	const struct cpu_row *first = net->cpus.n ? net->cpus.list[0] : NULL;

	if (!net->received)
		return;
	fprintf(out, " %s received, %u %% of them by CPU %" PRIu64 ".",
		counted_text(net->received, "packet").s,
		(unsigned)(100.0 * first->received / net->received + 0.5), first->cpu);
}

static void verdict(const void *state, FILE *out)
{
	const struct net *net = state;
	const struct drop_row *worst = net->drops.n ? net->drops.list[0] : NULL;

	fputs("net: ", out);
	if (!worst) {
		fputs("no packet was dropped.", out);
	} else {
		fprintf(out, "%s dropped on %s: %s, %s", counted_text(worst->n, "packet").s,
			interface_text(worst->key.interface).s, reason_text(worst).s,
			protocol_text(worst).s);
		if (net->n_drops > worst->n)
			fprintf(out, "; %s for other reasons or elsewhere",
				count_text(net->n_drops - worst->n).s);
		fputc('.', out);
	}
	print_imbalance(net, out);
}

static void print_drops(const struct net *net, FILE *out)
{
	fprintf(out, "\n%9s  %-12s %-22s %-17s %-15s %s\n", "DROPPED", "INTERFACE", "REASON",
		"PROTOCOL", "FIRST", "PLACE");
	for (unsigned i = 0; i < net->drops.n && i < net->env->worst; i++) {
		const struct drop_row *row = net->drops.list[i];

		fprintf(out, "%9" PRIu64 "  %-12s %-22s %-17s %s %#" PRIx64 "%s\n", row->n,
			interface_text(row->key.interface).s, reason_text(row).s,
			protocol_text(row).s, time_text(net->env, row->first).s, row->location,
			row->elsewhere ? "+" : "");
	}
	print_more(out, net->drops.n, net->env->worst);
}

static void print_interfaces(const struct net *net, FILE *out)
{
	double s = seconds(net);

	fprintf(out, "\n%-12s %12s %10s %12s %10s %10s\n", "INTERFACE", "RECEIVED/S", "MB/S",
		"SENT/S", "MB/S", "DROPPED");
	for (unsigned i = 0; i < net->interfaces.n && i < net->env->worst; i++) {
		const struct interface_row *row = net->interfaces.list[i];

		fprintf(out, "%-12s %12.1f %10.2f %12.1f %10.2f %10" PRIu64 "\n",
			interface_text(row->interface).s, row->received / s,
			row->received_bytes / s / 1e6, row->sent / s, row->sent_bytes / s / 1e6,
			row->dropped);
	}
	print_more(out, net->interfaces.n, net->env->worst);
}

static double share(uint64_t n, uint64_t all)
{
	return all ? 100.0 * n / all : 0;
}

static void print_cpus(const struct net *net, FILE *out)
{
	double s = seconds(net);

	fprintf(out, "\n%-12s %12s %10s %12s %10s\n", "CPU", "RECEIVED/S", "SHARE", "SENT/S",
		"SHARE");
	for (unsigned i = 0; i < net->cpus.n && i < net->env->worst; i++) {
		const struct cpu_row *row = net->cpus.list[i];

		fprintf(out, "%-12" PRIu64 " %12.1f %8.1f %% %12.1f %8.1f %%\n", row->cpu,
			row->received / s, share(row->received, net->received), row->sent / s,
			share(row->sent, net->sent));
	}
	print_more(out, net->cpus.n, net->env->worst);
}

static void net_print(void *state, FILE *out)
{
	struct net *net = state;

	print_paragraph(out, verdict, net);
	if (net->drops.n)
		print_drops(net, out);
	if (net->interfaces.n)
		print_interfaces(net, out);
	if (net->cpus.n)
		print_cpus(net, out);
}

/* ---- JSON ---- */

static json_t *json_drop(const void *p, const void *ctx)
{
	const struct drop_row *row = p;

	(void)ctx;
	return json_pack("{s:I, s:I, s:s, s:s, s:s?, s:s?, s:i, s:I, s:I, s:o, s:b}", "n",
			 (json_int_t)row->n, "bytes", (json_int_t)row->bytes, "interface",
			 safe_text(row->key.interface).s, "reason", reason_text(row).s, "protocol",
			 row->protocol, "ip_protocol",
			 row->key.ip_protocol ? row->ip_protocol : NULL, "port", row->key.port,
			 "first_ns", (json_int_t)row->first, "last_ns", (json_int_t)row->last,
			 "location", json_sprintf("%#" PRIx64, row->location), "elsewhere",
			 row->elsewhere);
}

static json_t *json_interface(const void *p, const void *ctx)
{
	const struct interface_row *row = p;
	const struct net *net = ctx;
	double s = seconds(net);

	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "interface",
			 safe_text(row->interface).s, "received", (json_int_t)row->received,
			 "received_bytes", (json_int_t)row->received_bytes, "sent",
			 (json_int_t)row->sent, "sent_bytes", (json_int_t)row->sent_bytes,
			 "dropped", (json_int_t)row->dropped, "received_per_s", row->received / s,
			 "sent_per_s", row->sent / s);
}

static json_t *json_cpu(const void *p, const void *ctx)
{
	const struct cpu_row *row = p;

	(void)ctx;
	return json_pack("{s:I, s:I, s:I}", "cpu", (json_int_t)row->cpu, "received",
			 (json_int_t)row->received, "sent", (json_int_t)row->sent);
}

static json_t *net_json(void *state)
{
	struct net *net = state;

	return json_pack("{s:s, s:o, s:I, s:o, s:o, s:o}", "report", "net", "verdict",
			 text_json(verdict, net), "dropped", (json_int_t)net->n_drops, "drops",
			 rows_json(&net->drops, json_drop, net), "interfaces",
			 rows_json(&net->interfaces, json_interface, net), "cpus",
			 rows_json(&net->cpus, json_cpu, net));
}

static const struct feed_type events[] = {
	{ "net_drop",
	  "net",
	  { "interface", "len", "reason", "protocol", "ip_protocol", "dport", "location" },
	  on_drop },
	{ "net_receive", "net", { "interface", "len" }, on_receive },
	{ "net_transmit", "net", { "interface", "len" }, on_transmit },
	{},
};

const struct report report_net = {
	.name = "net",
	.about = "which packets are dropped and why; rates of interfaces",
	.sources = "net",
	.events = events,
	.pair_size = sizeof(struct pair),
	.open = net_open,
	.close = net_close,
	.end = net_end,
	.print = net_print,
	.json = net_json,
};
