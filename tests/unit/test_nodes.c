// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The nodes of the CPUs in a trace's metadata. NR_SEED=N repeats a run. */
#include "writer_help.h"

#include <errno.h>
#include "packet/nodes.h"
#include "seed.h"

#define CPUS 200

static char *write_nodes(const uint32_t *nodes, unsigned n_cpus)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	nr_nodes_write(f, nodes, n_cpus);
	fclose(f);
	return text;
}

static void test_text(void **state)
{
	const uint32_t none = UINT32_MAX, nodes[] = { 1, 1, 0, none, 0, 0, 3000000000, none, none };
	char *text = write_nodes(nodes, 9);

	(void)state;
	assert_string_equal(text, "0:2,4-5 1:0-1 3000000000:6");
	free(text);
	text = write_nodes(nodes + 7, 2);
	assert_string_equal(text, "");
	free(text);
}

static void test_refused(void **state)
{
	const char *const texts[] = { "",	"0",	   "0:",	   "0:1,",     "0:1-",
				      "0:2-1x", "0:1 ,2",  ":1",	   "0: 1",     "0:-1",
				      "-1:1",	"0:65536", "4294967295:1", "0:1  1:2", "0:1\n1:2" };
	uint32_t *nodes = NULL;
	unsigned n;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(nr_nodes_read(texts[i], &nodes, &n), -EINVAL);
	assert_null(nodes);
}

/* What is written is read, up to the last CPU whose node is known. */
static void test_random(void **state)
{
	struct seed seed = { seed_first("nodes") };

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		uint32_t nodes[CPUS], *got = NULL;
		unsigned n = 1 + seed_below(&seed, CPUS), n_got = 0, known = 0;
		unsigned n_nodes = 1 + seed_below(&seed, 9);
		char *text;

		for (unsigned cpu = 0; cpu < n; cpu++) {
			nodes[cpu] =
				seed_once_in(&seed, 4) ? UINT32_MAX : seed_below(&seed, n_nodes);
			known = nodes[cpu] != UINT32_MAX ? cpu + 1 : known;
		}
		text = write_nodes(nodes, n);
		assert_int_equal(nr_nodes_read(text, &got, &n_got), known ? 0 : -EINVAL);
		if (known) {
			assert_int_equal(n_got, known);
			assert_memory_equal(got, nodes, known * sizeof(*nodes));
		}
		free(got);
		free(text);
	}
}

static void test_trace(void **state)
{
	const uint32_t nodes[] = { 0, 0, 1, UINT32_MAX, 1 };
	struct nr_trace *trace;
	unsigned n = 7;

	(void)state;
	open_trace("nodes", (struct writer_opts){ .cpu_nodes = nodes, .n_cpus = 5 });
	close_trace();
	trace = read_trace();
	assert_memory_equal(nr_trace_nodes(trace, &n), nodes, sizeof(nodes));
	assert_int_equal(n, 5);
	nr_trace_close(trace);
	drop_trace();
	open_trace("unknown", (struct writer_opts){ .n_cpus = 0 });
	close_trace();
	trace = read_trace();
	assert_null(nr_trace_nodes(trace, &n));
	assert_int_equal(n, 0);
	nr_trace_close(trace);
	drop_trace();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_trace),
	};

	return cmocka_run_group_tests(tests, make_btf, free_btf);
}
