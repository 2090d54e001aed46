// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Keeps what attaches the programs of an object, and detaches them. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include "object.h"
#include "tc.h"

int nr_object_link(struct nr_object *o, struct bpf_link *link)
{
	struct bpf_link **grown = reallocarray(o->links, o->n_links + 1, sizeof(*grown));

	if (!grown) {
		bpf_link__destroy(link);
		return -ENOMEM;
	}
	o->links = grown;
	o->links[o->n_links++] = link;
	return 0;
}

/* The kernel waits for a grace period for each link, so several threads share the links. */
#define DETACH_THREADS 32

struct share {
	struct nr_object *o;
	unsigned first;
	unsigned step;
	pthread_t thread;
};

static void *destroy_share(void *arg)
{
	const struct share *share = arg;

	for (unsigned i = share->first; i < share->o->n_links; i += share->step)
		bpf_link__destroy(share->o->links[i]);
	return NULL;
}

static void destroy_links(struct nr_object *o)
{
	unsigned n = o->n_links < DETACH_THREADS ? o->n_links : DETACH_THREADS, begun = 0;
	struct share shares[DETACH_THREADS];

	for (unsigned i = 0; i < n; i++)
		shares[i] = (struct share){ .o = o, .first = i, .step = n };
	while (begun + 1 < n &&
	       !pthread_create(&shares[begun].thread, NULL, destroy_share, &shares[begun]))
		begun++;
	for (unsigned i = begun; i < n; i++) /* without threads, this one has to do it */
		destroy_share(&shares[i]);
	for (unsigned i = 0; i < begun; i++)
		pthread_join(shares[i].thread, NULL);
}

void nr_object_detach(struct nr_object *o)
{
	nr_tc_detach(o);
	destroy_links(o);
	free(o->iterators);
	o->iterators = NULL;
	o->n_iterators = 0;
	free(o->links);
	o->links = NULL;
	o->n_links = 0;
}
