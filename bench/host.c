// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a reader has to know about the host where figures were taken. */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/utsname.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include "bench.h"

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

/* The value of a line "KEY : VALUE" of /proc/cpuinfo. */
static void cpuinfo(const char *key, char *buf, size_t size)
{
	char line[512];
	const char *value = NULL;

	if (bench_read_line("/proc/cpuinfo", key, line, sizeof(line)))
		value = strchr(line, ':');
	snprintf(buf, size, "%s", value ? value + strspn(value, ": ") : "unknown");
}

/* Of this CPU's maker. The kernel has no names of arm64 CPUs, but lscpu knows those of their
 * numbers. */
static void cpu_model(char *buf, size_t size)
{
	static const char key[] = "Model name:";
	char line[512] = "", part[32];
	FILE *lscpu;

	cpuinfo("model name", buf, size);
	if (strcmp(buf, "unknown"))
		return;
	lscpu = popen("LC_ALL=C lscpu 2>/dev/null", "re");
	while (lscpu && fgets(line, sizeof(line), lscpu) && strncmp(line, key, sizeof(key) - 1))
		*line = 0;
	if (lscpu)
		pclose(lscpu);
	line[strcspn(line, "\n")] = 0;
	if (*line && strcmp(line + strlen(line) - 1, "-")) {
		snprintf(buf, size, "%s",
			 line + sizeof(key) - 1 + strspn(line + sizeof(key) - 1, " "));
		return;
	}
	cpuinfo("CPU implementer", line, sizeof(line));
	cpuinfo("CPU part", part, sizeof(part));
	if (strcmp(line, "unknown"))
		snprintf(buf, size, "implementer %.16s, part %s", line, part);
}

/* The hypervisor's name as the CPU reports it; empty: none, or not reported. */
static void hypervisor(char name[13])
{
	unsigned text[4] = { 0 };
#ifdef __x86_64__
	unsigned a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d) && c & (1u << 31))
		__cpuid(0x40000000, a, text[0], text[1], text[2]);
#endif
	memcpy(name, text, 13);
}

static bool host_is_emulated(void)
{
	char name[13], model[128], implementer[16];

	hypervisor(name);
	if (*name)
		return !strncmp(name, "TCGTCG", 6);
	cpuinfo("model name", model, sizeof(model));
	cpuinfo("CPU implementer", implementer, sizeof(implementer));
	return strstr(model, "QEMU") || strstr(model, "TCG") || !strcmp(implementer, "0x00");
}

void host_check(void)
{
	const struct nr_collector_opts opts = {
		.sz = sizeof(opts), .policy = "single", .ring_bytes = 65536, .log = bench_log
	};
	struct nr_collector *collector = NULL;

	if (host_is_emulated())
		warnx("this CPU is EMULATED: figures show that it works, not how fast");
	if (nr_collector_open(&collector, &opts) || bench_find_clock())
		exit(BENCH_FAILED); /* explained */
	nr_collector_close(collector);
}

/* Type of the lock in the kernel's ring buffer: raw_spinlock_t, or rqspinlock_t from 6.15 on. */
static void lock_type(char *buf, size_t size)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, "bpf_ringbuf", BTF_KIND_STRUCT) : -1;
	const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(btf, id);

	snprintf(buf, size, "unknown");
	for (int i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const struct btf_type *lock = btf__type_by_id(btf, m->type);

		if (!strcmp(btf__name_by_offset(btf, m->name_off), "spinlock"))
			snprintf(buf, size, "%s", btf__name_by_offset(btf, lock->name_off));
	}
	btf__free(btf);
}

static json_t *topology_json(const struct nr_topology *topo)
{
	unsigned n = nr_topology_cpus(topo, NULL, 0);
	unsigned *cpus = bench_alloc(n, sizeof(*cpus));
	int domains[NR_OTHER_PACKAGE] = { 0 };

	nr_topology_cpus(topo, cpus, n);
	/* Neighbours in caches are neighbours in this order: a CPU begins a domain of each kind
	 * that it does not share with the one before. */
	for (unsigned i = 0; i < n; i++)
		for (unsigned d = i ? nr_topology_distance(topo, cpus[i - 1], cpus[i])
				    : NR_OTHER_PACKAGE;
		     d-- > 0;)
			domains[d]++;
	free(cpus);
	return json_pack("{s:i, s:i, s:i, s:i, s:i}", "cpus", domains[NR_SAME_CPU], "cores",
			 domains[NR_SAME_CORE], "caches", domains[NR_SAME_LLC], "nodes",
			 domains[NR_SAME_NODE], "packages", domains[NR_SAME_PACKAGE]);
}

json_t *host_json(const struct nr_topology *topo)
{
	char model[128], clocksource[64], lock[64], below[13], libbpf[32];
	struct utsname name = { 0 };

	uname(&name);
	hypervisor(below);
	cpu_model(model, sizeof(model));
	if (!bench_read_line(CLOCKSOURCE, "", clocksource, sizeof(clocksource)))
		strcpy(clocksource, "unknown");
	lock_type(lock, sizeof(lock));
	snprintf(libbpf, sizeof(libbpf), "%u.%u", libbpf_major_version(), libbpf_minor_version());
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:o}", "numaring",
			 NR_VERSION_STRING, "kernel", name.release, "machine", name.machine,
			 "cpu_model", model, "hypervisor", below, "emulated", host_is_emulated(),
			 "clocksource", clocksource, "lock", lock, "libbpf", libbpf, "topology",
			 topology_json(topo));
}
