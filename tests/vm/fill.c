// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `fill N`: prints how long it takes to put N rings into an array of maps, in ms: one update after
 * the other, one batch, and a batch from each of several threads, as in src/kernel/maps.c. Every
 * update of such a map waits for a grace period of the kernel. A batch waits only once, but only
 * from Linux 6.8 on. Fails if the threads bring no gain. The case cases/big checks that the
 * collector uses them.
 */
#include <bpf/bpf.h>
#include <linux/types.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define THREADS 32

struct fill {
	int outer;
	uint32_t n;
	uint32_t *keys;
	int *rings;
	_Atomic(uint32_t) next;
	_Atomic(int) err;
};

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static void put_singly(struct fill *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (bpf_map_update_elem(f->outer, &f->keys[i], &f->rings[i], 0))
			atomic_store(&f->err, 1);
}

static void put_batch(struct fill *f, uint32_t first, uint32_t end)
{
	uint32_t count = end - first;

	if (count &&
	    bpf_map_update_batch(f->outer, f->keys + first, f->rings + first, &count, NULL))
		atomic_store(&f->err, 1);
}

static void *put_stretch(void *arg)
{
	struct fill *f = arg;
	uint32_t t = atomic_fetch_add(&f->next, 1);

	put_batch(f, f->n * t / THREADS, f->n * (t + 1) / THREADS);
	return NULL;
}

static void put_threaded(struct fill *f)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, put_stretch, f))
			abort();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static int make(struct fill *f)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);

	f->keys = calloc(f->n, sizeof(*f->keys));
	f->rings = calloc(f->n, sizeof(*f->rings));
	if (!f->keys || !f->rings)
		return -1;
	for (uint32_t i = 0; i < f->n; i++) {
		f->keys[i] = i;
		f->rings[i] = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0,
					     sysconf(_SC_PAGESIZE), NULL);
		if (f->rings[i] < 0)
			return -1;
	}
	opts.inner_map_fd = f->rings[0];
	f->outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "rings", 4, 4, f->n, &opts);
	return f->outer < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct fill f = { .n = argc > 1 ? atoi(argv[1]) : 128 };
	double t[4];

	if (make(&f)) {
		perror("fill: cannot make the maps");
		return 1;
	}
	t[0] = now_ms();
	put_singly(&f);
	t[1] = now_ms();
	put_batch(&f, 0, f.n);
	t[2] = now_ms();
	put_threaded(&f);
	t[3] = now_ms();
	printf("fill: %u rings: singly %.0f ms, batch %.0f ms, from %d threads %.0f ms\n", f.n,
	       t[1] - t[0], t[2] - t[1], THREADS, t[3] - t[2]);
	return atomic_load(&f.err) || t[3] - t[2] > (t[1] - t[0]) / 2;
}
