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

/*
 * far_ratio: what another package costs at most, as a multiple of the farthest distance that the
 * curves contain. EPYC: latencies of a 7742, 267 / 132 ns. Arm: what the curves of the kernel's lock
 * on 2 x 128 Neoverse-N1 say (will-it-scale open1, table 7 of the check).
 */
#define FAR_EPYC (267.0 / 132)
#define FAR_ARM	 6.4

const struct host published_hosts[] = {
	{
		.prefix = "e5_2680v4",
		.layout = { .packages = 2, .cores = 14, .smt = 2, .llc = 14, .node = 14 },
		.prior = { .own_ns = OWN_E5, .retake = 0.20 },
		.far_ratio = 118.0 / 44,
		.kin = "spr",
		.latency_near = "xeon_e5_2695v4,same_socket",
		.latency_far = "xeon_e5_2695v4,cross_socket",
	},
	{
		.prefix = "spr",
		.layout = { .packages = 2, .cores = 28, .smt = 1, .llc = 28, .node = 28 },
		.prior = { .own_ns = OWN_E5, .retake = 0.26 },
		.far_ratio = 108.0 / 51,
		.kin = "e5_2680v4",
		.latency_near = "xeon_8375c,same_socket",
		.latency_far = "xeon_8375c,cross_socket",
	},
	{
		.prefix = "epyc9654",
		.layout = { .packages = 2, .cores = 96, .smt = 2, .llc = 8, .node = 24 },
		.hidden = { .node = 24, .homed = true },
		.prior = { .own_ns = 1e3 / 32.18, .retake = 0.53 },
		.far_ratio = FAR_EPYC,
		.kin = "ryzen7950x",
		.latency_near = "epyc_7r13,same_ccx",
		.latency_far = "epyc_7r13,cross_ccx",
	},
	{
		.prefix = "kunpeng920",
		.layout = { .packages = 2, .cores = 64, .smt = 1, .llc = 4, .node = 32 },
		.hidden.llc = 4,
		.prior = { .own_ns = 1e3 / 14.478, .retake = 0.50 },
		.far_ratio = FAR_ARM,
		.latency_far = "kunpeng_920_6426,median",
	},
	{
		.prefix = "ryzen7950x",
		.layout = { .packages = 1, .cores = 16, .smt = 2, .llc = 8, .node = 16 },
		.prior = { .own_ns = 1e3 / 77.296, .retake = 0.69 },
		.far_ratio = FAR_EPYC,
		.kin = "epyc9654",
		.latency_far = "ryzen_7950x,median",
	},
	{ 0 },
};

const struct host *host_of(const char *series)
{
	for (const struct host *host = published_hosts; host->prefix; host++)
		if (!strncmp(series, host->prefix, strlen(host->prefix)))
			return host;
	return NULL;
}

/* ---- lists of prefixes ---- */
bool is_like(const char *series, const char *like)
{
	char *rest = strdupa(like), *word;

	while ((word = strsep(&rest, ",")))
		if (*word && !strncmp(series, word, strlen(word)))
			return true;
	return false;
}

static bool begins_a_series(const struct curves *curves, const char *word)
{
	for (unsigned i = 0; i < curves->n; i++)
		if (has_consumer(&curves->curve[i]) && is_like(curves->curve[i].name, word))
			return true;
	return false;
}

/* false: they hide different things. */
static bool add_host(struct like *like, const struct host *host)
{
	const struct hidden *h = &host->hidden;

	like->single = !like->host || (like->single && like->host == host);
	if (!like->host)
		like->host = host;
	if (!h->llc && !h->node)
		return true;
	if (!like->hidden.llc && !like->hidden.node)
		like->hidden = *h;
	return !memcmp(&like->hidden, h, sizeof(*h));
}

int like_parse(struct like *out, const struct curves *curves, const char *text)
{
	char *rest = strdupa(text), *word;
	struct like like = { 0 };

	while ((word = strsep(&rest, ",")))
		if (!begins_a_series(curves, word)) {
			warnx("--like %s: no published series with a consumer begins with '%s'",
			      text, word);
			return -ENOENT;
		}
	for (unsigned i = 0; i < curves->n; i++) {
		const char *name = curves->curve[i].name;

		if (is_like(name, text) && !add_host(&like, host_of(name))) {
			warnx("--like %s: the operating system hides other caches or nodes "
			      "on one of these hosts than on another: name hosts of one "
			      "maker",
			      text);
			return -EINVAL;
		}
	}
	*out = like;
	return 0;
}
