// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One configuration: from words to values and back. */
#include <ctype.h>
#include "bench.h"

static bool is_among(const char *s, const char *const *names)
{
	while (*names && strcmp(s, *names))
		names++;
	return *names;
}

bool transport_is_policy(const char *s)
{
	static const char *const names[] = {
		"single", "package", "node", "numa", "llc", "cpu", NULL
	};

	if (!strcmp(s, "lane"))
		return true;
	s += strncmp(s, "lane-", 5) ? 0 : 5;
	return is_among(s, names) || (!strncmp(s, "node/", 5) && atoi(s + 5) > 0);
}

static bool is_transport(const char *s)
{
	static const char *const others[] = { "floor",		 "array-shared",
					      "perfbuf-fence",	 "perfbuf",
					      "perfbuf-sampled", "libbpf",
					      "libbpf-nowakeup", NULL };

	return transport_is_policy(s) || is_among(s, others) ||
	       (!strncmp(s, "shards/", 7) && atoi(s + 7) > 0 && atoi(s + 7) <= 512);
}

/* Whether there are such CPUs is not known here. */
static bool is_placement(const char *s)
{
	return !strcmp(s, "fill") || !strcmp(s, "spread") ||
	       (isdigit((unsigned char)*s) && !s[strspn(s, "0123456789+")] && !strstr(s, "++") &&
		s[strlen(s) - 1] != '+');
}

#define AT(field) .offset = offsetof(struct config, field)

const struct opt config_options[N_VALUES + 1] = {
	{ "transport", 0, "VALUE",
	  "single, package, node, llc, cpu or node/K shards; lane (those of node, of lanes), or "
	  "lane-cpu "
	  "and so on; perfbuf (a wake-up for each record), "
	  "perfbuf-sampled (one in 500), perfbuf-fence (none); array-shared (one array without a "
	  "lock); libbpf (one ring, no order), libbpf-nowakeup; floor (no transport)",
	  OPTION_WORD, AT(transport), .is_valid = is_transport },
	{ "producers", 0, "VALUE", "threads that emit, one to a CPU", OPTION_COUNT, AT(producers),
	  .number = { 1, 65536 } },
	{ "placement", 0, "VALUE",
	  "fill one cache domain after the other, spread over them in turn, or CPUs like 0+4",
	  OPTION_WORD, AT(placement), .is_valid = is_placement },
	/* Two records of one producer are due at least a ns from each other. */
	{ "rate", 0, "VALUE",
	  "records per second of each producer, k and M allowed, up to 1G; 0: flat out",
	  OPTION_COUNT, AT(rate), .number = { 0, 1000000000 } },
	{ "size", 0, "VALUE",
	  "bytes of a record with its header of 16, a multiple of 8 up to 4096; 0: producers call "
	  "getpgid, and numaring's source syscalls emits",
	  OPTION_BYTES, AT(size), .number = { 16, BENCH_MAX_SIZE, 8, true } },
	{ "burst", 0, "VALUE", "records emitted back to back, up to 64", OPTION_COUNT, AT(burst),
	  .number = { 1, BENCH_MAX_BURST } },
	{ "peak", 0, "VALUE",
	  "bursts of 50 ms at so many times the rate, up to 100, then silence that keeps the mean; "
	  "producers take turns",
	  OPTION_COUNT, AT(peak), .number = { 1, 100 } },
	{ "memory", 0, "VALUE",
	  "bytes of all rings together, K/M/G; 0: 2M for each CPU, down to a power of two",
	  OPTION_BYTES, AT(memory), .number = { 0, INT64_MAX } },
	{ "duration", 'd', "VALUE", "seconds that are measured, 0.01 to 3600", OPTION_SECONDS,
	  AT(seconds), .number = { 10 } },
	{ "order", 0, "VALUE", "fence or rcu (of numaring's policies)", OPTION_CHOICE, AT(order),
	  .choices = { "fence", "rcu" } },
	{ "delivery", 0, "VALUE",
	  "callback: records go to a function; trace, zstd: to a file, plain or compressed, which "
	  "is read back and removed",
	  OPTION_CHOICE, AT(delivery), .choices = { "callback", "trace", "zstd" } },
	{ "directory", 0, "DIR", "directory of a trace (default: the current one)", OPTION_TEXT,
	  AT(directory) },
};

const struct config config_default = {
	.transport = "node",
	.producers = 1,
	.placement = "fill",
	.size = 24,
	.burst = 1,
	.peak = 1,
	.seconds = 1,
	.directory = ".",
};

int config_find(const char *name)
{
	for (unsigned i = 0; i < N_VALUES; i++)
		if (!strcmp(name, config_options[i].name))
			return i;
	return -EINVAL;
}

/*
 * A ring has a power of two. Of another total one ring would have less than it, and many small
 * ones all: they would be compared by their memory.
 */
void config_settle(struct config *cfg, const struct nr_topology *topo)
{
	if (!cfg->memory)
		cfg->memory = floor_power((size_t)nr_topology_cpus(topo, NULL, 0) << 21);
}

bool config_has_lanes(const struct config *cfg)
{
	return !strncmp(cfg->transport, "lane", 4);
}

const char *config_policy(const struct config *cfg)
{
	if (!strcmp(cfg->transport, "lane"))
		return "node";
	if (config_any_shard(cfg))
		return "cpu";
	return cfg->transport + (config_has_lanes(cfg) ? strlen("lane-") : 0);
}

unsigned config_any_shard(const struct config *cfg)
{
	return strncmp(cfg->transport, "shards/", 7) ? 0 : atoi(cfg->transport + 7);
}

/* Some transports have an order of their own. */
static const char *order_name(const struct config *cfg)
{
	if (!strncmp(cfg->transport, "libbpf", 6) || !strcmp(cfg->transport, "floor"))
		return "none";
	if (!strncmp(cfg->transport, "perfbuf", 7) || !strcmp(cfg->transport, "array-shared"))
		return "fence";
	return cfg->order == NR_ORDER_RCU ? "rcu" : "fence";
}

json_t *config_json(const struct config *cfg)
{
	return json_pack("{s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:s, s:s}", "transport",
			 cfg->transport, "producers", (json_int_t)cfg->producers, "placement",
			 cfg->placement, "rate", (json_int_t)cfg->rate, "size",
			 (json_int_t)cfg->size, "burst", (json_int_t)cfg->burst, "peak",
			 (json_int_t)cfg->peak, "memory", (json_int_t)cfg->memory, "duration",
			 cfg->seconds, "order", order_name(cfg), "delivery",
			 config_options[config_find("delivery")].choices[cfg->delivery]);
}

char *config_text(const struct config *cfg, char *buf, size_t size)
{
	char rate[32] = "flat out", peak[32] = "";

	if (cfg->rate)
		snprintf(rate, sizeof(rate), "%" PRIu64 "/s each", cfg->rate);
	if (cfg->peak > 1)
		snprintf(peak, sizeof(peak), ", peaks of %" PRIu64, cfg->peak);
	snprintf(buf, size, "%s%s, %" PRIu64 " producer%s, %s%s", cfg->transport,
		 cfg->delivery == TO_CALLBACK ? "" : " to a trace", cfg->producers,
		 cfg->producers == 1 ? "" : "s", rate, peak);
	return buf;
}
