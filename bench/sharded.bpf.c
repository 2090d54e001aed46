// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Producer for numaring: it emits records as any other program does. */
#include "vmlinux.h"
#include "numaring.bpf.h"
#include "cell.h"

struct bench {
	__u64 seq;
};
NR_EVENT(bench, 1);

/* The type of longer records of any size: in a trace, the type above would cut them short. */
struct bench_long {
	__u64 seq;
	__u64 words_len;
	__u64 words[];
};
NR_EVENT(bench_long, 2);

/* Words of payload. All of them are written, as a real program would. */
const volatile __u32 bench_words = 0;
/* 0: a record goes to its CPU's shard; else to any of so many, as those of a larger host would. */
const volatile __u32 bench_shards = 0;

static __always_inline int emit(void *ctx, struct bench_cell *cell, __u64 seq)
{
	const __u32 words = bench_words;
	const bool is_long = words >= sizeof(struct bench_long) / 8;
	struct nr_cpu *c;
	__u64 *data;

	(void)ctx;
	(void)cell;
	if (bench_shards) {
		c = nr_this_cpu();
		if (c)
			c->shard = bpf_get_prandom_u32() % bench_shards;
	}
	data = nr_reserve_bytes(is_long ? nr_id_of_bench_long : nr_id_of_bench, words * 8ul);
	if (!data)
		return -1;
	for (__u32 i = 0; i < words; i++)
		data[i] = seq;
	if (is_long)
		data[1] = words - 2;
	nr_submit_record(NR_RECORD_OF(data), sizeof(struct nr_record) + words * 8ul);
	return 0;
}

#include "produce.bpf.h"
