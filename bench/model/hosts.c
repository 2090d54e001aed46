/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hosts of the published curves. Core counts are the vendors'; the quadrants of the EPYC and
 * the four-core clusters of the Kunpeng are not visible in /sys, but in the curves. README.md gives
 * the source of each figure.
 */
#include "../bench.h"
#include "model.h"

/*
 * prior.own_ns: one producer with no consumer at the same time; Sapphire Rapids has no such figure
 * and gets that of the E5. prior.retake: what the other host of the vendor was fitted to; 1/2 for
 * the only Kunpeng.
 */
#define OWN_E5 (1e3 / 21.449)

const struct host published_hosts[] = {
	{
		.prefix = "e5_2680v4",
		.layout = { .packages = 2, .cores = 14, .smt = 2, .llc = 14, .node = 14 },
		.prior = { .own_ns = OWN_E5, .retake = 0.20 },
		.far_ratio = 118.0 / 44,
		.kin = "spr",
		.latency_host = "xeon_e5_2695v4",
		.latency_near = "same_socket",
		.latency_far = "cross_socket",
	},
	{
		.prefix = "spr",
		.layout = { .packages = 2, .cores = 28, .smt = 1, .llc = 28, .node = 28 },
		.prior = { .own_ns = OWN_E5, .retake = 0.26 },
		.far_ratio = 108.0 / 51,
		.kin = "e5_2680v4",
		.latency_host = "xeon_8375c",
		.latency_near = "same_socket",
		.latency_far = "cross_socket",
	},
	{
		.prefix = "epyc9654",
		.layout = { .packages = 2, .cores = 96, .smt = 2, .llc = 8, .node = 24 },
		.hidden_node = 24,
		.prior = { .own_ns = 1e3 / 32.18, .retake = 0.53 },
		.far_ratio = 197.0 / 107,
		.kin = "ryzen7950x",
		.latency_host = "epyc_7r13",
		.latency_near = "same_ccx",
		.latency_far = "cross_ccx",
	},
	{
		.prefix = "kunpeng920",
		.layout = { .packages = 2, .cores = 64, .smt = 1, .llc = 4, .node = 32 },
		.hidden_llc = 4,
		.prior = { .own_ns = 1e3 / 14.478, .retake = 0.50 },
		.far_ratio = 197.0 / 107,
		.latency_host = "kunpeng_920_6426",
		.latency_far = "median",
	},
	{
		.prefix = "ryzen7950x",
		.layout = { .packages = 1, .cores = 16, .smt = 2, .llc = 8, .node = 16 },
		.prior = { .own_ns = 1e3 / 77.296, .retake = 0.69 },
		.far_ratio = 197.0 / 107,
		.kin = "epyc9654",
		.latency_host = "ryzen_7950x",
		.latency_far = "median",
	},
};
const unsigned n_published_hosts = sizeof(published_hosts) / sizeof(published_hosts[0]);

const struct host *host_of(const char *series)
{
	for (unsigned i = 0; i < n_published_hosts; i++)
		if (!strncmp(series, published_hosts[i].prefix, strlen(published_hosts[i].prefix)))
			return &published_hosts[i];
	return NULL;
}

/* ---- lists of prefixes ---- */
bool is_like(const char *series, const char *like)
{
	while (*like) {
		size_t n = strcspn(like, ",");

		if (n && !strncmp(series, like, n))
			return true;
		like += n + (like[n] == ',');
	}
	return false;
}

static bool begins_a_series(const struct curves *curves, const char *word, size_t len)
{
	for (unsigned i = 0; i < curves->n; i++)
		if (len && !strncmp(curves->curve[i].name, word, len))
			return true;
	return false;
}

/* false: they hide different things. */
static bool add_host(struct like *like, const struct host *host)
{
	bool hides = host->hidden_llc || host->hidden_node;
	bool knows = like->hidden_llc || like->hidden_node;

	like->single = !like->host || (like->single && like->host == host);
	if (!like->host)
		like->host = host;
	if (!hides)
		return true;
	if (!knows) {
		like->hidden_llc = host->hidden_llc;
		like->hidden_node = host->hidden_node;
	}
	return like->hidden_llc == host->hidden_llc && like->hidden_node == host->hidden_node;
}

int like_parse(struct like *out, const struct curves *curves, const char *text)
{
	struct like like = { 0 };

	for (const char *word = text;; word++) {
		size_t n = strcspn(word, ",");

		if (!begins_a_series(curves, word, n)) {
			warnx("--like %s: no published series begins with '%.*s'", text, (int)n,
			      word);
			return -ENOENT;
		}
		word += n;
		if (!*word)
			break;
	}
	for (unsigned i = 0; i < curves->n; i++)
		if (is_like(curves->curve[i].name, text) &&
		    !add_host(&like, host_of(curves->curve[i].name))) {
			warnx("--like %s: the operating system hides other caches or nodes "
			      "on one of these hosts than on another: name hosts of one "
			      "maker",
			      text);
			return -EINVAL;
		}
	*out = like;
	return 0;
}
