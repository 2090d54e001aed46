// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One configuration: from words to values and back. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"

enum { TRANSPORT, PRODUCERS, PLACEMENT, RATE, SIZE, BURST, MEMORY, DURATION, ORDER, DELIVERY, NR };

const char *const config_names[] = { "transport", "producers", "placement", "rate",
				     "size",	  "burst",     "memory",    "duration",
				     "order",	  "delivery",  NULL };
const char *const config_help[] = {
	"single, package, node, llc, cpu or node/K shards; perfbuf (a wake-up for each event), "
	"perfbuf-sampled (one in 500), libbpf (one ring, no order)",
	"threads that emit, one to a CPU",
	"fill one cache domain after the other, spread over them in turn, or CPUs like 0+4",
	"events per second of each producer, k and M allowed, up to 1G; 0: flat out",
	"bytes of a record with its header of 16, a multiple of 8 up to 4096",
	"events emitted back to back",
	"bytes of all rings together, K/M/G; 0: 2M for each CPU, down to a power of two",
	"seconds that are measured",
	"fence or rcu (perfbuf is always rcu)",
	"callback: records go to a function; trace: to a file, which is read back and removed",
};

const struct config config_default = {
	.transport = "node",
	.producers = 1,
	.placement = "fill",
	.size = 24,
	.burst = 1,
	.seconds = 1,
	.directory = ".",
};

unsigned config_nr(void)
{
	return NR;
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

bool config_is_perfbuf(const struct config *cfg)
{
	return !strncmp(cfg->transport, "perfbuf", 7);
}

bool config_is_libbpf(const struct config *cfg)
{
	return !strcmp(cfg->transport, "libbpf");
}

static int parse_transport(struct config *cfg, const char *s)
{
	static const char *const known[] = { "single", "package", "node",   "numa",	      "llc",
					     "cpu",    "perfbuf", "libbpf", "perfbuf-sampled" };
	bool is_known = !strncmp(s, "node/", 5) && atoi(s + 5) > 0;

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		is_known |= !strcmp(s, known[i]);
	if (!is_known || strlen(s) >= sizeof(cfg->transport))
		return -EINVAL;
	snprintf(cfg->transport, sizeof(cfg->transport), "%s", s);
	return 0;
}

/* Whether there are such CPUs is not known here. */
static int parse_placement(struct config *cfg, const char *s)
{
	const char *p = s;

	if (strcmp(s, "fill") && strcmp(s, "spread")) {
		while (isdigit((unsigned char)*p)) {
			p += strspn(p, "0123456789");
			p += *p == '+' && isdigit((unsigned char)p[1]);
		}
		if (p == s || *p)
			return -EINVAL;
	}
	if (strlen(s) >= sizeof(cfg->placement))
		return -EINVAL;
	snprintf(cfg->placement, sizeof(cfg->placement), "%s", s);
	return 0;
}

static int parse_word(const char *s, const char *no, const char *yes, bool *out)
{
	if (strcmp(s, no) && strcmp(s, yes))
		return -EINVAL;
	*out = !strcmp(s, yes);
	return 0;
}

static int parse_unsigned(const char *s, unsigned least, unsigned most, unsigned *out)
{
	uint64_t v;

	if (bench_parse_count(s, &v) || v < least || v > most)
		return -EINVAL;
	*out = v;
	return 0;
}

/* Two records of one producer are due at least a ns from each other. */
static int parse_rate(const char *s, uint64_t *out)
{
	uint64_t v;

	if (bench_parse_count(s, &v) || v > 1000000000)
		return -EINVAL;
	*out = v;
	return 0;
}

static int parse_record_size(const char *s, unsigned *out)
{
	size_t v;

	if (bench_parse_size(s, &v) || v < 16 || v > BENCH_MAX_SIZE || v % 8)
		return -EINVAL;
	*out = v;
	return 0;
}

static int parse_seconds(const char *s, double *out)
{
	char *end, text[32];
	double v = strtod(s, &end);

	if (end == s || (*end && strcmp(end, "s")) || !(v >= 0.01 && v <= 3600))
		return -EINVAL;
	/* As it will be written: what a sweep did must be found again in its file. */
	snprintf(text, sizeof(text), "%g", v);
	*out = strtod(text, NULL);
	return 0;
}

int config_set(struct config *cfg, unsigned which, const char *value)
{
	bool rcu;
	int err;

	switch (which) {
	case TRANSPORT:
		return parse_transport(cfg, value);
	case PRODUCERS:
		return parse_unsigned(value, 1, 65536, &cfg->producers);
	case PLACEMENT:
		return parse_placement(cfg, value);
	case RATE:
		return parse_rate(value, &cfg->rate);
	case SIZE:
		return parse_record_size(value, &cfg->size);
	case BURST:
		return parse_unsigned(value, 1, BENCH_MAX_BURST, &cfg->burst);
	case MEMORY:
		return bench_parse_size(value, &cfg->memory);
	case DURATION:
		return parse_seconds(value, &cfg->seconds);
	case ORDER:
		err = parse_word(value, "fence", "rcu", &rcu);
		if (!err)
			cfg->order = rcu ? NR_ORDER_RCU : NR_ORDER_FENCE;
		return err;
	case DELIVERY:
		return parse_word(value, "callback", "trace", &cfg->trace);
	}
	return -EINVAL;
}

static const char *delivery_name(const struct config *cfg)
{
	return cfg->trace ? "trace" : "callback";
}

char *config_get(const struct config *cfg, unsigned which, char *buf, size_t size)
{
	switch (which) {
	case TRANSPORT:
		snprintf(buf, size, "%s", cfg->transport);
		break;
	case PRODUCERS:
		snprintf(buf, size, "%u", cfg->producers);
		break;
	case PLACEMENT:
		snprintf(buf, size, "%s", cfg->placement);
		break;
	case RATE:
		snprintf(buf, size, "%" PRIu64, cfg->rate);
		break;
	case SIZE:
		snprintf(buf, size, "%u", cfg->size);
		break;
	case BURST:
		snprintf(buf, size, "%u", cfg->burst);
		break;
	case MEMORY:
		snprintf(buf, size, "%zu", cfg->memory);
		break;
	case DURATION:
		snprintf(buf, size, "%g", cfg->seconds);
		break;
	case ORDER:
		snprintf(buf, size, "%s", cfg->order == NR_ORDER_RCU ? "rcu" : "fence");
		break;
	case DELIVERY:
		snprintf(buf, size, "%s", delivery_name(cfg));
		break;
	}
	return buf;
}

static const char *order_name(const struct config *cfg)
{
	if (config_is_libbpf(cfg))
		return "none";
	return config_is_perfbuf(cfg) || cfg->order == NR_ORDER_RCU ? "rcu" : "fence";
}

json_t *config_json(const struct config *cfg)
{
	return json_pack("{s:s, s:i, s:s, s:I, s:i, s:i, s:I, s:f, s:s, s:s}", "transport",
			 cfg->transport, "producers", (int)cfg->producers, "placement",
			 cfg->placement, "rate", (json_int_t)cfg->rate, "size", (int)cfg->size,
			 "burst", (int)cfg->burst, "memory", (json_int_t)cfg->memory, "duration",
			 cfg->seconds, "order", order_name(cfg), "delivery", delivery_name(cfg));
}

char *config_text(const struct config *cfg, char *buf, size_t size)
{
	char rate[32] = "flat out";

	if (cfg->rate)
		snprintf(rate, sizeof(rate), "%" PRIu64 "/s each", cfg->rate);
	snprintf(buf, size, "%s%s, %u producer%s, %s", cfg->transport,
		 cfg->trace ? " to a trace" : "", cfg->producers, cfg->producers == 1 ? "" : "s",
		 rate);
	return buf;
}
