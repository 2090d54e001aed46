// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Nodes and CPUs, and whether memory and limits suffice for record's plan (docs/big-hosts.md,
 * Resources). */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "cli.h"
#include "doctor.h"

#define SYSTEM_CPUS "/sys/devices/system/cpu/"

#define MIB		  (1ull << 20)
#define PACKETS		  (32 * MIB)
#define ADDRESSES(memory) (256 * MIB + 2 * (memory)) /* with libraries and stacks */

/* An index grows to the size of its ring. */
uint64_t doctor_memory_needed(const struct doctor *d)
{
	return 2 * d->ring_bytes + PACKETS;
}

static unsigned shards(const struct doctor *d)
{
	return d->plan ? d->plan->n_shards : 1;
}

unsigned doctor_threads_needed(const struct doctor *d)
{
	return shards(d) + 5;
}

/* With the standard descriptors, for sched, with rings or lanes. */
static unsigned files_needed(const struct doctor *d)
{
	return 44 + 3 * shards(d);
}

/* ---- NUMA ---- */

static void keep_message(void *ctx, enum nr_log_level level, const char *text)
{
	struct doctor *d = ctx;

	if (level == NR_LOG_ERROR)
		snprintf(d->plan_error, sizeof(d->plan_error), "%s", text);
	else if (level == NR_LOG_WARN)
		snprintf(d->plan_warning, sizeof(d->plan_warning), "%s", text);
}

static void make_plan(struct doctor *d)
{
	const struct nr_topology_opts topology = { .sz = sizeof(topology),
						   .log = keep_message,
						   .log_ctx = d };
	const struct nr_plan_opts plan = { .sz = sizeof(plan), .log = keep_message, .log_ctx = d };

	if (!nr_topology_open(&d->topology, &topology))
		nr_plan_make(&d->plan, d->topology, &plan);
	for (unsigned i = 0; d->plan && i < d->plan->n_shards; i++)
		d->ring_bytes += nr_plan_shard_at(d->plan, i)->ring_bytes;
}

/* Nodes whose ring is elsewhere. */
static unsigned count_far_rings(const struct nr_plan *plan)
{
	unsigned n = 0;

	for (unsigned i = 0; i < plan->n_shards; i++)
		n += !nr_plan_shard_at(plan, i)->node_is_own;
	return n;
}

void doctor_check_numa(struct doctor *d)
{
	char bytes[24];
	unsigned n, far;

	make_plan(d);
	if (!d->plan) {
		doctor_say(d, "numa", VERDICT_MISSING, NULL, "%s",
			   *d->plan_error ? d->plan_error : "the machine's nodes are unknown");
		return;
	}
	n = d->plan->n_shards;
	far = count_far_rings(d->plan);
	doctor_format(bytes, sizeof(bytes), d->ring_bytes);
	if (*d->plan_warning)
		doctor_say(d, "numa", VERDICT_NOTE, NULL, "%s", d->plan_warning);
	else if (far)
		doctor_say(d, "numa", VERDICT_NOTE,
			   "if the machine has memory there, allow it in cpuset.mems",
			   "%u of %u rings are on other nodes than their CPUs, whose nodes have no "
			   "memory for this process (numaring topology shows them)",
			   far, n);
	else
		doctor_say(d, "numa", VERDICT_OK, NULL, "%u node%s with CPUs: %u ring%s, %s in all",
			   n, cli_plural(n), n, cli_plural(n), bytes);
}

/* ---- CPUs ---- */

/* The number of CPUs in a list as "0-3,8". */
static unsigned count_list(const char *list)
{
	unsigned n = 0, first, last;
	char *end;

	for (const char *at = list; *at >= '0' && *at <= '9'; at = *end == ',' ? end + 1 : end) {
		first = last = strtoul(at, &end, 10);
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		n += last - first + 1;
	}
	return n;
}

static unsigned count_allowed(void)
{
	long possible = sysconf(_SC_NPROCESSORS_CONF) + 1024;
	size_t size = CPU_ALLOC_SIZE(possible);
	cpu_set_t *set = CPU_ALLOC(possible);
	unsigned n = set && !sched_getaffinity(0, size, set) ? CPU_COUNT_S(size, set) : 0;

	CPU_FREE(set);
	return n;
}

void doctor_check_cpus(struct doctor *d)
{
	char online[1024], isolated[1024];
	unsigned allowed = count_allowed(), apart, all;

	doctor_read(SYSTEM_CPUS "isolated", isolated, sizeof(isolated));
	if (!doctor_read(SYSTEM_CPUS "online", online, sizeof(online)))
		snprintf(online, sizeof(online), "0-%ld", sysconf(_SC_NPROCESSORS_ONLN) - 1);
	all = count_list(online);
	apart = count_list(isolated);
	if (allowed + apart < all)
		doctor_say(d, "cpus", VERDICT_NOTE,
			   "run it outside of the cpuset (cpuset.cpus, AllowedCPUs=) or without "
			   "taskset",
			   "numaring's threads may run on %u of %u CPUs; it records all %u, and "
			   "too few may cause losses",
			   allowed, all, all);
	else if (apart)
		doctor_say(d, "cpus", VERDICT_OK, NULL,
			   "numaring's threads may run on %u of %u CPUs; %u are isolated", allowed,
			   all, apart);
	else
		doctor_say(d, "cpus", VERDICT_OK, NULL, "numaring's threads may run on all %u CPUs",
			   all);
}

/* ---- memory ---- */

void doctor_check_memory(struct doctor *d)
{
	uint64_t kib = 0, needed = doctor_memory_needed(d);
	bool known = doctor_read_field("/proc/meminfo", "MemAvailable", &kib);
	char available[24], most[24];

	doctor_format(available, sizeof(available), kib << 10);
	doctor_format(most, sizeof(most), needed);
	if (!known)
		doctor_say(d, "memory", VERDICT_OK, NULL,
			   "unknown; rings and packets take up to %s", most);
	else if (kib << 10 < needed)
		doctor_say(d, "memory", VERDICT_SUSPECT,
			   "free some, or use smaller rings (--ring-size)",
			   "%s are available; rings and packets take up to %s", available, most);
	else
		doctor_say(d, "memory", VERDICT_OK, NULL,
			   "%s are available; rings and packets take up to %s", available, most);
}

/* ---- limits of the process ---- */

static rlim_t limit_of(int resource)
{
	struct rlimit limit = { .rlim_max = RLIM_INFINITY };

	getrlimit(resource, &limit);
	return resource == RLIMIT_NOFILE ? limit.rlim_max : limit.rlim_cur; /* numaring raises it */
}

/* Only the limits that are too low; with none of them, one line that says so. */
void doctor_check_limits(struct doctor *d)
{
	rlim_t files = limit_of(RLIMIT_NOFILE), addresses = limit_of(RLIMIT_AS),
	       tasks = limit_of(RLIMIT_NPROC), locked = limit_of(RLIMIT_MEMLOCK);
	bool is_bound = geteuid() && !(d->capabilities >> CAP_SYS_RESOURCE & 1);
	char size[24];
	unsigned n = d->n;

	if (files < files_needed(d))
		doctor_say(d, "files", VERDICT_SUSPECT,
			   "raise ulimit -Hn (LimitNOFILE= in a systemd unit)",
			   "this process may open %lu files; record needs %u", (unsigned long)files,
			   files_needed(d));
	doctor_format(size, sizeof(size), addresses);
	if (addresses < ADDRESSES(doctor_memory_needed(d)))
		doctor_say(d, "address-space", VERDICT_SUSPECT, "ulimit -v unlimited",
			   "this process may use %s of addresses", size);
	if (is_bound && tasks < doctor_threads_needed(d))
		doctor_say(d, "threads", VERDICT_SUSPECT, "raise ulimit -u",
			   "this user may have %lu threads; record needs %u", (unsigned long)tasks,
			   doctor_threads_needed(d));
	if (d->n > n)
		return;
	doctor_format(size, sizeof(size), locked);
	doctor_say(d, "limits", VERDICT_OK, NULL,
		   "%lu open files, %u needed; locked memory (%s) does not matter, because rings "
		   "count for the cgroup",
		   (unsigned long)files, files_needed(d),
		   locked == RLIM_INFINITY ? "unlimited" : size);
}
