/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The functions for objects of a collector: which object is which, when it may be used, its constants, targets
 * and maps. The objects are in this program's directory. */
#include <errno.h>
#include <libgen.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <numaring/numaring.h>

static char settings[512], attached[512];

static int count_hits(void *ctx, const struct nr_batch *batch)
{
	*(unsigned *)ctx += batch->n;
	return 0;
}

static struct nr_collector *open_collector(unsigned *events)
{
	struct nr_collector *c = NULL;
	int err = nr_collector_open(&c, NULL);

	if (err == -EPERM || err == -EOPNOTSUPP)
		skip();
	assert_int_equal(err, 0);
	assert_true(nr_collector_add_batch(c, count_hits, events, NULL) >= 0);
	return c;
}

static void test_numbers_of_objects(void **state)
{
	unsigned events = 0;
	struct nr_collector *c = open_collector(&events);

	(void)state;
	assert_null(nr_collector_object(c, 0));
	assert_int_equal(nr_collector_add_source(c, "exec"), 0);
	assert_null(nr_collector_object(c, 0));
	assert_int_equal(nr_collector_add_object(c, settings), 0);
	assert_int_equal(nr_collector_add_source(c, "sched"), 0);
	assert_int_equal(nr_collector_add_object(c, attached), 0);
	assert_non_null(bpf_object__find_program_by_name(nr_collector_object(c, 0), "run"));
	assert_non_null(bpf_object__find_program_by_name(nr_collector_object(c, 1), "fill"));
	assert_null(nr_collector_object(c, 2));
	assert_int_equal(nr_collector_set(c, 2, "byte", "1"), -ENOENT);
	assert_int_equal(nr_collector_set(c, 1, "byte", "1"), -ENOENT);
	assert_int_equal(nr_collector_set(c, 0, "byte", "256"), -ERANGE);
	assert_int_equal(nr_collector_set(c, 0, "byte", "x1"), -EINVAL);
	assert_int_equal(nr_collector_set(c, 0, "byte", "255"), 0);
	assert_int_equal(nr_collector_attach(c, 1, "on_tc", "lo"), -EINVAL);
	assert_int_equal(nr_collector_attach(c, 1, "on_nothing", "lo"), -ENOENT);
	assert_int_equal(nr_collector_attach(c, 1, "on_socket", "lo"), -EOPNOTSUPP);
	nr_collector_close(c);
}

struct text {
	char data[4096];
	size_t size;
};

static int keep_text(void *ctx, const char *text, size_t size)
{
	struct text *to = ctx;

	assert_true(size < sizeof(to->data));
	memcpy(to->data, text, size);
	to->data[size] = 0;
	to->size = size;
	return 7;
}

/* The caller's own map size, a look into a map while it runs, and the text after the stop. */
static void test_a_recording(void **state)
{
	unsigned events = 0;
	struct nr_collector *c = open_collector(&events);
	struct bpf_object *obj;
	struct text text = {};
	uint32_t key = 13;
	int32_t value = 0;

	(void)state;
	assert_int_equal(nr_collector_add_object(c, attached), 0);
	obj = nr_collector_object(c, 0);
	assert_int_equal(bpf_map__set_max_entries(bpf_object__find_map_by_name(obj, "cells"), 50),
			 0);
	assert_int_equal(nr_collector_attach(c, 0, "fill", "start"), 0);
	assert_int_equal(nr_collector_show_map(c, 0, "cells", NULL, NULL), 0);
	assert_int_equal(nr_collector_show_map(c, 0, "cell", NULL, NULL), -ENOENT);
	assert_int_equal(nr_collector_show_map(c, 0, "stacks", NULL, NULL), -EOPNOTSUPP);
	assert_int_equal(nr_collector_show_map(c, 0, "cells", keep_text, &text), -EINVAL);
	assert_int_equal(nr_collector_start(c), 0);
	assert_int_equal(nr_collector_set(c, 0, "byte", "1"), -EBUSY);
	assert_int_equal(nr_collector_attach(c, 0, "fill", "end"), -EBUSY);
	assert_int_equal(
		bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(obj, "cells"), &key, &value),
		0);
	assert_int_equal(value, -13);
	assert_int_equal(nr_collector_stop(c), 0);
	assert_ptr_equal(nr_collector_object(c, 0), obj);
	assert_int_equal(nr_collector_show_map(c, 0, "cells", keep_text, &text), 7);
	assert_string_equal(text.data, "map cells: 5 entries that are not 0\n"
				       "  3: -3\n  13: -13\n  23: -23\n  33: -33\n  43: -43\n");
	assert_int_equal(events, 1);
	nr_collector_close(c);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_of_objects),
		cmocka_unit_test(test_a_recording),
	};
	const char *dir = dirname(argv[0]);

	(void)argc;
	snprintf(settings, sizeof(settings), "%s/settings.bpf.o", dir);
	snprintf(attached, sizeof(attached), "%s/attached.bpf.o", dir);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
