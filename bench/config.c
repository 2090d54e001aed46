// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One configuration: from words to values and back. */
#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include "bench.h"

/* ---- what is a word for it ---- */

static bool is_transport(const char *s)
{
	static const char *const known[] = { "single", "package", "node",   "numa",	      "llc",
					     "cpu",    "perfbuf", "libbpf", "perfbuf-sampled" };

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(s, known[i]))
			return true;
	return !strncmp(s, "node/", 5) && atoi(s + 5) > 0;
}

/* Whether there are such CPUs is not known here. */
static bool is_placement(const char *s)
{
	if (!strcmp(s, "fill") || !strcmp(s, "spread"))
		return true;
	while (isdigit((unsigned char)*s)) {
		s += strspn(s, "0123456789");
		if (!*s)
			return true;
		s += *s == '+';
	}
	return false;
}

/* ---- the values ---- */

enum kind { WORD, COUNT, BYTES, SECONDS, CHOICE };

static const struct value {
	const char *name, *help;
	enum kind kind;
	size_t offset; /* in struct config */
	bool (*is_valid)(const char *s);
	struct {
		uint64_t least, most, multiple;
	} number;
	const char *choices[2];
} values[N_VALUES] = {
#define AT(field) offsetof(struct config, field)
	{ "transport",
	  "single, package, node, llc, cpu or node/K shards; perfbuf (a wake-up for each event), "
	  "perfbuf-sampled (one in 500), libbpf (one ring, no order)",
	  WORD, AT(transport), .is_valid = is_transport },
	{ "producers", "threads that emit, one to a CPU", COUNT, AT(producers),
	  .number = { 1, 65536, 1 } },
	{ "placement",
	  "fill one cache domain after the other, spread over them in turn, or CPUs like 0+4", WORD,
	  AT(placement), .is_valid = is_placement },
	/* Two records of one producer are due at least a ns from each other. */
	{ "rate", "events per second of each producer, k and M allowed, up to 1G; 0: flat out",
	  COUNT, AT(rate), .number = { 0, 1000000000, 1 } },
	{ "size", "bytes of a record with its header of 16, a multiple of 8 up to 4096", BYTES,
	  AT(size), .number = { 16, BENCH_MAX_SIZE, 8 } },
	{ "burst", "events emitted back to back, up to 64", COUNT, AT(burst),
	  .number = { 1, BENCH_MAX_BURST, 1 } },
	{ "memory",
	  "bytes of all rings together, K/M/G; 0: 2M for each CPU, down to a power of two", BYTES,
	  AT(memory), .number = { 0, INT64_MAX, 1 } },
	{ "duration", "seconds that are measured, 0.01 to 3600", SECONDS, .offset = AT(seconds) },
	{ "order", "fence or rcu (perfbuf is always rcu)", CHOICE, AT(order),
	  .choices = { "fence", "rcu" } },
	{ "delivery",
	  "callback: records go to a function; trace: to a file, which is read back and removed",
	  CHOICE, AT(delivery), .choices = { "callback", "trace" } },
#undef AT
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

static int set_word(const struct value *v, const char *s, char *out)
{
	if (!v->is_valid(s) || strlen(s) >= CONFIG_WORD)
		return -EINVAL;
	strcpy(out, s);
	return 0;
}

static int set_number(const struct value *v, const char *s, uint64_t *out)
{
	uint64_t n;
	int err = v->kind == BYTES ? bench_parse_size(s, &n) : bench_parse_count(s, &n);

	if (err || n < v->number.least || n > v->number.most || n % v->number.multiple)
		return -EINVAL;
	*out = n;
	return 0;
}

static int set_seconds(const char *s, double *out)
{
	char text[32];
	double v;

	if (bench_parse_seconds(s, &v) || v < 0.01)
		return -EINVAL;
	/* As it will be written: what a sweep did must be found again in its file. */
	snprintf(text, sizeof(text), "%g", v);
	*out = strtod(text, NULL);
	return 0;
}

static int set_choice(const struct value *v, const char *s, unsigned *out)
{
	for (unsigned i = 0; i < 2; i++)
		if (!strcmp(s, v->choices[i])) {
			*out = i;
			return 0;
		}
	return -EINVAL;
}

int config_set(struct config *cfg, unsigned which, const char *s)
{
	const struct value *v = &values[which];
	void *field = (char *)cfg + v->offset;

	switch (v->kind) {
	case WORD:
		return set_word(v, s, field);
	case COUNT:
	case BYTES:
		return set_number(v, s, field);
	case SECONDS:
		return set_seconds(s, field);
	case CHOICE:
		return set_choice(v, s, field);
	}
	return -EINVAL;
}

char *config_get(const struct config *cfg, unsigned which, char *buf, size_t size)
{
	const struct value *v = &values[which];
	const void *field = (const char *)cfg + v->offset;

	if (v->kind == WORD)
		snprintf(buf, size, "%s", (const char *)field);
	else if (v->kind == SECONDS)
		snprintf(buf, size, "%g", *(const double *)field);
	else if (v->kind == CHOICE)
		snprintf(buf, size, "%s", v->choices[*(const unsigned *)field]);
	else
		snprintf(buf, size, "%" PRIu64, *(const uint64_t *)field);
	return buf;
}

json_t *config_json(const struct config *cfg)
{
	json_t *o = json_object();
	char text[32];

	for (unsigned i = 0; i < N_VALUES; i++) {
		const struct value *v = &values[i];
		const void *field = (const char *)cfg + v->offset;
		json_t *value;

		if (v->kind == SECONDS)
			value = json_real(*(const double *)field);
		else if (v->kind == COUNT || v->kind == BYTES)
			value = json_integer(*(const uint64_t *)field);
		else
			value = json_string(config_get(cfg, i, text, sizeof(text)));
		json_object_set_new(o, v->name, value);
	}
	/* Some transports have an order of their own. */
	if (config_is_libbpf(cfg))
		json_object_set_new(o, "order", json_string("none"));
	else if (config_is_perfbuf(cfg))
		json_object_set_new(o, "order", json_string("rcu"));
	return o;
}

char *config_text(const struct config *cfg, char *buf, size_t size)
{
	char rate[32] = "flat out";

	if (cfg->rate)
		snprintf(rate, sizeof(rate), "%" PRIu64 "/s each", cfg->rate);
	snprintf(buf, size, "%s%s, %" PRIu64 " producer%s, %s", cfg->transport,
		 cfg->delivery == TO_TRACE ? " to a trace" : "", cfg->producers,
		 cfg->producers == 1 ? "" : "s", rate);
	return buf;
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

/* ---- options ---- */

const char *config_name(unsigned which)
{
	return values[which].name;
}

int config_find(const char *name)
{
	for (unsigned i = 0; i < N_VALUES; i++)
		if (!strcmp(name, values[i].name))
			return i;
	return -EINVAL;
}

void config_options(struct argp_option *out, const char *arg)
{
	for (unsigned i = 0; i < N_VALUES; i++)
		out[i] = (struct argp_option){
			.name = values[i].name,
			.key = CONFIG_KEY + i,
			.arg = arg,
			.doc = values[i].help,
			.group = 2,
		};
	out[config_find("duration")].key = 'd';
}

int config_of_key(int key)
{
	if (key == 'd')
		return config_find("duration");
	return key >= CONFIG_KEY && key < CONFIG_KEY + N_VALUES ? key - CONFIG_KEY : -EINVAL;
}

void config_refuse(unsigned which, const char *value)
{
	bench_error("--%s: invalid value \"%s\": use %s", values[which].name, value,
		    values[which].help);
}
