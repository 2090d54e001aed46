// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tracepoints by name: one program for all of them, which gets the number of the tracepoint as its
 * cookie.
 *
 * The kernel runs no two programs of this kind at once on a CPU, and does not preempt one: so a CPU
 * needs one buffer.
 */
#include "vmlinux.h"
#include "numaring.bpf.h"
#include "current.h"
#include "tasks.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct nr_tp_config nr_tp_configs[NR_TP_MAX] = {};

struct buffer {
	__u8 data[NR_TP_HEAD + NR_TP_TAIL];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct buffer);
} nr_tp_buffers SEC(".maps");

/* Where the u32 of an array of variable length is in the event. The number of its elements takes
 * its place. */
static __always_inline __u32 *find_len(struct buffer *b, __u32 at)
{
	return (__u32 *)&b
		->data[(at - NR_TP_COMMON + sizeof(struct nr_current)) & (NR_TP_HEAD - 1)];
}

static __always_inline bool ends_with_zero(const __u8 *text, __u32 size)
{
	__u32 last = size - 1;

	/* Linux 6.1 does not know that size is at least 1 here, but the compiler would. */
	asm volatile("" : "+r"(last));
	return size && !text[last & (NR_TP_TAIL - 1)];
}

/* Copies the bytes of an array behind the record. Returns their number. */
static __always_inline __u32 copy_array(struct buffer *b, const struct nr_tp_dynamic *d, void *ctx)
{
	__u32 *len = find_len(b, d->at);
	__u32 loc = *len, size = loc >> 16, from = loc & 0xffff;
	__u8 *to = &b->data[d->to & (NR_TP_HEAD - 1)];

	if (d->is_rel)
		from += d->at + 4;
	if (!d->is_tail) {
		__builtin_memset(to, 0, NR_TP_BOUND);
		if (size > NR_TP_BOUND)
			size = NR_TP_BOUND;
	}
	size &= NR_TP_TAIL - 1;
	if (bpf_probe_read_kernel(to, size, ctx + from))
		size = 0;
	if (d->is_text && ends_with_zero(to, size))
		size--;
	*len = size >> d->shift;
	return size >> d->shift << d->shift;
}

SEC("tracepoint")
int on_tracepoint(void *ctx)
{
	__u32 id = bpf_get_attach_cookie(ctx) & (NR_TP_MAX - 1), zero = 0;
	const struct nr_tp_config *config = (const struct nr_tp_config *)&nr_tp_configs[id];
	__u64 tail = 0, size;
	struct buffer *b;

	if (!current_wanted())
		return 0;
	b = bpf_map_lookup_elem(&nr_tp_buffers, &zero);
	if (!b)
		return 0;
	fill_current((struct nr_current *)b->data);
	bpf_probe_read_kernel(&b->data[sizeof(struct nr_current)], config->copy & (NR_TP_HEAD - 1),
			      ctx + NR_TP_COMMON);
	for (int i = 0; i < NR_TP_DYNAMIC && i < config->n_dynamic; i++) {
		size = copy_array(b, &config->dynamic[i], ctx);
		if (config->dynamic[i].is_tail)
			tail = size & (NR_TP_TAIL - 1);
	}
	size = (config->head & (NR_TP_HEAD - 1)) + tail;
	/* Linux 6.1 needs the limit here, where the compiler knows it. */
	asm volatile("" : "+r"(size));
	if (size <= sizeof(b->data))
		nr_output_bytes(id, b->data, size, NULL, 0);
	return 0;
}
