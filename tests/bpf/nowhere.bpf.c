/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Loads on every kernel and attaches on none, so a start fails late. */
#include "vmlinux.h"
#include "numaring.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct nowhere {
	__u64 n;
};
NR_EVENT(nowhere, 0);

SEC("raw_tp/no_such_tracepoint")
int on_nothing(void *ctx)
{
	struct nowhere *e = nr_reserve(nowhere);

	if (!e)
		return 0;
	e->n = 0;
	nr_submit(e);
	return 0;
}
