// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The types that events can have: which ones are refused, and how a set of types is stored and
 * read. */
#include "types_help.h"

#include <errno.h>
#include "types/layout.h"
#include "types/types.h"

static void expect_refused(int err, uint16_t id, const char *name, int type, const char *words)
{
	struct nr_types *t = make_types();

	said[0] = 0;
	assert_int_equal(nr_types_add(t, id, name, btf, type), err);
	if (!strstr(said, words))
		fail_msg("said \"%s\", not \"%s\"", said, words);
	nr_types_free(t);
}

static void test_types_refused(void **state)
{
	int t, inner, rest = array(T.u8, 0);

	(void)state;
	expect_refused(-EEXIST, ID_POINT, "other", T.byte, "id 1 is taken by point");
	expect_refused(-EEXIST, 9, "point", T.byte, "already defined with a different layout");
	expect_refused(-EINVAL, 0x7fff, "x", T.byte, "use at most 32766");
	expect_refused(-EINVAL, 9, "", T.byte, "invalid event type name");
	expect_refused(-EINVAL, 9, "a\"b", T.byte, "invalid event type name");
	expect_refused(-EINVAL, 9, "x:late", T.byte, "invalid event type name");
	expect_refused(-EINVAL, 9, "numaring:x", T.byte, "invalid event type name");
	expect_refused(-EINVAL, 9, "x", T.u32, "not a struct");
	expect_refused(-EINVAL, 9, "x", 100000, "not a struct");

	t = btf__add_struct(btf, "no_len", 8);
	field("len", T.u32, 0);
	field("data", rest, 4);
	expect_refused(-ENOTSUP, 9, "x", t, "needs an unsigned integer member data_len");
	t = btf__add_struct(btf, "signed_len", 8);
	field("data_len", T.i32, 0);
	field("data", rest, 4);
	expect_refused(-ENOTSUP, 9, "x", t, "needs an unsigned integer member data_len");
	inner = btf__add_struct(btf, "inner", 4);
	field("data_len", T.u32, 0);
	field("data", rest, 4);
	t = btf__add_struct(btf, "nested_tail", 4);
	field("in", inner, 0);
	expect_refused(-ENOTSUP, 9, "x", t, "may only be the last member of the event itself");
	t = btf__add_struct(btf, "dollar", 8);
	field("a$b", T.u64, 0);
	expect_refused(-EINVAL, 9, "x", t, "field \"a$b\": use only letters, digits and _");
	t = btf__add_struct(btf, "twice", 8);
	field("a", T.u32, 0);
	field("a", T.u32, 4);
	expect_refused(-EINVAL, 9, "x", t, "two fields are called a");
	t = btf__add_struct(btf, "overlap", 8);
	field("a", T.u32, 0);
	field("b", T.u32, 2);
	expect_refused(-EINVAL, 9, "x", t, "overlaps");
	t = btf__add_struct(btf, "outside", 4);
	field("a", T.u64, 0);
	expect_refused(-EINVAL, 9, "x", t, "overlaps");
	inner = array(T.u64, 1 << 18);
	t = btf__add_struct(btf, "huge", 2u << 20);
	field("a", inner, 0);
	expect_refused(-EINVAL, 9, "x", t, "1 MiB");
	inner = btf__add_fwd(btf, "nowhere", BTF_FWD_STRUCT);
	t = btf__add_struct(btf, "forward", 8);
	field("a", inner, 0);
	expect_refused(-ENOTSUP, 9, "x", t, "of a type that events cannot hold");
}

static void test_types_twice(void **state)
{
	struct nr_types *t = make_types();

	(void)state;
	assert_int_equal(nr_types_add(t, 9, "point", btf, T.point), 0);
	assert_string_equal(nr_types_name(t, 9), "point");
	assert_null(nr_types_name(t, 10));
	assert_null(nr_types_name(t, 0xffff));
	nr_types_free(t);
}

static int count_type(void *ctx, uint16_t id, const char *name)
{
	char *text = ctx;

	sprintf(text + strlen(text), "%u:%s ", id, name);
	return id == ID_TAIL ? 42 : 0;
}

static void test_types_raw(void **state)
{
	struct nr_types *a = make_types(), *b = NULL;
	char text[200] = "";
	uint32_t size;
	const void *raw = nr_types_raw(a, &size);

	(void)state;
	assert_non_null(raw);
	assert_int_equal(nr_types_from_raw(&b, raw, size, hear, NULL), 0);
	assert_int_equal(nr_types_each(b, count_type, text), 42);
	assert_string_equal(text, "1:point 7:kinds 300:a.tail ");
	for (unsigned id = 0; id <= ID_BYTE; id++) {
		assert_int_equal(!nr_types_name(a, id), !nr_types_name(b, id));
		if (nr_types_name(a, id))
			assert_true(
				nr_layout_equal(nr_types_layout(a, id), nr_types_layout(b, id)));
	}
	nr_types_free(b);
	for (uint32_t cut = 0; cut < size; cut++) /* a cut file is refused, at any length */
		assert_int_equal(nr_types_from_raw(&b, raw, cut, NULL, NULL), -EBADMSG);
	nr_types_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types_refused),
		cmocka_unit_test(test_types_twice),
		cmocka_unit_test(test_types_raw),
	};

	return !!cmocka_run_group_tests_name("types", tests, make_btf, free_btf);
}
