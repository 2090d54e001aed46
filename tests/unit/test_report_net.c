// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "net" about made-up packets. */
#include <stdio.h>
#include <string.h>
#include "report_help.h"

#define MS    1000000ull
#define PLACE ((long long)0xffffffff81a0b0c0)

static struct story *begin(void)
{
	struct story *s = story_new();

	story_type(s, "net_receive", "len:u32 interface:t16");
	story_type(s, "net_transmit", "len:u32 interface:t16");
	story_type(s, "net_drop",
		   "len:u32 reason:e(NOT_SPECIFIED,NO_SOCKET,CSUM) protocol:u16 "
		   "ip_protocol:e(IP,ICMP,UDP) dport:u16 interface:t16 location:u64");
	story_begin(s, "net", 0);
	return s;
}

static void drop(struct story *s, uint64_t ts, long long reason, long long port,
		 const char *interface)
{
	story_event(s, ts, 0, "net_drop", 100LL, reason, 0x800LL, 2LL, port, interface, PLACE);
}

static void test_drops(void **state)
{
	struct story *s = begin();

	(void)state;
	for (unsigned i = 0; i < 1234; i++)
		drop(s, i * 100, 1, 9, "lo");
	for (unsigned i = 0; i < 2000; i++)
		drop(s, MS + i * 100, 0, 0, ""); /* not from an interface: last */
	drop(s, 2 * MS, 2, 9, "eth0");
	story_filtered(s, 3 * MS, 0, "net_drop", 100LL, 1LL, 0x800LL, 2LL, 9LL, "lo", 0LL);
	story_end(s, 1000 * MS);
	assert_contains(story_string(s, "verdict"),
			"net: 1,234 packets dropped on lo: NO_SOCKET, UDP to port 9; "
			"2,001 for other reasons or elsewhere.");
	assert_int_equal(story_number(s, "dropped"), 3235);
	assert_int_equal(story_number(s, "drops.0.n"), 1234);
	assert_int_equal(story_number(s, "drops.0.port"), 9);
	assert_string_equal(story_string(s, "drops.0.location"), "0xffffffff81a0b0c0");
	assert_int_equal(story_number(s, "drops.0.first_ns"), 0);
	assert_int_equal(story_number(s, "drops.0.last_ns"), 123300);
	assert_string_equal(story_string(s, "drops.1.reason"), "CSUM");
	assert_string_equal(story_string(s, "drops.2.interface"), "");
	story_free(s);
}

static void test_rates(void **state)
{
	struct story *s = begin();

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		story_event(s, i * MS, i % 4 ? 3 : 1, "net_receive", 1500LL, "eth0");
		if (i % 2)
			story_event(s, i * MS, 1, "net_transmit", 60LL, "eth0");
	}
	story_end(s, 2000 * MS);
	assert_contains(story_string(s, "verdict"),
			"net: no packet was dropped. 400 packets received, 75 % of "
			"them by CPU 3.");
	assert_int_equal(story_number(s, "interfaces.0.received_bytes"), 600000);
	assert_int_equal(story_number(s, "interfaces.0.sent"), 200);
	assert_float_equal(json_real_value(story_json(s, "interfaces.0.received_per_s")), 200,
			   1e-9);
	assert_int_equal(story_number(s, "cpus.0.cpu"), 3);
	assert_int_equal(story_number(s, "cpus.0.received"), 300);
	story_free(s);
}

/* A host may have thousands of interfaces. */
static void test_many_interfaces(void **state)
{
	struct story *s = begin();
	char name[16];

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "veth%u", i);
		story_event(s, i, 0, "net_receive", 60LL, name);
	}
	story_end(s, 1000 * MS);
	assert_contains(story_text(s), "\nand 490 more\n");
	assert_int_equal(json_array_size(story_json(s, "interfaces")), 500);
	story_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_many_interfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
