// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Damaged and hostile objects: none of them crashes the process that opens it. The mutants'
 * original is a built-in source. NR_MUTANTS=20000 tries more mutants.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/types.h>
#include <numaring/record.h>
#include "kernel/missing.h"
#include "kernel/object.h"
#include "seed.h"
#include "kernel/sources.h"
#include "kernel/trial.h"

static char last_log[4096];

static void keep_last(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level == NR_LOG_ERROR)
		snprintf(last_log, sizeof(last_log), "%s", text);
}

static void keep_warning(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level <= NR_LOG_WARN)
		snprintf(last_log, sizeof(last_log), "%s", text);
}

static const struct nr_logger to_last_log = { keep_last, NULL };

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* ---- a trial ---- */

#define TIMEOUT_MS 120000

static void do_nothing(void *arg)
{
	(void)arg;
}

static void die(void *arg)
{
	raise(*(int *)arg);
}

static void leave(void *arg)
{
	(void)arg;
	_exit(0);
}

static void test_trial(void **state)
{
	int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };

	(void)state;
	assert_int_equal(nr_trial(do_nothing, NULL, TIMEOUT_MS), 0);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		assert_int_equal(nr_trial(die, &signals[i], TIMEOUT_MS), signals[i]);
	assert_int_not_equal(nr_trial(leave, NULL, TIMEOUT_MS), 0);
	/* Now the kernel discards the child's exit status. */
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(nr_trial(do_nothing, NULL, TIMEOUT_MS), 0);
	assert_true(nr_trial(die, &signals[0], TIMEOUT_MS) > 0);
	signal(SIGCHLD, SIG_DFL);
}

static void hang(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

/* In the child, this handler would make the signal look like a normal exit. */
static void on_term(int signal)
{
	(void)signal;
	_exit(0);
}

/* None of these signals is a crash. */
static void test_trial_ignores_signals(void **state)
{
	int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGALRM, SIGXCPU }, kill = SIGKILL;

	(void)state;
	signal(SIGTERM, on_term);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		assert_int_equal(nr_trial(die, &signals[i], TIMEOUT_MS), 0);
	signal(SIGTERM, SIG_DFL);
	assert_int_equal(nr_trial(die, &kill, TIMEOUT_MS), -ECANCELED);
	assert_int_equal(nr_trial(hang, NULL, 50), -ETIMEDOUT);
}

/* ---- declarations of events ---- */

static int register_all(const struct btf *btf)
{
	struct nr_types *types = NULL;
	int err;

	assert_int_equal(nr_types_new(&types, keep_last, NULL), 0);
	*last_log = '\0';
	err = nr_events_register("x", btf, 0, types, &to_last_log);
	nr_types_free(types);
	return err;
}

/* Registers a section with one entry: the type with this id, which need not be a variable. */
static int register_entry(struct btf *btf, int type_id)
{
	assert_true(btf__add_datasec(btf, ".numaring", 8) > 0);
	assert_int_equal(btf__add_datasec_var_info(btf, type_id, 0, 8), 0);
	return register_all(btf);
}

static void test_declarations(void **state)
{
	const char *damaged = "x: its table of events is damaged: build it again";
	struct btf *btf = btf__new_empty();
	int integer = btf__add_int(btf, "int", 4, 0), var;

	(void)state;
	assert_int_equal(register_all(btf), -EINVAL);
	assert_non_null(strstr(last_log, "declares no event"));
	assert_int_equal(register_all(NULL), -EINVAL);
	assert_int_equal(register_entry(btf, 1000), -EINVAL); /* no such type */
	assert_string_equal(last_log, damaged);
	btf__free(btf);

	btf = btf__new_empty();
	integer = btf__add_int(btf, "int", 4, 0);
	assert_int_equal(register_entry(btf, integer), -EINVAL); /* not a variable */
	assert_string_equal(last_log, damaged);
	btf__free(btf);

	btf = btf__new_empty();
	var = btf__add_var(btf, "v", BTF_VAR_GLOBAL_ALLOCATED, 1000);
	assert_int_equal(register_entry(btf, var), -EINVAL); /* of a type that does not exist */
	assert_string_equal(last_log, damaged);
	btf__free(btf);

	btf = btf__new_empty();
	integer = btf__add_int(btf, "int", 4, 0);
	var = btf__add_var(btf, "v", BTF_VAR_GLOBAL_ALLOCATED, integer);
	assert_int_equal(register_entry(btf, var), -EPROTO); /* not a struct */
	assert_non_null(strstr(last_log, "another version"));
	btf__free(btf);
}

/* NR_EVENT stores the number n as a pointer to an array of n elements. */
static int add_number(struct btf *btf, int integer, unsigned n)
{
	return btf__add_ptr(btf, btf__add_array(btf, integer, integer, n));
}

/* struct NAME { int x; } with the number 7. */
static int register_event(const char *name)
{
	struct btf *btf = btf__new_empty();
	int integer = btf__add_int(btf, "int", 4, BTF_INT_SIGNED), type, row, err;
	int version = add_number(btf, integer, NR_RECORD_VERSION), id = add_number(btf, integer, 7);

	type = btf__add_struct(btf, name, 4);
	assert_int_equal(btf__add_field(btf, "x", integer, 0, 0), 0);
	type = btf__add_array(btf, integer, type, 0);
	row = btf__add_struct(btf, NULL, 16);
	assert_int_equal(btf__add_field(btf, "version", version, 0, 0), 0);
	assert_int_equal(btf__add_field(btf, "id", id, 64, 0), 0);
	assert_int_equal(btf__add_field(btf, "type", type, 128, 0), 0);
	err = register_entry(btf, btf__add_var(btf, "row", BTF_VAR_GLOBAL_ALLOCATED, row));
	btf__free(btf);
	return err;
}

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(register_event("good"), 0);
	assert_int_equal(register_event("two\nlines\033[2J"), -EINVAL);
	assert_non_null(strstr(last_log, "invalid event type name \"two?lines?[2J\""));
}

static void test_constants(void **state)
{
	struct btf *btf = btf__new_empty();
	int integer = btf__add_int(btf, "int", 4, 0);
	int var = btf__add_var(btf, "wanted", BTF_VAR_GLOBAL_ALLOCATED, integer);

	(void)state;
	assert_null(nr_constant_find(NULL, "wanted"));
	assert_null(nr_constant_find(btf, "wanted"));
	assert_true(btf__add_datasec(btf, ".rodata", 12) > 0);
	assert_int_equal(btf__add_datasec_var_info(btf, 1000, 0, 4), 0);
	assert_int_equal(btf__add_datasec_var_info(btf, integer, 4, 4), 0);
	assert_int_equal(btf__add_datasec_var_info(btf, var, 8, 4), 0);
	assert_int_equal(nr_constant_find(btf, "wanted")->offset, 8);
	assert_null(nr_constant_find(btf, "int"));
	btf__free(btf);
}

/* ---- mutants ---- */

/* Changes one to four bytes of [from, size). */
static void mutate(struct seed *s, uint8_t *data, size_t from, size_t size)
{
	for (unsigned n = 1 + seed_below(s, 4); n; n--) {
		uint8_t *at = &data[from + seed_below(s, size - from)];
		const uint8_t to[] = { seed_next(s), *at ^ 1 << seed_below(s, 8), *at + 1,
				       *at - 1 };

		*at = to[seed_below(s, 4)];
	}
}

static const void *good_object(size_t *size)
{
	const char *args;

	return nr_source_find("sched", &args)->elf(size);
}

/* Mutates the BTF behind its header, because libbpf checks the header itself. */
static void test_mutated_btf(void **state)
{
	struct seed s = { seed_first("mutated BTF") };
	unsigned n = seed_env("NR_MUTANTS", 5000);
	size_t elf_size;
	const void *raw = good_object(&elf_size);
	struct nr_object o;
	uint32_t size;
	uint8_t *copy;

	(void)state;
	assert_int_equal(nr_object_open_own(&o, "sched", raw, elf_size, &to_last_log), 0);
	raw = btf__raw_data(bpf_object__btf(o.obj), &size);
	assert_int_equal(register_all(bpf_object__btf(o.obj)), 0);
	copy = malloc(size);
	for (unsigned i = 0; i < n; i++) {
		struct btf *btf;

		memcpy(copy, raw, size);
		mutate(&s, copy, sizeof(struct btf_header), size);
		btf = btf__new(copy, size);
		if (btf)
			register_all(btf);
		nr_constant_find(btf, "nr_id_base");
		btf__free(btf);
	}
	free(copy);
	nr_object_close(&o);
}

static bool kill_child;

static void in_child(void)
{
	if (kill_child)
		raise(SIGKILL);
}

/* A killed child says nothing about the object. */
static void test_trial_was_killed(void **state)
{
	struct nr_object o;
	size_t size;
	const void *good = good_object(&size);
	const struct nr_logger warnings = { keep_warning, NULL };

	(void)state;
	assert_int_equal(pthread_atfork(NULL, NULL, in_child), 0);
	kill_child = true;
	assert_int_equal(nr_object_open_mem(&o, "sched", good, size, &warnings), 0);
	kill_child = false;
	assert_string_equal(last_log,
			    "cannot try sched in a child process first: the child was killed");
	nr_object_close(&o);
}

/* Mutates the whole object: libbpf may crash in the child, but not in this process. */
static void test_mutated_objects(void **state)
{
	struct seed s = { seed_first("mutated objects") };
	unsigned n = seed_env("NR_MUTANTS", 5000) / 100;
	size_t size;
	const void *good = good_object(&size);
	uint8_t *copy = malloc(size);

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		struct nr_types *types = NULL;
		struct nr_object o;

		memcpy(copy, good, size);
		mutate(&s, copy, 0, size);
		if (nr_object_open_mem(&o, "mutant", copy, size, &to_last_log))
			continue;
		assert_int_equal(nr_types_new(&types, keep_last, NULL), 0);
		nr_object_types(&o, 0, types, &to_last_log);
		nr_types_free(types);
		nr_object_close(&o);
	}
	free(copy);
}

/* ---- tracepoints that the kernel lacks ---- */

/* Changes the name of a tracepoint in an object to one that no kernel has. */
static void rename_tracepoint(char *image, size_t size, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i + len <= size; i++)
		if (!memcmp(image + i, name, len))
			memset(image + i + len - 3, 'x', 3);
}

static void test_missing_tracepoint(void **state)
{
	const char *args;
	const struct nr_source *source = nr_source_find("irq", &args);
	struct nr_object o = {};
	struct bpf_program *prog;
	unsigned skipped = 0;
	size_t size;
	const void *elf = source->elf(&size);
	char *image = malloc(size);

	(void)state;
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		print_message("skipped: no /sys/kernel/btf/vmlinux here\n");
		free(image);
		return;
	}
	memcpy(image, elf, size);
	rename_tracepoint(image, size, "tp_btf/softirq_exit");
	assert_int_equal(nr_object_open_own(&o, "irq", image, size, &to_last_log), 0);
	nr_missing_skip(&o, &(struct nr_logger){ keep_warning, NULL });
	bpf_object__for_each_program (prog, o.obj) {
		bool is_missing = !!strstr(bpf_program__section_name(prog), "xxx");

		assert_int_equal(bpf_program__autoload(prog), !is_missing);
		skipped += is_missing;
	}
	assert_int_equal(skipped, 1);
	assert_non_null(strstr(last_log, "irq: this kernel has no tracepoint softirq_exxx"));
	nr_object_close(&o);
	free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trial),
		cmocka_unit_test(test_trial_ignores_signals),
		cmocka_unit_test(test_trial_was_killed),
		cmocka_unit_test(test_declarations),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_constants),
		cmocka_unit_test(test_mutated_btf),
		cmocka_unit_test(test_mutated_objects),
		cmocka_unit_test(test_missing_tracepoint),
	};

	libbpf_set_print(silent);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
