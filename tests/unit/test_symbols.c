// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What gives addresses names: as a recording notes it, as a trace keeps it, and as a reader finds it. */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>
#include <sys/wait.h>
#include <cmocka.h>
#include "names/elf_file.h"
#include "names/kallsyms.h"
#include "names/mappings.h"
#include "names/names.h"
#include "names/stack_ids.h"
#include "numaring/symbols.h"

static const struct nr_logger quiet = {};

/* ---- the kernel's symbols ---- */

static struct nr_kallsyms *parse_kernel(const char *text, int expected)
{
	char packed[4096];
	size_t n = ZSTD_compress(packed, sizeof(packed), text, strlen(text), 1);
	struct nr_kallsyms *k = NULL;

	assert_int_equal(nr_kallsyms_parse(&k, packed, n), expected);
	return k;
}

static void assert_kernel(const struct nr_kallsyms *k, uint64_t address, const char *name,
			  uint64_t start, const char *module)
{
	const char *of = "?", *found;
	uint64_t at = 0;

	found = nr_kallsyms_find(k, address, &at, &of);
	assert_string_equal(found ?: "", name ?: "");
	if (!name)
		return;
	assert_int_equal(at, start);
	assert_string_equal(of ?: "", module ?: "");
}

static void kernel_symbols(void **state)
{
	struct nr_kallsyms *k = parse_kernel("ffffffff81000100 T two\n"
					     "ffffffff81000000 T one\n"
					     "ffffffff81000000 t alias\n"
					     "ffffffffc0001000 t mine\t[module]\n",
					     0);

	(void)state;
	assert_kernel(k, 0xffffffff80ffffff, NULL, 0, NULL);
	assert_kernel(k, 0xffffffff81000000, "one", 0xffffffff81000000, NULL);
	assert_kernel(k, 0xffffffff810000ff, "one", 0xffffffff81000000, NULL);
	assert_kernel(k, 0xffffffff81000100, "two", 0xffffffff81000100, NULL);
	assert_kernel(k, 0xffffffffc0001234, "mine", 0xffffffffc0001000, "module");
	assert_kernel(k, 0xfffffffff0000000, NULL, 0, NULL); /* far above the last one */
	nr_kallsyms_free(k);
}

static void damaged_kernel_symbols(void **state)
{
	static const char *const texts[] = { "x T one\n",
					     "ffffffff81000000 T \n",
					     "ffffffff81000000 T one",
					     "ffffffff81000000 T one\t[module\n",
					     "ffffffff81000000 T \t[module]\n",
					     "ffffffff81000000 T one\t[]\n",
					     "ffffffff81000000\n",
					     "\n" };
	struct nr_kallsyms *k;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		parse_kernel(texts[i], -EBADMSG);
	assert_int_equal(nr_kallsyms_parse(&k, "not zstd", 8), -EBADMSG);
	assert_int_equal(nr_kallsyms_parse(&k, "", 0), -EBADMSG);
}

/* ---- mappings ---- */

static int add_text(struct nr_mappings *m, const char *text, unsigned *line)
{
	return nr_mappings_add(m, strdup(text), strlen(text), line);
}

static const char *path_of(struct nr_mappings *m, uint32_t pid, uint64_t ts, uint64_t address)
{
	const struct nr_mapping *found = nr_mappings_find(m, pid, ts, address);

	return found ? found->path : "none";
}

static void mappings_by_time(void **state)
{
	struct nr_mappings *m = nr_mappings_new();
	unsigned line;

	(void)state;
	assert_int_equal(add_text(m,
				  NR_MAPPINGS_BEGIN "process 7 100\n"
						    "1000-2000 0 aa /bin/sh\n"
						    "process 8 100\n"
						    "1000-2000 0 bb /bin/other\n"
						    "process 7 200\n"
						    "1000-2000 40 cc /bin/a program\n"
						    "again 7 300\n"
						    "1000-2000 40 cc /bin/a program\n"
						    "5000-6000 0 - /lib/late.so\n"
						    "process 7 400\n"
						    "9000-a000 0 dd /bin/last\n"
						    "1000-2000 0 dd /bin/la",
				  &line),
			 0);
	assert_string_equal(path_of(m, 7, 99, 0x1000), "none");
	assert_string_equal(path_of(m, 7, 100, 0x1000), "/bin/sh");
	assert_string_equal(path_of(m, 7, 199, 0x1fff), "/bin/sh");
	assert_string_equal(path_of(m, 7, 199, 0x2000), "none");
	assert_string_equal(path_of(m, 8, 300, 0x1800), "/bin/other");
	assert_string_equal(path_of(m, 7, 200, 0x1800), "/bin/a program");
	/* Read later in the same address space, and earlier. */
	assert_string_equal(path_of(m, 7, 250, 0x5000), "/lib/late.so");
	assert_string_equal(path_of(m, 7, 350, 0x1000), "/bin/a program");
	/* Another address space, after exec. */
	assert_string_equal(path_of(m, 7, 150, 0x5000), "none");
	assert_string_equal(path_of(m, 7, 300, 0x9000), "none");
	assert_string_equal(path_of(m, 7, 400, 0x5000), "none");
	/* The last line is not complete. */
	assert_string_equal(path_of(m, 7, 400, 0x1000), "none");
	assert_string_equal(path_of(m, 9, 400, 0x1000), "none");
	/* The first reading found nothing, in exec. */
	assert_int_equal(add_text(m,
				  NR_MAPPINGS_BEGIN "again 10 500\n"
						    "1000-2000 0 aa /bin/new\n"
						    "process 10 600\n"
						    "1000-2000 0 bb /bin/newer\n",
				  &line),
			 0);
	assert_string_equal(path_of(m, 10, 450, 0x1000), "/bin/new");
	assert_string_equal(path_of(m, 10, 650, 0x1000), "/bin/newer");
	assert_int_equal(nr_mappings_find(m, 7, 200, 0x1800)->address, 0x40);
	nr_mappings_free(m);
}

static void damaged_mappings(void **state)
{
	static const char *const lines[] = { "1000-2000 0 aa /bin/sh\n",
					     "process x 1\n",
					     "process 1\n",
					     "process 99999999999 1\n",
					     "process 1 1\n2000-1000 0 aa /bin/sh\n",
					     "process 1 1\n1000-2000 0 aa\n",
					     "process 1 1\n1000-2000 0  /bin/sh\n",
					     "process 1 1\n1000-2000 0 aa \n",
					     "process 1 1\n11111111111111111-2 0 aa /bin/sh\n",
					     "something\n" };
	struct nr_mappings *m = nr_mappings_new();
	char text[256];
	unsigned line;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		snprintf(text, sizeof(text), NR_MAPPINGS_BEGIN "%s", lines[i]);
		assert_int_equal(add_text(m, text, &line), -EBADMSG);
		assert_int_equal(line, i >= 4 && i <= 8 ? 3 : 2);
	}
	assert_int_equal(add_text(m, "numaring mappings 2\n", &line), -EBADMSG);
	assert_int_equal(line, 1);
	assert_int_equal(add_text(m, "", &line), -EBADMSG);
	nr_mappings_free(m);
}

/* ---- processes ---- */

static char *copy(struct nr_names *n, uint64_t *since)
{
	size_t size;
	char *text;

	assert_int_equal(nr_names_copy(n, since, false, &text, &size), 0);
	return text ?: strdup("");
}

static char *copy_all(struct nr_names *n)
{
	uint64_t since = 0;
	size_t size;
	char *text;

	assert_int_equal(nr_names_copy(n, &since, true, &text, &size), 0);
	return text;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

static void notes_processes(void **state)
{
	struct nr_names *n = NULL;
	uint64_t since = 0, all = 0;
	pid_t child = fork();
	char *text;

	(void)state;
	if (!child)
		exit(pause());
	assert_int_equal(nr_names_new(&n, &quiet), 0);
	assert_int_equal(nr_names_visit(n, getpid(), 100, false), 0);
	assert_int_equal(nr_names_visit(n, getpid(), 200, true), 0); /* nothing new */
	assert_int_equal(nr_names_visit(n, child, 300, false), 0);
	assert_int_equal(nr_names_visit(n, 0x7fffffff, 300, false), 0);
	assert_int_equal(nr_names_missed(n), 1);
	text = copy(n, &since);
	assert_int_equal(count(text, "process "), 3);
	assert_non_null(strstr(text, "\nprocess 2147483647 300\n"));
	assert_int_equal(count(text, "again "), 0);
	assert_true(count(text, "test_symbols") >= 2);
	free(text);

	assert_int_equal(nr_names_visit(n, getpid(), 400, false), 0);
	text = copy(n, &since);
	assert_int_equal(count(text, "process "), 1);
	free(text);
	text = copy(n, &since);
	assert_string_equal(text, "");
	free(text);

	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	nr_names_tidy(n, 1000);
	text = copy(n, &all);
	assert_int_equal(count(text, "process "), 4);
	free(text);
	nr_names_tidy(n, 1000 + 61000000000ull);
	all = 0;
	text = copy(n, &all);
	assert_int_equal(count(text, "process "), 2);
	free(text);
	nr_names_free(n);
}

/* Who reads them only at the end of the recording gets also those of processes that exited long before; in
 * a long recording, the latest. */
static void keeps_processes(void **state)
{
	const uint64_t later = 1000 + 61000000000ull;
	struct nr_names *n = NULL;
	pid_t children[2];
	char *text, first[32];
	uint64_t since = 0;

	(void)state;
	assert_int_equal(nr_names_new(&n, &quiet), 0);
	nr_names_keep(n, 1 << 20);
	assert_int_equal(nr_names_visit(n, getpid(), 100, false), 0);
	for (unsigned i = 0; i < 2; i++) {
		children[i] = fork();
		if (!children[i])
			exit(pause());
		assert_int_equal(nr_names_visit(n, children[i], 200 + i, false), 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	nr_names_tidy(n, 1000);
	nr_names_tidy(n, later);
	text = copy(n, &since);
	assert_int_equal(count(text, "process "), 1);
	free(text);
	text = copy_all(n);
	assert_int_equal(count(text, "process "), 3);
	nr_names_keep(n, strlen(text) * 5 / 6);
	free(text);
	nr_names_tidy(n, later);
	text = copy_all(n);
	assert_int_equal(count(text, "process "), 2);
	snprintf(first, sizeof(first), "process %d ", children[0]);
	assert_null(strstr(text, first));
	free(text);
	nr_names_free(n);
}

/* ---- all of it, on this process ---- */

__attribute__((noinline)) static int some_function(void)
{
	__asm__ volatile("");
	return 42;
}

static void write_mappings(const char *dir, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/.mappings", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, NR_MAPPINGS_BEGIN "%s", text);
	assert_int_equal(fclose(f), 0);
}

static void names_of_this_process(void **state)
{
	char dir[] = "/tmp/test_symbols-XXXXXX", buf[256], *text;
	uint64_t stack_addresses[] = { (uint64_t)some_function + 1, (uint64_t)some_function, 16 };
	struct nr_stack stack = {
		.sz = sizeof(stack), .pid = getpid(), .ts = 7, .n = 3, .addresses = stack_addresses
	};
	struct nr_symbol symbol = { .sz = sizeof(symbol) };
	struct nr_symbols *symbols = NULL;
	struct nr_names *n = NULL;
	uint64_t since = 0;

	(void)state;
	assert_int_equal(some_function(), 42);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(nr_names_new(&n, &quiet), 0);
	assert_int_equal(nr_names_visit(n, getpid(), 5, false), 0);
	text = copy(n, &since);
	write_mappings(dir, "");
	assert_int_equal(nr_symbols_open(&symbols, dir, NULL), 0);
	assert_int_equal(nr_symbols_find(symbols, getpid(), 7, stack_addresses[0], &symbol),
			 -ENOENT);
	nr_symbols_close(symbols);

	write_mappings(dir, text);
	free(text);
	assert_int_equal(nr_symbols_open(&symbols, dir, NULL), 0);
	assert_int_equal(nr_symbols_find(symbols, getpid(), 7, stack_addresses[0], &symbol), 0);
	assert_string_equal(symbol.name, "some_function");
	assert_int_equal(symbol.offset, 1);
	assert_string_equal(symbol.module, "test_symbols");
	assert_int_equal(symbol.kernel, false);
	nr_stack_text(symbols, &stack, 0, buf, sizeof(buf));
	assert_string_equal(buf, "some_function+0x1 (test_symbols)");
	/* Where a call returns to: after the end of the function before. */
	nr_stack_text(symbols, &stack, 1, buf, sizeof(buf));
	assert_null(strstr(buf, "some_function"));
	nr_stack_text(symbols, &stack, 2, buf, sizeof(buf));
	assert_string_equal(buf, "0x10");
	nr_symbols_close(symbols);
	nr_names_free(n);
	snprintf(buf, sizeof(buf), "rm -r %s", dir);
	assert_int_equal(system(buf), 0);
}

/* ---- stacks of ids ---- */

static int add_ids(struct nr_stack_ids *s, const char *text, unsigned *line)
{
	char *copy = strdup(text);
	int err = nr_stack_ids_add(s, copy, strlen(text), line);

	free(copy);
	return err;
}

static void stacks_of_ids(void **state)
{
	struct nr_stack_ids *s = nr_stack_ids_new();
	const struct nr_stack_id *found;
	unsigned line;

	(void)state;
	assert_int_equal(add_ids(s,
				 NR_STACK_IDS_BEGIN "map a 1.stack_id 2.other_stack_id\n"
						    "7 100 200 ffffffff81000000 10\n"
						    "map b 3.stack_id\n"
						    "7 300 400\n"
						    "map a 1.stack_id 2.other_stack_id\n"
						    "3 500 600 20\n"
						    "4 500 600 2",
				 &line),
			 0);
	assert_true(nr_stack_ids_are_in(s, 2, "other_stack_id"));
	assert_false(nr_stack_ids_are_in(s, 2, "stack_id"));
	assert_false(nr_stack_ids_are_in(s, 12, "other_stack_id"));
	found = nr_stack_ids_find(s, 1, "stack_id", 7);
	assert_non_null(found);
	assert_int_equal(found->n, 2);
	assert_int_equal(found->from, 100);
	assert_int_equal(found->to, 200);
	assert_int_equal(found->addresses[0], 0xffffffff81000000);
	assert_int_equal(found->addresses[1], 0x10);
	assert_ptr_equal(nr_stack_ids_find(s, 2, "other_stack_id", 7), found);
	assert_int_equal(nr_stack_ids_find(s, 1, "stack_id", 3)->addresses[0], 0x20);
	assert_int_equal(nr_stack_ids_find(s, 3, "stack_id", 7)->n, 0);
	assert_null(nr_stack_ids_find(s, 3, "stack_id", 3));
	assert_null(nr_stack_ids_find(s, 1, "stack_id", 4)); /* its line has no end */
	nr_stack_ids_free(s);
}

static void damaged_stacks_of_ids(void **state)
{
	static const char *const lines[] = { "1 2 3 4\n",
					     "map\n",
					     "map a\n",
					     "map a 1.b\n1 2\n",
					     "map a 1.b\n1 2 3 \n",
					     "map a 1.b\n1 2 3  4\n",
					     "map a 1.b\n-1 2 3\n",
					     "map a 1.b\n1 2 3 x\n",
					     "map a 1.b\n\n",
					     "map a 1.b\n4294967296 2 3 1\n",
					     "map a 1.b\n1 2 3 fffffffffffffffff\n" };
	struct nr_stack_ids *s = nr_stack_ids_new();
	unsigned line;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char text[256];

		nr_stack_ids_free(s);
		s = nr_stack_ids_new();
		snprintf(text, sizeof(text), NR_STACK_IDS_BEGIN "%s", lines[i]);
		assert_int_equal(add_ids(s, text, &line), -EBADMSG);
		assert_int_equal(line, strchr(lines[i], '\n')[1] ? 3 : 2);
	}
	assert_int_equal(add_ids(s, "numaring stacks 2\n", &line), -EBADMSG);
	assert_int_equal(add_ids(s, "", &line), -EBADMSG);
	nr_stack_ids_free(s);
}

static void not_elf(void **state)
{
	struct nr_elf_symbols *symbols = NULL;
	struct nr_elf_info info;
	int fd = open("/proc/self/status", O_RDONLY);

	(void)state;
	assert_int_equal(nr_elf_info(fd, &info), -EBADMSG);
	assert_int_equal(*info.id, '@');
	assert_int_equal(nr_elf_symbols_add(&symbols, fd), -EBADMSG);
	assert_null(symbols);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_symbols),	 cmocka_unit_test(damaged_kernel_symbols),
		cmocka_unit_test(stacks_of_ids),	 cmocka_unit_test(damaged_stacks_of_ids),
		cmocka_unit_test(mappings_by_time),	 cmocka_unit_test(damaged_mappings),
		cmocka_unit_test(notes_processes),	 cmocka_unit_test(keeps_processes),
		cmocka_unit_test(names_of_this_process), cmocka_unit_test(not_elf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
