// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which calls of bpf_get_stackid give an id to one stack only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/bpf.h>
#include <cmocka.h>
#include "kernel/stack_flags.h"

#define MOV(reg, value)                                                                            \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = reg, .imm = value                  \
	}
#define COPY(reg, from)                                                                            \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = reg, .src_reg = from               \
	}
#define CALL(helper)                                                                               \
	{                                                                                          \
		.code = BPF_JMP | BPF_CALL, .imm = helper                                          \
	}
#define JUMP(offset)                                                                               \
	{                                                                                          \
		.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 1, .off = offset                     \
	}
#define EXIT                                                                                       \
	{                                                                                          \
		.code = BPF_JMP | BPF_EXIT                                                         \
	}
#define STACKID CALL(BPF_FUNC_get_stackid)

#define SAFE(...)                                                                                  \
	nr_stack_flags_are_safe((const struct bpf_insn[]){ __VA_ARGS__ },                          \
				sizeof((const struct bpf_insn[]){ __VA_ARGS__ }) /                 \
					sizeof(struct bpf_insn))

static void safe(void **state)
{
	(void)state;
	assert_true(SAFE(EXIT));
	assert_true(SAFE(MOV(3, 0), STACKID, EXIT));
	assert_true(SAFE(MOV(3, BPF_F_USER_STACK), MOV(2, 0), STACKID, EXIT));
	assert_true(SAFE(JUMP(1), MOV(2, 1), MOV(3, 5), MOV(1, 0), STACKID, EXIT));
	assert_true(SAFE(MOV(3, 0), JUMP(1), STACKID, EXIT));
	/* the flags of another helper */
	assert_true(SAFE(MOV(3, BPF_F_REUSE_STACKID), CALL(BPF_FUNC_get_stack), EXIT));
}

static void unsafe(void **state)
{
	(void)state;
	assert_false(SAFE(MOV(3, BPF_F_REUSE_STACKID), STACKID, EXIT));
	assert_false(SAFE(MOV(3, BPF_F_FAST_STACK_CMP | BPF_F_USER_STACK), STACKID, EXIT));
	assert_false(SAFE(COPY(3, 6), STACKID, EXIT));
	assert_false(SAFE(STACKID, EXIT));
	assert_false(SAFE(MOV(3, 0), CALL(1), STACKID, EXIT));
	assert_false(SAFE(MOV(3, 0), STACKID, MOV(3, BPF_F_REUSE_STACKID), STACKID, EXIT));
	/* one of two values */
	assert_false(SAFE(MOV(3, BPF_F_REUSE_STACKID), JUMP(1), MOV(3, 0), STACKID, EXIT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(safe),
		cmocka_unit_test(unsafe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
