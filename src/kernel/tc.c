// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tc.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* BPF_TCX_INGRESS and BPF_TCX_EGRESS, which older headers lack. */
#define TCX_INGRESS 46
#define TCX_EGRESS  47

struct nr_tc {
	int link; /* -1: a filter */
	struct bpf_tc_hook hook;
	struct bpf_tc_opts filter;
	bool made_qdisc;
};

static int attach_link(struct nr_tc *tc, int prog_fd)
{
	int type = tc->hook.attach_point == BPF_TC_INGRESS ? TCX_INGRESS : TCX_EGRESS;

	tc->link = bpf_link_create(prog_fd, tc->hook.ifindex, type, NULL);
	return tc->link < 0 ? -errno : 0;
}

static void remove_qdisc(struct nr_tc *tc)
{
	struct bpf_tc_hook both = tc->hook;

	both.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	if (tc->made_qdisc)
		bpf_tc_hook_destroy(&both);
}

static int attach_filter(struct nr_tc *tc, int prog_fd)
{
	int err = bpf_tc_hook_create(&tc->hook);

	if (err && err != -EEXIST)
		return err;
	tc->made_qdisc = !err;
	tc->filter.prog_fd = prog_fd;
	err = bpf_tc_attach(&tc->hook, &tc->filter);
	if (err)
		remove_qdisc(tc);
	return err;
}

/* Kernels before 6.6 do not know the type of the link. */
static int attach_tc(struct nr_tc *tc, int prog_fd)
{
	int err = attach_link(tc, prog_fd);

	return err == -EINVAL ? attach_filter(tc, prog_fd) : err;
}

int nr_tc_attach(struct nr_object *o, const struct bpf_program *prog, int ifindex,
		 enum bpf_tc_attach_point point)
{
	struct nr_tc *grown = reallocarray(o->tcs, o->n_tcs + 1, sizeof(*grown)), *tc;
	int err;

	if (!grown)
		return -ENOMEM;
	o->tcs = grown;
	tc = &grown[o->n_tcs];
	*tc = (struct nr_tc){ .link = -1 };
	tc->hook = (struct bpf_tc_hook){ sizeof(tc->hook), ifindex, point, 0 };
	tc->filter.sz = sizeof(tc->filter);
	err = attach_tc(tc, bpf_program__fd(prog));
	o->n_tcs += !err;
	return err;
}

/* In reverse, so that a qdisc is removed after its filters. */
void nr_tc_detach(struct nr_object *o)
{
	for (unsigned i = o->n_tcs; i--;) {
		struct nr_tc *tc = &o->tcs[i];

		if (tc->link >= 0) {
			close(tc->link);
			continue;
		}
		tc->filter.flags = tc->filter.prog_fd = tc->filter.prog_id = 0;
		bpf_tc_detach(&tc->hook, &tc->filter);
		remove_qdisc(tc);
	}
	free(o->tcs);
	o->tcs = NULL;
	o->n_tcs = 0;
}
