// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What this process may do, and in which namespaces it is. */
#include <errno.h>
#include <linux/capability.h>
#include <math.h>
#include <numaring/numaring.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "doctor.h"

/* The inode numbers of the kernel's initial namespaces. */
#define INITIAL_USERNS 0xeffffffdu
#define INITIAL_PIDNS  0xeffffffcu
#define INITIAL_TIMENS 0xeffffffau

#define HIGHEST_PRIORITY 40 /* nice -20, in the unit of RLIMIT_NICE */

static bool has(const struct doctor *d, int capability)
{
	return d->capabilities >> capability & 1;
}

static uint64_t get_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	syscall(SYS_capget, &header, data);
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

void doctor_check_capabilities(struct doctor *d)
{
	bool initial = doctor_is_initial("user", INITIAL_USERNS), all, bpf, perfmon;

	d->capabilities = get_capabilities();
	all = has(d, CAP_SYS_ADMIN);
	bpf = all || has(d, CAP_BPF);
	perfmon = all || has(d, CAP_PERFMON);
	d->may_use_bpf = initial && bpf && perfmon;
	if (!initial)
		doctor_say(d, "capabilities", VERDICT_MISSING, "run outside of the container",
			   "this is a user namespace (rootless container), whose capabilities do "
			   "not count for BPF");
	else if (!d->may_use_bpf)
		doctor_say(d, "capabilities", VERDICT_MISSING,
			   "run as root, or grant both as ambient capabilities with setpriv(1) or "
			   "in a systemd unit",
			   "%s%s%s missing", bpf ? "" : "CAP_BPF", bpf || perfmon ? "" : " and ",
			   perfmon ? "" : "CAP_PERFMON");
	else if (!all)
		doctor_say(d, "capabilities", VERDICT_NOTE, "run as root for these",
			   "CAP_BPF and CAP_PERFMON suffice for the sources; probes, and names of "
			   "functions of other users' processes, need more");
	else
		doctor_say(d, "capabilities", VERDICT_OK, NULL, "this process may use BPF");
}

/* Any other command than this one, which does not exist, would do something. */
static int call_bpf(void)
{
	return syscall(SYS_bpf, -1, NULL, 0) ? errno : 0;
}

void doctor_check_bpf(struct doctor *d)
{
	const char *unprivileged = doctor_sysctl("kernel/unprivileged_bpf_disabled");
	int err = call_bpf();

	if (!d->may_use_bpf)
		doctor_say(d, "bpf", VERDICT_NOTE, NULL,
			   "bpf(2) was not tried, because the capabilities are missing "
			   "(kernel.unprivileged_bpf_disabled = %s does not matter)",
			   unprivileged);
	else if (err == EPERM || err == EACCES)
		doctor_say(d, "bpf", VERDICT_MISSING,
			   "start the container with a seccomp profile that allows bpf and "
			   "perf_event_open; in a systemd unit, add them to SystemCallFilter=",
			   "a seccomp filter or a security module forbids bpf(2), although the "
			   "capabilities are set");
	else if (err == ENOSYS)
		doctor_say(d, "bpf", VERDICT_MISSING,
			   "boot a kernel that was built with CONFIG_BPF_SYSCALL=y, or allow bpf "
			   "in the container's seccomp profile",
			   "bpf(2) does not exist here");
	else
		doctor_say(d, "bpf", VERDICT_OK, NULL,
			   "bpf(2) can be called (kernel.unprivileged_bpf_disabled = %s does not "
			   "matter)",
			   unprivileged);
}

void doctor_check_perf(struct doctor *d)
{
	const char *paranoid = doctor_sysctl("kernel/perf_event_paranoid");

	if (has(d, CAP_PERFMON) || has(d, CAP_SYS_ADMIN))
		doctor_say(d, "perf", VERDICT_OK, NULL,
			   "kernel.perf_event_paranoid = %s does not limit this process", paranoid);
	else
		doctor_say(d, "perf", VERDICT_NOTE, "grant CAP_PERFMON",
			   "samples (-e sample) are refused, with any "
			   "kernel.perf_event_paranoid (now %s)",
			   paranoid);
}

void doctor_check_priority(struct doctor *d)
{
	struct rlimit most = {};

	getrlimit(RLIMIT_NICE, &most);
	if (has(d, CAP_SYS_NICE) || most.rlim_cur >= HIGHEST_PRIORITY)
		doctor_say(d, "priority", VERDICT_OK, NULL,
			   "numaring's threads may run before other ordinary threads");
	else
		doctor_say(d, "priority", VERDICT_NOTE,
			   "grant CAP_SYS_NICE, or LimitNICE=-20 in a systemd unit",
			   "numaring's threads cannot have priority, so rings may overflow while "
			   "all CPUs are busy");
}

void doctor_check_pid_namespace(struct doctor *d)
{
	if (doctor_is_initial("pid", INITIAL_PIDNS))
		doctor_say(d, "pid-namespace", VERDICT_OK, NULL, "the host's");
	else
		doctor_say(d, "pid-namespace", VERDICT_NOTE,
			   "start the container with the host's PID namespace to see the same "
			   "PIDs (--pid=host)",
			   "a container's: -p takes its PIDs, while events carry the host's");
}

void doctor_check_time_namespace(struct doctor *d)
{
	int64_t offset = 0;
	int err = nr_host_clock_offset(&offset);

	if (doctor_is_initial("time", INITIAL_TIMENS))
		doctor_say(d, "time-namespace", VERDICT_OK, NULL, "the host's");
	else if (err && !d->may_use_bpf)
		doctor_say(d, "time-namespace", VERDICT_NOTE, NULL,
			   "not the host's; its clock is unknown, because the capabilities are "
			   "missing");
	else if (err)
		doctor_say(d, "time-namespace", VERDICT_SUSPECT, "run outside the time namespace",
			   "not the host's, and its clock cannot be compared with the host's: %s",
			   strerror(-err));
	else
		doctor_say(d, "time-namespace", VERDICT_NOTE, NULL,
			   "not the host's: this clock is %.3f s %s it; events carry the host's "
			   "time",
			   fabs(offset / 1e9), offset < 0 ? "ahead of" : "behind");
}
