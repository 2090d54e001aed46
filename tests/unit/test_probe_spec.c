// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Specifications of probes are read as documented, or refused with one message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/probe_spec.h"
#include "kernel/probes.h"

struct said {
	unsigned n;
	char text[512];
};

static void say(void *ctx, enum nr_log_level level, const char *text)
{
	struct said *said = ctx;

	(void)level;
	said->n++;
	snprintf(said->text, sizeof(said->text), "%s", text);
}

static struct nr_probe_spec parse(const char *spec)
{
	struct said said = {};
	const struct nr_logger log = { say, &said };
	struct nr_probe_spec s;

	if (nr_probe_parse(&s, spec, &log))
		fail_msg("%s: %s", spec, said.text);
	return s;
}

static void refused(const char *spec, const char *sentence)
{
	struct said said = {};
	const struct nr_logger log = { say, &said };
	struct nr_probe_spec s;

	assert_int_equal(nr_probe_parse(&s, spec, &log), -EINVAL);
	nr_probe_spec_clear(&s);
	assert_int_equal(said.n, 1);
	if (!strstr(said.text, sentence))
		fail_msg("%s: said \"%s\", not \"%s\"", spec, said.text, sentence);
}

static void test_names(void **state)
{
	struct nr_probe_spec s = parse("kprobe:do_sys_openat2");

	(void)state;
	assert_int_equal(s.kind, NR_KPROBE);
	assert_string_equal(s.symbol, "do_sys_openat2");
	assert_false(s.is_return || s.has_params);
	nr_probe_spec_clear(&s);
	s = parse("uprobe:/a:b/prog:main%return");
	assert_string_equal(s.path, "/a:b/prog");
	assert_string_equal(s.symbol, "main");
	assert_true(s.is_return);
	nr_probe_spec_clear(&s);
	s = parse("usdt:/lib/libc.so.6:libc:setjmp()");
	assert_string_equal(s.path, "/lib/libc.so.6");
	assert_string_equal(s.provider, "libc");
	assert_string_equal(s.symbol, "setjmp");
	assert_true(s.has_params);
	assert_int_equal(s.n_params, 0);
	nr_probe_spec_clear(&s);
	assert_true(nr_probe_is_spec("usdt:"));
	assert_false(nr_probe_is_spec("kprobes:some_event"));
}

static void test_params(void **state)
{
	struct nr_probe_spec s = parse("kprobe:f( a=u8, b=s32,c=x64, d=str, e=ustr )");

	(void)state;
	assert_int_equal(s.n_params, 5);
	assert_string_equal(s.params[0].name, "a");
	assert_int_equal(s.params[0].size, 1);
	assert_int_equal(s.params[1].size, 4);
	assert_true(s.params[1].is_signed && !s.params[0].is_signed);
	assert_true(s.params[2].is_pointer);
	assert_int_equal(s.params[3].read, NR_PROBE_KERNEL_TEXT);
	assert_int_equal(s.params[4].read, NR_PROBE_USER_TEXT);
	nr_probe_spec_clear(&s);
}

static void test_refused(void **state)
{
	(void)state;
	refused("kprobe:", "use kprobe:FUNCTION");
	refused("kprobe:f%retur", "use kprobe:FUNCTION");
	refused("kprobe:%return", "use kprobe:FUNCTION");
	refused("uprobe:main", "use uprobe:PATH:SYMBOL");
	refused("uprobe::main", "use uprobe:PATH:SYMBOL");
	refused("uprobe:/bin/sh:", "use uprobe:PATH:SYMBOL");
	refused("usdt:/bin/sh:main", "use usdt:PATH:PROVIDER:NAME");
	refused("usdt:/bin/sh::main", "use usdt:PATH:PROVIDER:NAME");
	refused("kprobe:f(a=u8", "have no end");
	refused("kprobe:f(", "have no end");
	refused("kprobe:f(a)", "use NAME=KIND");
	refused("kprobe:f(=u8)", "use NAME=KIND");
	refused("kprobe:f(a=u8,)", "use NAME=KIND");
	refused("kprobe:f(a=u7)", "unknown kind \"u7\"");
	refused("kprobe:f(a=u8x)", "unknown kind \"u8x\"");
	refused("kprobe:f(a=x32)", "unknown kind \"x32\"");
	refused("kprobe:f(a=)", "unknown kind \"\"");
	refused("kprobe:f(a=u8,b=u8,c=u8,d=u8,e=u8,f=u8,g=u8)", "at most 6");
	refused("kprobe:f%return(a=u8,b=u8)", "at most 1");
	refused("usdt:p:a:b(a=u8,b=u8,c=u8,d=u8,e=u8,f=u8,g=u8,h=u8,i=u8,j=u8,k=u8,l=u8,m=u8)",
		"at most 12");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
