// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <pthread.h>
#include "host.h"
#include "kernel_btf.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct btf *shared;
static unsigned users;

const struct btf *nr_kernel_btf_get(void)
{
	const struct btf *btf;

	pthread_mutex_lock(&lock);
	if (!shared)
		shared = btf__parse(NR_KERNEL_BTF, NULL);
	btf = shared;
	users += btf != NULL;
	pthread_mutex_unlock(&lock);
	return btf;
}

void nr_kernel_btf_put(const struct btf *btf)
{
	pthread_mutex_lock(&lock);
	users -= btf != NULL;
	pthread_mutex_unlock(&lock);
}

void nr_kernel_btf_drop(void)
{
	pthread_mutex_lock(&lock);
	if (!users) {
		btf__free(shared);
		shared = NULL;
	}
	pthread_mutex_unlock(&lock);
}
