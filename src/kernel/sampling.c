// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sampling.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEFAULT_HZ 99 /* not in step with what happens 100 times a second */

struct sampling {
	bool cycles; /* of the CPU's counter, in NMIs; else of the clock, in interrupts */
	unsigned hz;
};

/* cpu -1, pid 0: for this process on any CPU. The descriptor or a negative errno. */
static int open_event(const struct sampling *s, pid_t pid, int cpu)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = s->cycles ? PERF_TYPE_HARDWARE : PERF_TYPE_SOFTWARE,
		.config = s->cycles ? PERF_COUNT_HW_CPU_CYCLES : PERF_COUNT_SW_CPU_CLOCK,
		.sample_freq = s->hz,
		.freq = 1,
		.exclude_idle = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* ---- attaching ---- */

static int report(const struct sampling *s, int cpu, int err, const struct nr_logger *log)
{
	if (err == -EINVAL)
		nr_log(log, NR_LOG_ERROR,
		       "cannot take %u samples a second: use at most the number in "
		       "/proc/sys/kernel/perf_event_max_sample_rate",
		       s->hz);
	else
		nr_log(log, NR_LOG_ERROR, "cannot sample CPU %d: %s", cpu,
		       err == -EMFILE ? "Too many open files: raise ulimit -n" : strerror(-err));
	return err;
}

static int attach_cpu(struct nr_object *o, struct bpf_program *prog, int cpu)
{
	int fd = open_event(o->ctx, -1, cpu), err;
	struct bpf_link *link;

	if (fd < 0)
		return fd == -ENODEV ? 0 : fd; /* the CPU is offline */
	link = bpf_program__attach_perf_event(prog, fd);
	err = link ? 0 : -errno;
	if (!err)
		return nr_object_link(o, link);
	close(fd);
	return err;
}

static int attach(struct nr_object *o, struct bpf_program *prog, const struct nr_logger *log)
{
	int cpus = libbpf_num_possible_cpus(), err = cpus < 0 ? cpus : 0;
	int cpu = 0;

	for (; !err && cpu < cpus; cpu++)
		err = attach_cpu(o, prog, cpu);
	return err ? report(o->ctx, cpu - 1, err, log) : 0;
}

/* ---- arguments ---- */

static int refuse(const char *args, const struct nr_logger *log)
{
	nr_log(log, NR_LOG_ERROR,
	       "invalid argument \"%s\" of source sample: use sample, sample:HZ, sample:cycles or "
	       "sample:cycles:HZ, with a number of samples a second from 1",
	       args);
	return -EINVAL;
}

static int parse_hz(struct sampling *s, const char *hz, const char *args,
		    const struct nr_logger *log)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(hz, &end, 10);
	if (*hz < '0' || *hz > '9' || *end || !n || errno || n > 1000000)
		return refuse(args, log);
	s->hz = n;
	return 0;
}

static int parse(struct sampling *s, const char *args, const struct nr_logger *log)
{
	const char *cycles = "cycles", *rest = args;

	*s = (struct sampling){ .hz = DEFAULT_HZ };
	if (!args)
		return 0;
	if (!strncmp(args, cycles, strlen(cycles))) {
		s->cycles = true;
		rest += strlen(cycles);
		if (!*rest)
			return 0;
		if (*rest++ != ':')
			return refuse(args, log);
	}
	return parse_hz(s, rest, args, log);
}

/* Virtual machines often have no cycle counter. */
static int check_cycles(const struct sampling *s, const struct nr_logger *log)
{
	int fd = s->cycles ? open_event(s, 0, -1) : -1;

	if (fd >= 0)
		close(fd);
	if (!s->cycles || (fd != -ENOENT && fd != -EOPNOTSUPP && fd != -ENODEV))
		return 0;
	nr_log(log, NR_LOG_ERROR,
	       "cannot sample by cycles: this machine has no cycle counter, like many virtual "
	       "ones; use -e sample, which samples by the clock");
	return -EOPNOTSUPP;
}

int nr_sampling_prepare(struct nr_object *o, const char *args, const struct nr_logger *log)
{
	struct sampling s, *copy;
	int err = parse(&s, args, log) ?: check_cycles(&s, log);

	if (err)
		return err;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = s;
	o->nmi = s.cycles;
	o->attach = attach;
	o->close = free;
	o->ctx = copy;
	return 0;
}
