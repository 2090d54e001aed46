// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stack_flags.h"

#include <linux/bpf.h>

#define UNSAFE (BPF_F_REUSE_STACKID | BPF_F_FAST_STACK_CMP)

static bool calls_stackid(const struct bpf_insn *i)
{
	return i->code == (BPF_JMP | BPF_CALL) && !i->src_reg && i->imm == BPF_FUNC_get_stackid;
}

/* The third argument, flags, is in register 3. */
static bool writes_flags(const struct bpf_insn *i)
{
	unsigned class = BPF_CLASS(i->code);

	return i->dst_reg == BPF_REG_3 &&
	       (class == BPF_ALU || class == BPF_ALU64 || class == BPF_LDX ||
		i->code == (BPF_LD | BPF_IMM | BPF_DW));
}

static bool is_constant(const struct bpf_insn *i)
{
	unsigned class = BPF_CLASS(i->code);

	return (class == BPF_ALU || class == BPF_ALU64) && BPF_OP(i->code) == BPF_MOV &&
	       BPF_SRC(i->code) == BPF_K;
}

static bool jumps(const struct bpf_insn *i)
{
	unsigned op = BPF_OP(i->code);

	return (BPF_CLASS(i->code) == BPF_JMP || BPF_CLASS(i->code) == BPF_JMP32) &&
	       op != BPF_CALL && op != BPF_EXIT;
}

/* Does another way than from `first` lead to an instruction after it, up to `last`? */
static bool is_entered(const struct bpf_insn *insns, size_t n, size_t first, size_t last)
{
	for (size_t i = 0; i < n; i++) {
		long to = (long)i + 1 + insns[i].off;

		if (jumps(&insns[i]) && to > (long)first && to <= (long)last)
			return true;
	}
	return false;
}

static bool is_safe(const struct bpf_insn *insns, size_t n, size_t call)
{
	size_t i = call;

	while (i > 0 && !writes_flags(&insns[i - 1]))
		if (BPF_CLASS(insns[--i].code) == BPF_JMP && !jumps(&insns[i]))
			return false; /* a call, which leaves nothing in the register */
	if (!i || !is_constant(&insns[i - 1]) || is_entered(insns, n, i - 1, call))
		return false;
	return !(insns[i - 1].imm & UNSAFE);
}

bool nr_stack_flags_are_safe(const struct bpf_insn *insns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (calls_stackid(&insns[i]) && !is_safe(insns, n, i))
			return false;
	return true;
}

const char *nr_stack_flags_unsafe(const struct bpf_object *obj)
{
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, obj)
		if (bpf_program__autoload(prog) &&
		    !nr_stack_flags_are_safe(bpf_program__insns(prog), bpf_program__insn_cnt(prog)))
			return bpf_program__name(prog);
	return NULL;
}
