// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Probes: one program for functions of the kernel and of processes, and one for USDT probes. Each
 * gets the number of the probe as its cookie. A program of a uprobe may be preempted, so there is no
 * buffer for each CPU: the record is written in pieces.
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include "numaring.bpf.h"
#include "current.h"
#include "probe.h"
#include "tasks.h"
/* after vmlinux.h */
#include <bpf/usdt.bpf.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct nr_probe_config nr_probe_configs[NR_PROBE_MAX] = {};

#ifdef __TARGET_ARCH_arm64
#define PARM6(ctx) (((struct user_pt_regs *)(ctx))->regs[5])
#else
#define PARM6(ctx) ((ctx)->r9)
#endif

/* The verifier wants constant offsets into the context, so the compiler must not join the loads. */
#define LOAD(value)                                                                                \
	({                                                                                         \
		__u64 value_ = (value);                                                            \
		asm volatile("" : "+r"(value_));                                                   \
		value_;                                                                            \
	})

static __always_inline __u64 read_register(struct pt_regs *ctx, __u8 from)
{
	switch (from) {
	case 0:
		return LOAD(PT_REGS_PARM1(ctx));
	case 1:
		return LOAD(PT_REGS_PARM2(ctx));
	case 2:
		return LOAD(PT_REGS_PARM3(ctx));
	case 3:
		return LOAD(PT_REGS_PARM4(ctx));
	case 4:
		return LOAD(PT_REGS_PARM5(ctx));
	case 5:
		return LOAD(PARM6(ctx));
	}
	return LOAD(PT_REGS_RC(ctx));
}

/* A text that cannot be read is empty. */
static __always_inline void write_text(struct nr_writer *to, const struct nr_probe_arg *arg,
				       __u64 address)
{
	char text[NR_PROBE_TEXT] = {};
	long len = -1;

	if (arg->read != NR_PROBE_USER_TEXT)
		len = bpf_probe_read_kernel_str(text, sizeof(text), (void *)address);
	if (len < 0 && arg->read != NR_PROBE_KERNEL_TEXT)
		len = bpf_probe_read_user_str(text, sizeof(text), (void *)address);
	if (len < 0)
		__builtin_memset(text, 0, sizeof(text));
	nr_write(to, arg->to, text, sizeof(text));
}

static __always_inline void write_arg(struct nr_writer *to, const struct nr_probe_arg *arg,
				      __u64 value)
{
	if (arg->read == NR_PROBE_NUMBER)
		nr_write(to, arg->to, &value, sizeof(value));
	else
		write_text(to, arg, value);
}

static __always_inline int begin(struct nr_writer *record, __u32 id,
				 const struct nr_probe_config *config)
{
	struct nr_current head;

	if (nr_open(record, id, config->size))
		return -1;
	fill_current(&head);
	nr_write(record, 0, &head, sizeof(head));
	return 0;
}

SEC("kprobe")
int on_function(struct pt_regs *ctx)
{
	__u32 id = bpf_get_attach_cookie(ctx) & (NR_PROBE_MAX - 1);
	const struct nr_probe_config *config =
		(const struct nr_probe_config *)&nr_probe_configs[id];
	struct nr_writer record;

	if (!current_wanted() || begin(&record, id, config))
		return 0;
	for (int i = 0; i < NR_PROBE_ARGS && i < config->n_args; i++)
		write_arg(&record, &config->args[i], read_register(ctx, config->args[i].from));
	nr_close(&record, config->size);
	return 0;
}

SEC("usdt")
int on_usdt(struct pt_regs *ctx)
{
	__u32 id = bpf_usdt_cookie(ctx) & (NR_PROBE_MAX - 1);
	const struct nr_probe_config *config =
		(const struct nr_probe_config *)&nr_probe_configs[id];
	struct nr_writer record;

	if (!current_wanted() || begin(&record, id, config))
		return 0;
	for (int i = 0; i < NR_PROBE_ARGS && i < config->n_args; i++) {
		long value = 0;

		bpf_usdt_arg(ctx, config->args[i].from, &value);
		write_arg(&record, &config->args[i], value);
	}
	nr_close(&record, config->size);
	return 0;
}
