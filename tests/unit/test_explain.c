// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Explanations of refused programs. refusals/linux-* holds libbpf's warnings on two kernels, one
 * mistake after the other. Each begins with a line
 *
 *	=== NAME [SECTION] WORDS
 *
 * The advice must contain WORDS; "-": there is no advice. The files have only the end of each log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/explain.h"

static unsigned count_lines(const struct nr_refusal *r)
{
	unsigned lines = 0;

	for (size_t i = 0; i < r->len; i++)
		lines += r->lines[i] == '\n' || i + 1 == r->len;
	return lines;
}

static void check_lines(const struct nr_refusal *r, const char *warnings, const char *name)
{
	const char *end = strstr(warnings, "-- END PROG LOAD LOG --");
	unsigned lines = count_lines(r);

	if (r->from_verifier != !!end)
		fail_msg("%s: from_verifier %d", name, r->from_verifier);
	if (!lines || lines > NR_REFUSAL_LINES || (!end && lines != 1))
		fail_msg("%s: %u lines", name, lines);
	if (end && r->lines + r->len != end)
		fail_msg("%s: not the end of the log", name);
}

static void check_case(char *head, const char *warnings)
{
	char name[32] = "", section[64] = "", words[64] = "";
	struct nr_refusal r;
	const char *advice;

	if (sscanf(head, "%31s [%63[^]]] %63[^\n]", name, section, words) < 3)
		assert_int_equal(sscanf(head, "%31s [] %63[^\n]", name, words), 2);
	nr_refusal_read(&r, warnings);
	advice = nr_refusal_advice(&r, section);
	if (!strcmp(words, "-") ? !!advice : !advice || !strstr(advice, words))
		fail_msg("%s: \"%s\" is not in \"%s\"", name, words, advice ?: "nothing");
	if (advice)
		check_lines(&r, warnings, name);
}

static char *read_file(const char *path)
{
	char *text = calloc(1, 1 << 20);
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_in_range(fread(text, 1, (1 << 20) - 1, f), 1, (1 << 20) - 2);
	fclose(f);
	return text;
}

static void test_refusals(void **state)
{
	char *text = read_file(*state), *next = strstr(text, "=== ");
	unsigned n = 0;

	while (next) {
		char *head = next + strlen("=== "), *warnings = strchr(head, '\n') + 1;

		next = strstr(warnings, "\n=== ");
		if (next)
			*next++ = '\0';
		check_case(head, warnings);
		n++;
	}
	free(text);
	assert_in_range(n, 30, 100);
}

/* Only the end of a long log is kept, so its first line is incomplete. */
static void test_cut(void **state)
{
	static const char warnings[] = "lf a line\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n"
				       "R0 invalid mem access 'map_value_or_null'\n"
				       "-- END PROG LOAD LOG --\n"
				       "libbpf: prog 'a_name': failed to load: -13\n";
	struct nr_refusal r;

	(void)state;
	nr_refusal_read(&r, warnings);
	assert_true(r.from_verifier);
	assert_string_equal(r.program, "a_name");
	assert_ptr_equal(r.lines, strstr(warnings, "1\n2"));
	assert_non_null(nr_refusal_advice(&r, "tp_btf/x"));
}

/* No warnings, and warnings in which only the quoted source looks like a mistake. */
static void test_nothing(void **state)
{
	struct nr_refusal r;

	(void)state;
	nr_refusal_read(&r, "");
	assert_false(r.from_verifier);
	assert_int_equal(r.len, 0);
	assert_string_equal(r.program, "");
	assert_null(nr_refusal_advice(&r, ""));
	nr_refusal_read(&r, "libbpf: prog 'p': -- BEGIN PROG LOAD LOG --\n"
			    "; puts(\"Unreleased reference\"); @ a.bpf.c:1\n"
			    "something new\n-- END PROG LOAD LOG --\n");
	assert_null(nr_refusal_advice(&r, "tp_btf/x"));
	assert_int_equal(count_lines(&r), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_refusals, REFUSALS "/linux-6.1"),
		cmocka_unit_test_prestate(test_refusals, REFUSALS "/linux-6.18"),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
