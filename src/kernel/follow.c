// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include "follow.h"
#include "follow.skel.h"
#include "libbpf_log.h"

static int start(struct follow_bpf *skel, const struct nr_maps *maps, uint32_t collector)
{
	skel->rodata->collector = collector;
	return bpf_map__reuse_fd(skel->maps.nr_followed, maps->followed_fd)
		       ?: follow_bpf__load(skel) ?: follow_bpf__attach(skel);
}

int nr_follow_start(struct follow_bpf **out, const struct nr_maps *maps, uint32_t collector,
		    const struct nr_logger *log)
{
	struct follow_bpf *skel;
	int err;

	nr_libbpf_log_begin(log, NULL);
	skel = follow_bpf__open();
	err = skel ? start(skel, maps, collector) : -errno;
	nr_libbpf_log_end();
	if (!err) {
		*out = skel;
		return 0;
	}
	nr_log(log, NR_LOG_ERROR, "cannot follow processes: %s", nr_reason(err));
	follow_bpf__destroy(skel);
	return err;
}

uint64_t nr_follow_missed(const struct follow_bpf *skel)
{
	return __atomic_load_n(&skel->bss->missed, __ATOMIC_RELAXED);
}

void nr_follow_detach(struct follow_bpf *skel)
{
	if (skel)
		follow_bpf__detach(skel);
}

void nr_follow_stop(struct follow_bpf *skel)
{
	follow_bpf__destroy(skel);
}
