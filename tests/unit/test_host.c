// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Kernels that are too old. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "kernel/host.h"

static void test_old(void **state)
{
	static const char *const old[] = { "4.19.0", "5.8.0-63-generic", "5.17.15" };
	static const char *const fine[] = { "5.18.0-rc1", "5.18", "6.1.0-13-amd64", "10.0.1",
					    "odd" };

	(void)state;
	for (size_t i = 0; i < sizeof(old) / sizeof(*old); i++)
		assert_true(nr_host_is_old(old[i]));
	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++)
		assert_false(nr_host_is_old(fine[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_old) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
