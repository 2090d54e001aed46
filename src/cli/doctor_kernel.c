// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the kernel has, and how it is set up. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "doctor.h"

#define BTF	    "/sys/kernel/btf/vmlinux"
#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/"
#define PMU	    "/sys/bus/event_source/devices/"

void doctor_check_kernel(struct doctor *d)
{
	struct utsname host = {};
	unsigned major = 0, minor = 0;

	uname(&host);
	sscanf(host.release, "%u.%u", &major, &minor);
	if (major < 5 || (major == 5 && minor < 18)) /* distributions backport features */
		doctor_say(d, "kernel", VERDICT_SUSPECT, "boot a newer kernel",
			   "Linux %s is older than 5.18", host.release);
	else
		doctor_say(d, "kernel", VERDICT_OK, NULL, "Linux %s on %s", host.release,
			   host.machine);
}

void doctor_check_btf(struct doctor *d)
{
	if (!access(BTF, R_OK))
		doctor_say(d, "btf", VERDICT_OK, NULL, "the kernel describes its types in " BTF);
	else if (access("/sys/kernel", F_OK))
		doctor_say(d, "btf", VERDICT_MISSING,
			   "mount -t sysfs sysfs /sys, or start the container with /sys",
			   "sysfs is not mounted");
	else
		doctor_say(d, "btf", VERDICT_MISSING,
			   "boot a kernel that was built with CONFIG_DEBUG_INFO_BTF=y",
			   "this kernel has no BTF (%s: %s)", BTF, strerror(errno));
}

/* Without the JIT, the kernel interprets programs, and refuses those that call kernel functions. */
void doctor_check_jit(struct doctor *d)
{
	bool is_off = !strcmp(doctor_sysctl("net/core/bpf_jit_enable"), "0");
	bool hardens_all = !strcmp(doctor_sysctl("net/core/bpf_jit_harden"), "2");

	if (is_off)
		doctor_say(d, "jit", VERDICT_SUSPECT, "sysctl net.core.bpf_jit_enable=1",
			   "the kernel interprets BPF programs, so each event costs more");
	else if (hardens_all)
		doctor_say(d, "jit", VERDICT_NOTE, "sysctl net.core.bpf_jit_harden=1",
			   "the kernel hardens all compiled BPF programs, so each event costs "
			   "more");
	else if (access("/proc/sys/net/core/bpf_jit_enable", R_OK))
		doctor_say(d, "jit", VERDICT_OK, NULL,
			   "unknown: /proc/sys/net/core/bpf_jit_enable cannot be read");
	else
		doctor_say(d, "jit", VERDICT_OK, NULL, "the kernel compiles BPF programs");
}

void doctor_check_lockdown(struct doctor *d)
{
	char modes[128];

	if (!doctor_read("/sys/kernel/security/lockdown", modes, sizeof(modes)))
		doctor_say(d, "lockdown", VERDICT_OK, NULL,
			   "none is known: /sys/kernel/security/lockdown cannot be read");
	else if (strstr(modes, "[confidentiality]"))
		doctor_say(d, "lockdown", VERDICT_SUSPECT,
			   "boot with lockdown=integrity, or without lockdown",
			   "confidentiality: the kernel lets no BPF program read its memory");
	else if (strstr(modes, "[integrity]"))
		doctor_say(d, "lockdown", VERDICT_OK, NULL,
			   "integrity, which does not restrict recording");
	else
		doctor_say(d, "lockdown", VERDICT_OK, NULL, "none");
}

/* ns of a reading of the clock, the best of some rounds. */
static double reading_ns(void)
{
	enum { ROUNDS = 5, READINGS = 200 };
	struct timespec begin, end;
	double best = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		double ns;

		clock_gettime(CLOCK_MONOTONIC, &begin);
		for (int k = 0; k < READINGS; k++)
			clock_gettime(CLOCK_MONOTONIC, &end);
		ns = (end.tv_sec - begin.tv_sec) * 1e9 + (end.tv_nsec - begin.tv_nsec);
		best = ns < best ? ns : best;
	}
	return best / READINGS;
}

static bool is_slow_clock(const char *name)
{
	return !strcmp(name, "hpet") || !strcmp(name, "acpi_pm") || !strcmp(name, "jiffies") ||
	       !strcmp(name, "refined-jiffies");
}

void doctor_check_clocksource(struct doctor *d)
{
	char name[64], available[256];
	double ns = reading_ns();

	doctor_read(CLOCKSOURCE "current_clocksource", name, sizeof(name));
	doctor_read(CLOCKSOURCE "available_clocksource", available, sizeof(available));
	if (!*name)
		doctor_say(d, "clocksource", VERDICT_OK, NULL, "unknown: a reading takes %.0f ns",
			   ns);
	else if (!is_slow_clock(name))
		doctor_say(d, "clocksource", VERDICT_OK, NULL, "%s: a reading takes %.0f ns", name,
			   ns);
	else
		doctor_say(
			d, "clocksource", VERDICT_NOTE,
			strstr(available, "tsc ")
				? "echo tsc >" CLOCKSOURCE "current_clocksource"
				: "dmesg | grep -i tsc says why the kernel does not use the TSC; "
				  "boot with tsc=reliable if the CPUs' TSCs agree",
			"%s: each event waits %.0f ns for its time, and times of different CPUs "
			"may be in the wrong order",
			name, ns);
}

void doctor_check_probes(struct doctor *d)
{
	bool kprobes = !access(PMU "kprobe/type", F_OK), uprobes = !access(PMU "uprobe/type", F_OK);

	if (kprobes && uprobes)
		doctor_say(d, "probes", VERDICT_OK, NULL, "this kernel has kprobes and uprobes");
	else
		doctor_say(d, "probes", VERDICT_NOTE,
			   "boot a kernel that was built with CONFIG_KPROBE_EVENTS=y and "
			   "CONFIG_UPROBE_EVENTS=y",
			   "this kernel has no %s, so %s cannot be used",
			   kprobes   ? "uprobes"
			   : uprobes ? "kprobes"
				     : "kprobes and no uprobes",
			   kprobes   ? "--uprobe and --usdt"
			   : uprobes ? "--kprobe"
				     : "--kprobe, --uprobe and --usdt");
}

/* Does the beginning of /proc/kallsyms have an address? Hidden ones are 0. */
static bool sees_addresses(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long address = 0;
	char line[512];

	for (int i = 0; f && !address && i < 500 && fgets(line, sizeof(line), f); i++)
		sscanf(line, "%llx", &address);
	if (f)
		fclose(f);
	return address;
}

void doctor_check_kallsyms(struct doctor *d)
{
	const char *restricts = doctor_sysctl("kernel/kptr_restrict");

	if (sees_addresses())
		doctor_say(d, "kallsyms", VERDICT_OK, NULL, "functions of the kernel have names");
	else if (access("/proc/kallsyms", R_OK))
		doctor_say(d, "kallsyms", VERDICT_NOTE, "mount -t proc proc /proc",
			   "functions of the kernel stay without names, because /proc/kallsyms "
			   "cannot be read: %s",
			   strerror(errno));
	else
		doctor_say(d, "kallsyms", VERDICT_NOTE,
			   !strcmp(restricts, "2") ? "sysctl kernel.kptr_restrict=1"
						   : "run as root, or grant CAP_SYSLOG",
			   "functions of the kernel in stacks stay without names "
			   "(kernel.kptr_restrict = %s)",
			   restricts);
}
