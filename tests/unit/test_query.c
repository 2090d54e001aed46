// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Expressions: what they mean, and what is query_said of wrong ones. */
#include "query_help.h"

#include "query/tests.h"

static const struct on_switch a_switch = {
	.prev_pid = 11,
	.prev_tgid = 10,
	.prev_comm = "postgres",
	.next_pid = 21,
	.next_tgid = 20,
	.next_comm = "sh",
	.prev_state = 1,
	.preempt = true,
	.off_ns = 20000000,
};

static const struct on_wakeup a_wakeup = {
	.pid = 31,
	.tgid = 30,
	.comm = "sixteen_letters!",
	.waker_pid = 40,
	.target_cpu = 3,
};

static const struct on_exit an_exit = {
	.ret = -2,
	.duration_ns = 5000000,
	.nr = 257,
	.pid = 50,
	.tid = 51,
	.args = { 1, 2, UINT64_MAX, 4, 4096, 6 },
	.comm = "cat*",
};

static const struct on_probe a_probe = {
	.current_pid = 60,
	.current_tid = 61,
	.current_comm = "probed",
	.pid = -5,
	.comm = "argument",
};

static const struct {
	struct tail head;
	uint16_t data[2];
} a_tail = { { .when = 9, .data_len = 2 }, {} };

/* Which of the events match, by letter: switch, wakeup, exit, probe, kinds, tail, unknown. */
static const struct {
	char letter;
	uint16_t id, cpu;
	const void *data;
	uint32_t size;
} events[] = {
	{ 's', ID_SWITCH, 0, &a_switch, sizeof(a_switch) },
	{ 'w', ID_WAKEUP, 1, &a_wakeup, sizeof(a_wakeup) },
	{ 'x', ID_EXIT, 2, &an_exit, sizeof(an_exit) },
	{ 'p', ID_PROBE, 7, &a_probe, sizeof(a_probe) },
	{ 'k', ID_KINDS, 6, &sample, sizeof(sample) },
	{ 't', ID_TAIL, 300, &a_tail, sizeof(struct tail) + 4 },
	{ 'u', 999, 3, &a_tail, 3 },
};

static const struct {
	const char *text, *matches;
} cases[] = {
	{ "cpu == 2", "x" },
	{ "cpu in [0-1, 7]", "swp" },
	{ "cpu !in 0-6", "pt" },
	{ "node == 0", "sw" },
	{ "node in [1]", "xpu" },
	{ "node != 0", "xpktu" },
	{ "type == \"sched_switch\"", "s" },
	{ "type == \"s*\"", "swx" },
	{ "type != \"s*\"", "pktu" },
	{ "type in [\"sys_exit\", \"kprobe:*\"]", "xp" },
	{ "type == \"numaring:raw\"", "u" },
	{ "pid == 10", "s" },
	{ "pid == 20", "s" },
	{ "pid == 11", "" },
	{ "pid == 30 || pid == 50 || pid == 60", "wxp" },
	{ "pid != 10", "wxp" },
	{ "!(pid == 10)", "wxpktu" },
	{ "pid !in [10, 50]", "wp" },
	{ "tid in [11, 31, 51, 61]", "swxp" },
	{ "tid == 21", "s" },
	{ "comm == \"sh\"", "s" },
	{ "comm == \"sixteen_letters!\"", "w" },
	{ "comm == \"probed\" || comm == \"argument\"", "p" },
	{ "kprobe:do_exit.comm == \"argument\"", "p" },
	{ "comm == \"cat\\*\"", "x" },
	{ "comm == \"*\"", "swxp" },
	{ "comm == \"\"", "" },
	{ "comm == \"p[a-o]*\"", "s" },
	{ "comm == \"p[!a-o]*\"", "p" },
	{ "comm == \"?h\"", "s" },
	{ "comm == \"*s*t*e*n*\"", "w" },
	{ "comm != \"sh\"", "wxp" },
	{ "comm in [\"sh\", \"pr*\"]", "sp" },
	{ "comm == \"c\\x61t\\*\"", "x" },
	{ "sched_switch.prev_state == SLEEPING", "s" },
	{ "prev_state == SLEEPING", "s" },
	{ "prev_state == \"S*\"", "s" },
	{ "prev_state in RUNNING-SLEEPING", "s" },
	{ "prev_state in [BLOCKED, 1]", "s" },
	{ "prev_state != SLEEPING", "" },
	{ "preempt", "s" },
	{ "!preempt", "wxpktu" },
	{ "preempt == true && preempt != false && preempt == 1", "s" },
	{ "off_ns >= 20ms && off_ns < 0.02001s", "s" },
	{ "off_ns == 20000us", "s" },
	{ "ret == -2", "x" },
	{ "ret in -5--1", "x" },
	{ "ret < 0 && duration_ns > 4.5ms", "x" },
	{ "nr == OPENAT", "x" },
	{ "nr > WRITE", "x" },
	{ "args[4] == 4K && args[2] == 0xffffffffffffffff", "x" },
	{ "args[0] == 1 && sys_exit.args[5] == 6", "x" },
	{ "target_cpu in [1, 3, 5]", "w" },
	{ "kprobe:do_exit.pid < 0", "p" },
	{ "i8 == -128 && i64 < -9223372036854775807 && u64 == 18446744073709551615", "k" },
	{ "color == GREEN && color == ALSO_GREEN && big == HUGE", "k" },
	{ "f == 1.5 && d < 0 && d in -1-0 && d > -0.2", "k" },
	{ "b3 == 5 && b5 == -16 && b24 == 11259375", "k" },
	{ "p.x == 1 && p.y == -2 && kinds.p.x", "k" },
	{ "ps[1].x == 5 && m[1][2] == -6 && u[3] == 255", "k" },
	{ "wide[0] == 2", "k" },
	{ "text == \"sh \\\"x\\\"\\t\\\\\"", "k" },
	{ "flag == 1 && ptr == 0xffff888000001000", "k" },
	{ "when == 9 && a.tail.data[1] == 0", "t" },
	{ "data[1] != 1", "t" },
	{ "data[2] == 0", "" },
	{ "\"odd-name\".x == 3", "" },
	{ "type == \"odd-name\" || (cpu == 0)", "s" },
	{ "pid == 10 && type == \"sched_*\" || cpu == 3", "su" },
	{ "!(!(cpu == 0))", "s" },
	{ "  cpu==0&&!(cpu==1)  ", "s" },
};

static void expect_matches(const struct nr_types *types, const char *text, const char *want)
{
	struct nr_query *query = query_new(types, text);
	char got[16] = "";

	if (!query)
		fail_msg("%s: %s", text, query_said);
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		const struct nr_record rec = { .id = events[i].id, .cpu = events[i].cpu };
		const struct nr_event ev = { &rec, events[i].data, events[i].size, 0, 1 };

		if (nr_query_matches(query, &ev))
			got[strlen(got)] = events[i].letter;
	}
	if (strcmp(got, want))
		fail_msg("%s: matches \"%s\", not \"%s\"", text, got, want);
	nr_query_free(query);
}

static void test_matches(void **state)
{
	struct nr_types *types = make_query_types();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect_matches(types, cases[i].text, cases[i].matches);
	nr_types_free(types);
}

static const struct {
	const char *text, *says;
} errors[] = {
	{ "", "1: the expression is empty" },
	{ "   ", "4: the expression is empty" },
	{ "pid ==", "7: expected a number, a name or a text in double quotes at the end" },
	{ "pid == 5 &&", "12: expected the name of a field at the end" },
	{ "(pid == 5", "10: expected an operator or ) at the end" },
	{ "pid == 5)", "9: expected an operator before )" },
	{ "pid = 5", "5: unexpected =: use == to compare" },
	{ "pid & 5", "5: unexpected &: use &&" },
	{ "pid | 5", "5: unexpected |: use ||" },
	{ "pid == 'x'", "8: unexpected ': put texts in double quotes" },
	{ "pid == 5 6", "10: expected an operator before 6" },
	{ "pid 5", "5: expected an operator before 5" },
	{ "5 == pid", "1: expected the name of a field before 5" },
	{ "pid == @", "8: unexpected @" },
	{ "pid == \xff", "8: unexpected byte 0xff" },
	{ "comm == \"x", "9: the text has no closing \"" },
	{ "comm == \"[a\"", "10: [ without ]: for the character itself, write \\[" },
	{ "comm == \"[z-a]\"", "10: a range of the [...] goes backwards" },
	{ "comm == \"\\xg\"", "10: \\x needs two hexadecimal digits" },
	{ "comm == \"\\x00\"", "10: a text cannot contain a 0 byte" },
	{ "comm == \"\303\251\" && x == 1",
	  "16: no event type fits both this and what is before it" },
	{ "pid == 99999999999999999999", "8: the number does not fit into 64 bits" },
	{ "pid == 0x", "8: invalid number: write 0x and hexadecimal digits" },
	{ "pid == 0x1ffffffffffffffff", "8: the number does not fit into 64 bits" },
	{ "duration_ns > 5mss",
	  "16: unknown unit mss: use ns us ms s m h for times, K M G for sizes" },
	{ "duration_ns > 1e9",
	  "16: unknown unit e9: use ns us ms s m h for times, K M G for sizes" },
	{ "duration_ns > 0.5ns", "15: duration_ns is a whole number, and 0.5ns is not" },
	{ "duration_ns == 99999999999h", "16: the number does not fit into 64 bits" },
	{ "prev_stat == SLEEPING",
	  "1: no event type has the field prev_stat: did you mean prev_state?" },
	{ "sched_switch.prev_stat == SLEEPING",
	  "1: sched_switch has no field prev_stat: did you mean prev_state?" },
	{ "sched_swich.prev_state == SLEEPING",
	  "1: there is no event type sched_swich: did you mean sched_switch?" },
	{ "\"sched_swich\".prev_state == SLEEPING",
	  "1: there is no event type sched_swich: did you mean sched_switch?" },
	{ "duration > 5ms", "1: no event type has the field duration: did you mean duration_ns?" },
	{ "y == 1 && word == 1", "11: no event type has the field word" },
	{ "sched_switch.off == 1", "1: sched_switch has no field off: did you mean off_ns?" },
	{ "kinds.x == 1", "1: kinds has no field x: did you mean p.x?" },
	{ "p.zzzz == 1", "1: no event type has the field p.zzzz" },
	{ "foo == 1", "1: no event type has the field foo" },
	{ "foo.bar == 1", "1: there is no event type foo, and no such field" },
	{ "sched_switch",
	  "1: sched_switch is an event type: use type == \"sched_switch\", or sched_switch.FIELD" },
	{ "sched_switch == 1",
	  "1: sched_switch is an event type: use type == \"sched_switch\", or sched_switch.FIELD" },
	{ "prev_state == SLEEPIN", "15: prev_state has no value SLEEPIN: did you mean SLEEPING?" },
	{ "prev_state == FOO", "15: prev_state has no value FOO: it has RUNNING SLEEPING BLOCKED" },
	{ "prev_state == \"X*\"",
	  "15: prev_state has no value X*: it has RUNNING SLEEPING BLOCKED" },
	{ "prev_state == \"A\"-\"B\"", "18: expected an operator before -" },
	{ "nr == openat", "7: nr has no value openat: did you mean OPENAT?" },
	{ "pid == SLEEPING", "8: pid is a number: compare it with one, not with SLEEPING" },
	{ "pid == \"5\"", "8: pid is a number: compare it with one, without quotes" },
	{ "pid == tid", "8: pid is a number: compare it with one, not with tid" },
	{ "comm == postgres", "9: comm is a text: write \"postgres\" in double quotes" },
	{ "comm == 5", "9: comm is a text: write \"5\" in double quotes" },
	{ "comm < \"x\"", "6: comm is a text: use ==, != or in" },
	{ "comm", "1: comm is a text: compare it, as in comm == \"a*\"" },
	{ "comm in \"a\"-\"b\"", "9: comm is a text, which is in no range" },
	{ "comm == \"seventeen letters\"", "1: this is never true: comm holds at most 16 bytes" },
	{ "preempt == 2", "12: preempt is a boolean: compare it with true or false" },
	{ "preempt > false", "9: preempt is a boolean: use == or !=" },
	{ "preempt == SLEEPING", "12: preempt is a boolean: compare it with true or false" },
	{ "f == GREEN", "6: f is a number: compare it with one, not with GREEN" },
	{ "d in 2-1", "6: the range goes backwards" },
	{ "pid in 5-2", "8: the range goes backwards" },
	{ "pid in [1, 2", "13: expected ] or a comma at the end" },
	{ "pid in []", "9: expected a number, a name or a text in double quotes before ]" },
	{ "pid in [1,]", "11: expected a number, a name or a text in double quotes before ]" },
	{ "pid in", "7: expected a number, a name or a text in double quotes at the end" },
	{ "pid !in", "8: expected a number, a name or a text in double quotes at the end" },
	{ "pid == 5000000000", "1: this is never true: pid is 0 to 4294967295" },
	{ "i8 == 128", "1: this is never true: i8 is -128 to 127" },
	{ "i8 in [-200--129, 128]", "1: this is never true: i8 is -128 to 127" },
	{ "cpu == 65536", "1: this is never true: cpu is 0 to 65535" },
	{ "node == 7", "1: no CPU is on such a node" },
	{ "node == foo", "9: node is a number: compare it with one, not with foo" },
	{ "type", "1: type is a text: compare it, as in type == \"a*\"" },
	{ "type == sched_switch", "9: type is a text: write \"sched_switch\" in double quotes" },
	{ "type == \"sched_swich\"",
	  "9: there is no event type sched_swich: did you mean sched_switch?" },
	{ "type == \"foo*\"", "9: there is no event type foo*" },
	{ "type < \"a\"", "6: type is a text: use ==, != or in" },
	{ "p == 1", "1: p is a struct: name a member, as in p.x" },
	{ "ps[1] == 1", "1: ps[1] is a struct: name a member, as in ps[1].x" },
	{ "ps[2].x == 1", "1: ps has only 2 elements" },
	{ "ps.x == 1", "1: ps is an array: name an element, as in ps[0]" },
	{ "m[1] == 1", "1: m[1] is an array: name an element, as in m[1][0]" },
	{ "args == 1", "1: args is an array: name an element, as in args[0]" },
	{ "args[6] == 1", "1: args has only 6 elements" },
	{ "data[4000000000] == 1", "1: the index 4000000000 is too large" },
	{ "pid[0] == 1", "1: pid is no array" },
	{ "sched_switch.pid == 1", "1: sched_switch has no field pid" },
	{ "p.z == 1", "1: no event type has the field p.z: did you mean p.x?" },
	{ "sched_switch.prev_pid == 1 && sys_exit.ret == 0",
	  "31: no event type fits both this and what is before it" },
	{ "type == \"sys_exit\" && off_ns > 5",
	  "23: no event type fits both this and what is before it" },
	{ "cpu == 1 && (off_ns > 5 && (ret < 0))",
	  "29: no event type fits both this and what is before it" },
	{ "!(cpu in 0-65535)", "1: this is true for no event" },
	{ "u8 !in 0-255", "1: this is true for no event" },
	{ "cgroup == \"/a\"",
	  "1: events do not carry their cgroup: use cgroup in the --filter of record" },
	{ "in == 5", "1: expected the name of a field before in" },
	{ "!", "2: expected the name of a field at the end" },
	{ "!in [5]", "2: expected the name of a field before in" },
	{ "pid == -", "9: expected a number at the end" },
	{ "pid == -SLEEPING", "9: expected a number before SLEEPING" },
	{ "pid == 1.", "9: unknown unit .: use ns us ms s m h for times, K M G for sizes" },
};

static void test_errors(void **state)
{
	struct nr_types *types = make_query_types();
	char want[500];
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		struct nr_query *query = query_new(types, errors[i].text);

		snprintf(want, sizeof(want), "filter, column %s", errors[i].says);
		if (!query && !strcmp(query_said, want))
			continue;
		failed++;
		print_error("%s\n  says %s\n", errors[i].text, query ? "nothing" : query_said);
		nr_query_free(query);
	}
	assert_int_equal(failed, 0);
	nr_types_free(types);
}

static void test_cgroup(void **state)
{
	static const char *const refused[] = {
		"cgroup == \"/a\" || pid == 1",
		"!(cgroup == \"/a\")",
		"pid == 1 && !(pid == 2 && cgroup == \"/a\")",
		"cgroup != \"/a\"",
		"cgroup == \"/a*\"",
		"cgroup in [\"/a\"]",
		"cgroup",
		"cgroup == 5",
		"cgroup == \"/a\" && cgroup == \"/b\"",
	};
	struct nr_types *types = make_query_types();
	struct nr_query *query = query_new_recording(types, "(pid == 7 && cgroup == \"/a\\*\")");
	struct nr_test tests[NR_FILTER_TESTS];

	(void)state;
	assert_non_null(query);
	assert_string_equal(nr_query_cgroup(query), "/a*");
	assert_int_equal(nr_query_tests(query, ID_EXIT, tests), NR_TESTS_ALL);
	assert_int_equal(tests[0].low, 7);
	nr_query_free(query);
	query = query_new_recording(types, "cgroup == \"/a\"");
	assert_int_equal(nr_query_tests(query, ID_EXIT, tests), NR_TESTS_ALL);
	assert_int_equal(tests[0].what, NR_TEST_NONE);
	nr_query_free(query);
	query = query_new_recording(types, "pid == 7");
	assert_null(nr_query_cgroup(query));
	nr_query_free(query);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		assert_null(query_new_recording(types, refused[i]));
		assert_non_null(strstr(query_said, "cgroup can"));
	}
	nr_types_free(types);
}

/* A text is compared in words, with the 0 byte behind it; what can only be true or only be false
 * takes no test of a field. */
static void test_tests(void **state)
{
	struct nr_types *types = make_query_types();
	struct nr_query *query = query_new(types, "sched_wakeup.comm == \"postgres\"");
	const struct nr_test first = {
		.what = NR_TEST_FIELD,
		.offset = offsetof(struct on_wakeup, comm),
		.size = 8,
		.mask = UINT64_MAX,
		.yes = 1,
		.no = NR_TEST_REJECT,
	};
	struct nr_test tests[NR_FILTER_TESTS];

	(void)state;
	assert_int_equal(nr_query_tests(query, ID_WAKEUP, tests), NR_TESTS_ALL);
	assert_memory_equal(&tests[0].low, "postgres", 8);
	assert_int_equal(tests[0].high, tests[0].low);
	tests[0].low = tests[0].high = 0;
	assert_memory_equal(&tests[0], &first, sizeof(first));
	assert_int_equal(tests[1].size, 1);
	assert_int_equal(tests[1].offset, first.offset + 8);
	assert_int_equal(tests[1].high, 0);
	assert_int_equal(tests[1].yes, NR_TEST_ACCEPT);
	assert_int_equal(tests[2].what, NR_TEST_NONE);
	assert_false(nr_query_is_false(query, ID_WAKEUP));

	assert_int_equal(nr_query_tests(query, ID_EXIT, tests), NR_TESTS_ALL);
	assert_true(nr_query_is_false(query, ID_EXIT));
	assert_int_equal(tests[0].what, NR_TEST_CPU);
	assert_int_equal(tests[0].yes, NR_TEST_REJECT);
	assert_int_equal(tests[0].no, NR_TEST_REJECT);
	nr_query_free(query);

	query = query_new(types, "type != \"sched_wakeup\" || comm == \"*x\"");
	assert_int_equal(nr_query_tests(query, ID_EXIT, tests), NR_TESTS_ALL);
	assert_int_equal(tests[0].what, NR_TEST_NONE);
	assert_int_equal(nr_query_tests(query, ID_WAKEUP, tests), NR_TESTS_NONE);
	assert_int_equal(tests[0].what, NR_TEST_NONE);
	nr_query_free(query);

	query = query_new(types, "comm == \"a*x\" && pid == 30");
	assert_int_equal(nr_query_tests(query, ID_WAKEUP, tests), NR_TESTS_SOME);
	assert_int_equal(tests[0].low, 'a');
	assert_int_equal(tests[1].low, 30);
	nr_query_free(query);

	/* A list that does not fit leaves room for the rest. */
	query = query_new(types, "pid in [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, "
				 "31, 33] && comm == \"a\"");
	assert_int_equal(nr_query_tests(query, ID_WAKEUP, tests), NR_TESTS_SOME);
	assert_int_equal(tests[0].low, 'a');
	assert_int_equal(tests[1].what, NR_TEST_NONE);
	nr_query_free(query);
	nr_types_free(types);
}

/* What is too long or too deep is refused, and long lists are not. */
static void test_limits(void **state)
{
	struct nr_types *types = make_query_types();
	char text[10000] = "";
	struct nr_query *query;

	(void)state;
	memset(text, '!', 65);
	strcpy(text + 65, "preempt");
	assert_null(query_new(types, text));
	assert_string_equal(query_said, "filter, column 65: more than 64 parentheses and ! inside "
					"of each other");
	query = query_new(types, text + 1);
	assert_non_null(query);
	nr_query_free(query);
	memset(text, ' ', sizeof(text) - 1);
	assert_null(query_new(types, text));
	assert_string_equal(query_said, "the filter is longer than 8192 bytes");
	strcpy(text, "pid==0");
	for (unsigned i = 1; i < 1000; i++)
		sprintf(text + strlen(text), "||f");
	strcat(text, "||pid==50");
	expect_matches(types, text, "xk");
	strcpy(text, "pid in [0");
	for (unsigned i = 1; i < 1500; i++)
		sprintf(text + strlen(text), ",%u", 2 * i);
	expect_matches(types, strcat(text, "]"), "swxp");
	nr_types_free(types);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_cgroup),	cmocka_unit_test(test_tests),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, make_query_btf, free_btf);
}
