// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <numaring/numaring.h>
#include <stdlib.h>
#include "base/clock.h"
#include "host.h"
#include "libbpf_log.h"
#include "timens.h"
#include "timens.skel.h"

/* A reading takes about a microsecond; the first ones take longer. */
#define READINGS 5

/* Reads the host's clock in a BPF program, between two readings of our own clock. */
static int read_clocks(struct timens_bpf *skel, struct nr_clock_bracket *b)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	uint64_t before = nr_clock_local();
	int err = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.read_clock), &opts);

	if (!err)
		nr_clock_narrow(b, before, skel->bss->host_now, nr_clock_local());
	return err;
}

static int measure_offset(int64_t *out)
{
	struct nr_clock_bracket bracket = NR_CLOCK_ANY;
	struct timens_bpf *skel = timens_bpf__open();
	int err = skel ? timens_bpf__load(skel) : -errno;

	for (unsigned i = 0; !err && i < READINGS; i++)
		err = read_clocks(skel, &bracket);
	if (!err) {
		int64_t reported = -skel->bss->shift;

		*out = nr_clock_choose(&bracket, skel->bss->known ? &reported : NULL);
	}
	timens_bpf__destroy(skel);
	return err;
}

static int find_offset(int64_t *out, const struct nr_logger *log)
{
	int err;

	if (nr_host_in_initial_timens()) {
		*out = 0;
		return 0;
	}
	nr_libbpf_log_begin(log, NULL);
	err = measure_offset(out);
	nr_libbpf_log_end();
	return err;
}

int nr_timens_enter(const struct nr_logger *log)
{
	int64_t offset;
	int err = find_offset(&offset, log);

	if (err) {
		nr_log(log, NR_LOG_ERROR,
		       "cannot compare this time namespace's clock with the host's: %s; run "
		       "outside "
		       "the time namespace",
		       strerror(-err));
		return err;
	}
	atomic_store_explicit(&nr_clock_offset, offset, memory_order_relaxed);
	if (offset)
		nr_log(log, NR_LOG_INFO,
		       "this time namespace's clock is %.3f s %s the host's; events carry the "
		       "host's",
		       llabs(offset) / 1e9, offset < 0 ? "ahead of" : "behind");
	return 0;
}

int nr_host_clock_offset(int64_t *out)
{
	return find_offset(out, &(const struct nr_logger){});
}
