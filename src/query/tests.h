/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a recording needs of an expression: the tests that run inside of BPF programs. */
#ifndef NR_QUERY_TESTS_H
#define NR_QUERY_TESTS_H

#include <linux/types.h>
#include <numaring/query.h>
#include <numaring/record.h>

enum nr_tests_part {
	NR_TESTS_NONE, /* there are no tests: what matches is only known on the stream */
	NR_TESTS_SOME, /* they let all events pass that match, and maybe others */
	NR_TESTS_ALL,  /* they let exactly those events pass that match */
};

/*
 * Translates the expression, as it is for one event type, into tests[NR_FILTER_TESTS]; what is left
 * of them is zero. If every event of the type matches, there are no tests, and the result is
 * NR_TESTS_ALL. If none matches, there is one test that rejects everything. `cgroup` is taken as
 * true: see nr_query_cgroup. Only one thread at a time may call it for a query.
 */
enum nr_tests_part nr_query_tests(const struct nr_query *query, uint16_t id,
				  struct nr_test tests[NR_FILTER_TESTS]);
/* Is the expression false for every event of this type? */
bool nr_query_is_false(const struct nr_query *query, uint16_t id);
/* The path of `cgroup == "PATH"`, which the query takes as true; NULL: there is none. */
const char *nr_query_cgroup(const struct nr_query *query);

#endif
