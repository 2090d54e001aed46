// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Format files of tracepoints become event types; names that are not known have a nearest one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <bpf/btf.h>
#include "base/nearest.h"
#include "kernel/format_type.h"
#include "types/types.h"

#define COMMON                                                                                     \
	"name: some\nID: 42\nformat:\n"                                                            \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"                     \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"                     \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"             \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

/* sched_switch of Linux 6.1, shortened. */
static const char sched_switch[] =
	COMMON "\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
	       "\tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;\n"
	       "\tfield:int prev_prio;\toffset:28;\tsize:4;\tsigned:1;\n"
	       "\tfield:long prev_state;\toffset:32;\tsize:8;\tsigned:1;\n"
	       "\nprint fmt: \"prev_comm=%s prev_state=%s%s\", REC->prev_comm, "
	       "(REC->prev_state & ((0x00000001 | 0x00000002) + 1)) ? "
	       "__print_flags(REC->prev_state & ((((0x0000 | 0x0001) + 1) << 1) - 1), \"|\", "
	       "{ 0x00000001, \"S\" }, { 0x00000002, \"D\" }) : \"R\", "
	       "REC->prev_state & 8 ? \"+\" : \"\"\n";

/* ras:mc_event and others of Linux 5.18 to 6.18, shortened: everything of variable length. */
static const char arrays[] =
	COMMON "\tfield:unsigned int error_type;\toffset:8;\tsize:4;\tsigned:0;\n"
	       "\tfield:__data_loc char[] msg;\toffset:12;\tsize:4;\tsigned:0;\n"
	       "\tfield:__rel_loc u64[] phys;\toffset:16;\tsize:4;\tsigned:0;\n"
	       "\tfield:bool ok;\toffset:20;\tsize:1;\tsigned:0;\n"
	       "\tfield:u8 uuid[16];\toffset:21;\tsize:16;\tsigned:0;\n"
	       "\tfield:void * p;\toffset:40;\tsize:8;\tsigned:0;\n"
	       "\tfield:struct timespec t;\toffset:48;\tsize:16;\tsigned:0;\n"
	       "\tfield:u32 buf_len;\toffset:64;\tsize:4;\tsigned:0;\n"
	       "\tfield:__data_loc u8[] buf;\toffset:68;\tsize:4;\tsigned:0;\n"
	       "\tfield:long mem[2];\toffset:72;\tsize:16;\tsigned:1;\n"
	       "\nprint fmt: \"%s\", __get_str(msg)\n";

/* Values that a person may write into a print format. */
static const char values[] = COMMON
	"\tfield:int err;\toffset:8;\tsize:4;\tsigned:1;\n"
	"\tfield:u8 small;\toffset:12;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned int flags;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned int odd;\toffset:20;\tsize:4;\tsigned:0;\n"
	"\nprint fmt: \"{ 5, \\\"not this\\\" } %s %s %s\", "
	"__print_symbolic(REC->err, { -1, \"minus one\" }, { 2, \"2nd\" }, { ENOENT, \"x\" }, "
	"{(1U << 31), \"top\"}, { 0x100000000, \"too large\" }), "
	"__print_symbolic((u8)(REC->small), { 255, \"ALL\" }, { 256, \"NEVER\" }), "
	"__print_flags((unsigned long)REC->flags, \"|\", "
	"{ (unsigned long)((( gfp_t)(1UL << (3))) | ~0xffffffffUL & 1), \"EIGHT\" }, "
	"{ 1 + 2 * 2, \"FIVE\" }, { CLOSE, \"CLOSE\" }, { 1 << (CLOSE), \"BIT\" }, { CLOSED, "
	"\"NO\" }, { 6 ^ 2, \"\" }), "
	"__print_symbolic(REC->odd >> 3, { 1, \"shifted\" }), "
	"__print_symbolic(REC->nowhere, { 1, \"nowhere\" }), "
	"__print_symbolic(REC->odd, { 1, \"open\"";

/* The kernel of this test has one symbol. */
static bool find_symbol(void *ctx, const char *name, size_t len, uint64_t *value)
{
	(void)ctx;
	*value = 7;
	return len == 5 && !strncmp(name, "CLOSE", len);
}

static const struct nr_tp_symbols symbols = { find_symbol, NULL };

static struct nr_types *types_of(const char *text, struct nr_tp_config *config)
{
	struct nr_tp_format *format = NULL;
	struct btf *btf = btf__new_empty();
	struct nr_types *types = NULL;
	int id;

	assert_int_equal(nr_tp_format_parse(&format, text, &symbols), 0);
	assert_int_equal(format->id, 42);
	id = nr_tp_format_type(format, "some", btf, config);
	assert_true(id > 0);
	assert_int_equal(nr_types_new(&types, NULL, NULL), 0);
	assert_int_equal(nr_types_add(types, 7, "group:some", btf, id), 0);
	btf__free(btf);
	nr_tp_format_free(format);
	return types;
}

static struct nr_field_info field(const struct nr_types *types, const char *name)
{
	struct nr_field_info f = { .sz = sizeof(f) };

	if (nr_types_field(types, 7, name, &f))
		fail_msg("there is no field %s", name);
	return f;
}

static void test_fixed(void **state)
{
	struct nr_tp_config config;
	struct nr_types *types = types_of(sched_switch, &config);
	struct nr_field_info f;
	uint64_t value;

	(void)state;
	f = field(types, "current_pid");
	assert_null(nr_field_enum_at(&f, 0, &value));
	assert_int_equal(f.bit_offset, 0);
	f = field(types, "current_comm");
	assert_int_equal(f.kind, NR_FIELD_TEXT);
	assert_int_equal(f.count, 16);
	f = field(types, "prev_comm");
	assert_int_equal(f.kind, NR_FIELD_TEXT);
	assert_int_equal(f.bit_offset, 24 * 8);
	f = field(types, "prev_prio");
	assert_int_equal(f.kind, NR_FIELD_INT);
	assert_int_equal(f.bits, 32);
	f = field(types, "prev_state");
	assert_true(f.is_enum);
	assert_string_equal(nr_field_enum_name(&f, 2), "D");
	assert_null(nr_field_enum_name(&f, 3));
	assert_string_equal(nr_field_enum_at(&f, 1, &value), "D");
	assert_int_equal(value, 2);
	assert_null(nr_field_enum_at(&f, 2, &value));
	assert_int_equal(config.copy, 32);
	assert_int_equal(config.head, 24 + 32);
	assert_int_equal(config.n_dynamic, 0);
	nr_types_free(types);
}

static void test_arrays(void **state)
{
	struct nr_tp_config config;
	struct nr_types *types = types_of(arrays, &config);
	struct nr_field_info f = { .sz = sizeof(f) };

	(void)state;
	f = field(types, "msg"); /* not the last one, so it is cut */
	assert_int_equal(f.kind, NR_FIELD_TEXT);
	assert_int_equal(f.count, NR_TP_BOUND);
	assert_int_equal(nr_types_field(types, 7, "msg_len", &f), -ENOENT);
	f = field(types, "phys");
	assert_int_equal(f.bits, 64);
	assert_int_equal(f.count, NR_TP_BOUND / 8);
	f = field(types, "phys_len");
	assert_int_equal(f.bit_offset, (16 + 16) * 8);
	assert_true(field(types, "ok").is_bool);
	assert_true(field(types, "p").is_pointer);
	assert_false(f.is_pointer);
	f = field(types, "uuid");
	assert_int_equal(f.count, 16);
	f = field(types, "t"); /* its bytes */
	assert_int_equal(f.count, 16);
	assert_int_equal(f.bits, 8);
	assert_int_equal(f.elem_kind, NR_FIELD_UINT);
	assert_int_equal(field(types, "mem").elem_kind, NR_FIELD_INT);
	f = field(types, "buf_data"); /* the kernel has a buf_len of its own */
	assert_true(f.is_tail);
	assert_int_equal(field(types, "buf_data_len").bit_offset, (68 + 16) * 8);
	assert_int_equal(config.n_dynamic, 3);
	assert_int_equal(config.dynamic[0].at, 12);
	assert_true(config.dynamic[0].is_text);
	assert_false(config.dynamic[0].is_tail);
	assert_true(config.dynamic[1].is_rel);
	assert_int_equal(config.dynamic[1].shift, 3);
	assert_int_equal(config.dynamic[1].to, config.dynamic[0].to + NR_TP_BOUND);
	assert_true(config.dynamic[2].is_tail);
	assert_int_equal(config.dynamic[2].to, config.head);
	nr_types_free(types);
}

static void check_name(const struct nr_types *types, const char *name, uint64_t value,
		       const char *expected)
{
	struct nr_field_info f = field(types, name);
	const char *is = nr_field_enum_name(&f, value);

	if (!is || strcmp(is, expected))
		fail_msg("%s %lld is %s, not %s", name, (long long)value, is ?: "nothing",
			 expected);
}

static void test_names(void **state)
{
	struct nr_tp_config config;
	struct nr_types *types = types_of(values, &config);
	struct nr_field_info f;

	(void)state;
	check_name(types, "err", (uint64_t)-1, "minus_one");
	check_name(types, "err", 2, "_2nd");
	check_name(types, "err", (uint64_t)INT32_MIN, "top");
	check_name(types, "small", 255, "ALL");
	check_name(types, "flags", 8, "EIGHT");
	check_name(types, "flags", 5, "FIVE");
	check_name(types, "flags", 7, "CLOSE");
	check_name(types, "flags", 128, "BIT");
	f = field(types, "err");
	assert_null(nr_field_enum_name(&f, 5));
	assert_null(nr_field_enum_name(&f, 0));
	assert_false(field(types, "odd").is_enum);
	nr_types_free(types);
}

static void test_damaged(void **state)
{
	struct nr_tp_format *format = NULL;
	const char *all[] = { sched_switch, arrays, values };

	(void)state;
	assert_int_equal(nr_tp_format_parse(&format, "", NULL), -EINVAL);
	assert_int_equal(nr_tp_format_parse(&format, "ID: x", NULL), -EINVAL);
	assert_int_equal(
		nr_tp_format_parse(
			&format, "ID: 1\n\tfield:int a;\toffset:9000;\tsize:4;\tsigned:1;\n", NULL),
		-EINVAL);
	assert_int_equal(nr_tp_format_parse(&format,
					    "ID: 1\n\tfield:[;\toffset:8;\tsize:4;\tsigned:1;\n",
					    NULL),
			 -EINVAL);
	/* Cut anywhere, it is read or refused. */
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		for (size_t len = strlen(all[i]); len; len--) {
			char *cut = strndup(all[i], len);

			if (!nr_tp_format_parse(&format, cut, NULL))
				nr_tp_format_free(format);
			free(cut);
		}
	}
}

static const char *nearest(const char *wanted)
{
	static const char *const names[] = { "sched:sched_switch", "sched:sched_wakeup",
					     "block:block_rq_issue" };
	struct nr_nearest search = nr_nearest_begin(wanted);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		nr_nearest_try(&search, names[i]);
	return search.best;
}

static void test_nearest(void **state)
{
	(void)state;
	assert_string_equal(nearest("sched:sched_swich"), "sched:sched_switch");
	assert_string_equal(nearest("Sched:sched_wakeup"), "sched:sched_wakeup");
	assert_string_equal(nearest("sched:sched_wakuep"), "sched:sched_wakeup");
	assert_string_equal(nearest("rq_issue"), "block:block_rq_issue");
	assert_null(nearest("ext4:ext4_sync"));
	assert_null(nearest(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed),	cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_names),	cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
