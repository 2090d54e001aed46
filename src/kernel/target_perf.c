// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs of perf events: EVENT[:RATE], on every CPU. */
#include <ctype.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/bits.h"
#include "target.h"

#define DEFAULT_HZ 99 /* not in step with what happens 100 times a second */

#define HARDWARE(name, config)                                                                     \
	{                                                                                          \
		name, PERF_TYPE_HARDWARE, PERF_COUNT_HW_##config                                   \
	}
#define SOFTWARE(name, config)                                                                     \
	{                                                                                          \
		name, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_##config                                   \
	}

/* The names of perf-list(1). */
static const struct event {
	const char *name;
	uint32_t type;
	uint64_t config;
} events[] = {
	SOFTWARE("cpu-clock", CPU_CLOCK),
	SOFTWARE("task-clock", TASK_CLOCK),
	SOFTWARE("page-faults", PAGE_FAULTS),
	SOFTWARE("faults", PAGE_FAULTS),
	SOFTWARE("minor-faults", PAGE_FAULTS_MIN),
	SOFTWARE("major-faults", PAGE_FAULTS_MAJ),
	SOFTWARE("context-switches", CONTEXT_SWITCHES),
	SOFTWARE("cs", CONTEXT_SWITCHES),
	SOFTWARE("cpu-migrations", CPU_MIGRATIONS),
	SOFTWARE("migrations", CPU_MIGRATIONS),
	SOFTWARE("alignment-faults", ALIGNMENT_FAULTS),
	SOFTWARE("emulation-faults", EMULATION_FAULTS),
	HARDWARE("cycles", CPU_CYCLES),
	HARDWARE("cpu-cycles", CPU_CYCLES),
	HARDWARE("instructions", INSTRUCTIONS),
	HARDWARE("cache-references", CACHE_REFERENCES),
	HARDWARE("cache-misses", CACHE_MISSES),
	HARDWARE("branches", BRANCH_INSTRUCTIONS),
	HARDWARE("branch-instructions", BRANCH_INSTRUCTIONS),
	HARDWARE("branch-misses", BRANCH_MISSES),
	HARDWARE("bus-cycles", BUS_CYCLES),
	HARDWARE("stalled-cycles-frontend", STALLED_CYCLES_FRONTEND),
	HARDWARE("stalled-cycles-backend", STALLED_CYCLES_BACKEND),
	HARDWARE("ref-cycles", REF_CPU_CYCLES),
};

static bool is_clock(const struct perf_event_attr *attr)
{
	return attr->type == PERF_TYPE_SOFTWARE && (attr->config == PERF_COUNT_SW_CPU_CLOCK ||
						    attr->config == PERF_COUNT_SW_TASK_CLOCK);
}

/* r and hexadecimal digits: an event of this CPU model, as perf takes it. */
static bool parse_raw(const char *name, size_t len, struct perf_event_attr *attr)
{
	char *end;

	if (len < 2 || name[0] != 'r' || !isxdigit((unsigned char)name[1]))
		return false;
	attr->type = PERF_TYPE_RAW;
	attr->config = strtoull(name + 1, &end, 16);
	return end == name + len;
}

static bool parse_event(const char *name, size_t len, struct perf_event_attr *attr)
{
	for (size_t i = 0; i < NR_ARRAY_SIZE(events); i++) {
		if (strlen(events[i].name) != len || strncmp(events[i].name, name, len))
			continue;
		attr->type = events[i].type;
		attr->config = events[i].config;
		return true;
	}
	return parse_raw(name, len, attr);
}

static void set_hz(struct perf_event_attr *attr, uint64_t hz)
{
	attr->freq = 1;
	attr->sample_freq = hz;
}

/* ns of a unit of time; 0: unknown. */
static uint64_t unit_ns(const char *unit)
{
	return !strcmp(unit, "s")    ? 1000000000
	       : !strcmp(unit, "ms") ? 1000000
	       : !strcmp(unit, "us") ? 1000
				     : 0;
}

/* "99", "99hz": samples a second; "1ms": the time between two, of a clock; "1/1000": one of so many
 * events. */
static bool parse_rate(const char *rate, struct perf_event_attr *attr)
{
	const char *digits = rate + (strncmp(rate, "1/", 2) ? 0 : 2);
	uint64_t n, unit;
	char *end;

	if (!isdigit((unsigned char)*digits) || strspn(digits, "0123456789") > 12)
		return false;
	n = strtoull(digits, &end, 10);
	unit = unit_ns(end);
	if (!n)
		return false;
	if (digits == rate && (!*end || !strcmp(end, "hz")))
		set_hz(attr, n);
	else if (digits > rate && !*end)
		attr->sample_period = n;
	else if (digits == rate && unit && is_clock(attr) && n < 1000000000000 / unit * 1000)
		attr->sample_period = n * unit;
	else
		return false;
	return true;
}

/* Without a rate: samples of clocks and of counters, and each event of the other software events. */
static bool parse(const char *text, struct perf_event_attr *attr)
{
	size_t len = strcspn(text, ":");

	*attr = (struct perf_event_attr){ .size = sizeof(*attr) };
	if (!parse_event(text, len, attr))
		return false;
	if (text[len])
		return parse_rate(text + len + 1, attr);
	if (attr->type == PERF_TYPE_SOFTWARE && !is_clock(attr))
		attr->sample_period = 1;
	else
		set_hz(attr, DEFAULT_HZ);
	return true;
}

/* Counters of the CPU interrupt it in NMIs. */
static int check(struct nr_target *t, const struct nr_logger *log)
{
	struct perf_event_attr attr;

	if (!parse(t->text, &attr))
		return nr_target_refuse(t, -EINVAL, NULL, log);
	t->nmi = attr.type != PERF_TYPE_SOFTWARE;
	return 0;
}

static const char *explain(const struct nr_target *t, const struct perf_event_attr *attr, int err)
{
	if (t->nmi && (err == -ENOENT || err == -EOPNOTSUPP || err == -ENODEV))
		return "this machine has no such counter, like many virtual ones; use cpu-clock";
	if (attr->freq && err == -EINVAL)
		return "the rate is too high: use at most the number in "
		       "/proc/sys/kernel/perf_event_max_sample_rate";
	if (err == -EACCES || err == -EPERM)
		return "Not permitted: run as root, or grant CAP_PERFMON";
	return NULL;
}

/* 0 also for a CPU that is offline. */
static int attach_cpu(struct nr_object *o, const struct nr_target *t, struct perf_event_attr *attr,
		      int cpu)
{
	int fd = syscall(SYS_perf_event_open, attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC), err;
	struct bpf_link *link;

	if (fd < 0)
		return errno == ENODEV && !t->nmi ? 0 : -errno;
	link = bpf_program__attach_perf_event(t->prog, fd);
	err = link ? 0 : -errno;
	if (link)
		return nr_object_link(o, link);
	close(fd);
	return err;
}

static int attach(struct nr_object *o, const struct nr_target *t, const struct nr_logger *log)
{
	int cpus = libbpf_num_possible_cpus(), err = cpus < 0 ? cpus : 0;
	struct perf_event_attr attr;

	parse(t->text, &attr);
	for (int cpu = 0; !err && cpu < cpus; cpu++)
		err = attach_cpu(o, t, &attr, cpu);
	return err ? nr_target_failed(t, err, explain(t, &attr, err), log) : 0;
}

const struct nr_target_kind nr_target_perf = {
	.form = "EVENT[:RATE], an event of perf-list(1) and 99 samples a second, 1ms or 1/1000, as "
		"in "
		"cpu-clock:99, cpu-clock:1ms, cycles:4000, page-faults:1/10",
	.check = check,
	.attach = attach,
};
