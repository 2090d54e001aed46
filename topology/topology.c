/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opens a topology. It reads everything that a plan depends on, including what this process may
 * use, so that nr_plan_make() needs no system call (I9).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "internal.h"
#include "base/opts.h"

#define CPUS	      "/sys/devices/system/cpu"
#define NODES	      "/sys/devices/system/node"
#define POSSIBLE_CPUS CPUS "/possible"

/* hwloc does not say why it cannot read a file. */
static int check_file(const char *path, const struct nr_logger *log)
{
	struct stat st;
	int err = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st))
		err = -errno;
	else if (S_ISDIR(st.st_mode))
		err = -EISDIR;
	if (err)
		nr_log(log, NR_LOG_ERROR, "cannot read %s: %s", path, strerror(-err));
	if (fd >= 0)
		close(fd);
	return err;
}

static int set_source(hwloc_topology_t hw, const struct nr_topology_opts *o,
		      const struct nr_logger *log)
{
	int err;

	if (o->synthetic && o->xml) {
		nr_log(log, NR_LOG_ERROR, "give a synthetic description or an XML file, not both");
		return -EINVAL;
	}
	if (o->synthetic && hwloc_topology_set_synthetic(hw, o->synthetic)) {
		nr_log(log, NR_LOG_ERROR, "invalid hwloc synthetic description \"%s\"",
		       o->synthetic);
		return -EINVAL;
	}
	if (o->xml) {
		err = check_file(o->xml, log);
		if (err)
			return err;
		if (hwloc_topology_set_xml(hw, o->xml)) {
			nr_log(log, NR_LOG_ERROR, "%s is not an hwloc XML file", o->xml);
			return -EINVAL;
		}
	}
	return 0;
}

/* hwloc groups this host's nodes by their distances, and prints complaints to stderr if they are
 * irregular. The kernel's distances are used instead. */
static unsigned long flags_of_host(const struct nr_topology_opts *o)
{
#if HWLOC_API_VERSION >= 0x00020800
	if (!o->xml && !o->synthetic)
		return HWLOC_TOPOLOGY_FLAG_NO_DISTANCES;
#endif
	(void)o;
	return 0;
}

/* Returns the directory that sysfs hides, as in a container with parts of sysfs only; NULL: none. A
 * kernel without NUMA has no directory of nodes. */
static const char *hidden_in_sysfs(void)
{
	if (access(CPUS "/cpu0/topology/thread_siblings", R_OK))
		return CPUS;
	return !access(NODES, F_OK) && access(NODES "/online", R_OK) ? NODES : NULL;
}

/* Without these directories, hwloc's Linux backend aborts or prints complaints to stderr. The other
 * backends count the CPUs, and on x86 they read cores and caches from the CPUs. */
static int work_around_sysfs(hwloc_topology_t hw, const struct nr_topology_opts *o,
			     const struct nr_logger *log)
{
	const char *hidden = o->xml || o->synthetic ? NULL : hidden_in_sysfs();

	if (!hidden)
		return 0;
	nr_log(log, NR_LOG_WARN, "%s is empty or cannot be read: %s; mount sysfs on /sys", hidden,
	       strcmp(hidden, NODES) ? "cores, caches and offline CPUs may be missing"
				     : "all CPUs count as one NUMA node");
	return hwloc_topology_set_components(hw, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "linux")
		       ? -EINVAL
		       : 0;
}

static int load(hwloc_topology_t hw, const struct nr_topology_opts *o, const struct nr_logger *log)
{
	int err = set_source(hw, o, log) ?: work_around_sysfs(hw, o, log);

	if (err)
		return err;
	/* BPF programs run on every CPU of the machine, even outside this process's cpuset. */
	if (hwloc_topology_set_flags(hw,
				     HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED | flags_of_host(o)) ||
	    hwloc_topology_load(hw)) {
		err = errno == ENOMEM ? -ENOMEM : -EINVAL;
		nr_log(log, NR_LOG_ERROR, "hwloc cannot load the topology of %s%s",
		       o->xml	      ? o->xml
		       : o->synthetic ? o->synthetic
				      : "this machine",
		       err == -ENOMEM ? ": out of memory, raise ulimit -v" : "");
	}
	return err;
}

static hwloc_obj_t ancestor(struct nr_topology *topo, hwloc_obj_t obj, hwloc_obj_type_t type)
{
	return hwloc_get_ancestor_obj_by_type(topo->hw, type, obj);
}

static bool is_larger(hwloc_obj_t obj, hwloc_obj_t than)
{
	return hwloc_bitmap_weight(obj->cpuset) > hwloc_bitmap_weight(than->cpuset);
}

/* Finds the object between core and last-level cache: a shared L2, or hwloc's group for one of the
 * kernel's clusters. On a Kunpeng 920, 4 CPUs with an L3 tag of their own are a cluster. */
static hwloc_obj_t find_cluster(const struct topo_cpu *cpu)
{
	hwloc_obj_t obj = cpu->core;

	while (obj != cpu->llc && !is_larger(obj, cpu->core))
		obj = obj->parent;
	return obj;
}

static void find_objects(struct nr_topology *topo, struct topo_cpu *cpu, hwloc_obj_t pu)
{
	cpu->os = pu->os_index;
	cpu->pu = pu;
	cpu->core = ancestor(topo, pu, HWLOC_OBJ_CORE);
	if (!cpu->core)
		cpu->core = pu;
	cpu->llc = ancestor(topo, pu, HWLOC_OBJ_L3CACHE);
	if (!cpu->llc)
		cpu->llc = ancestor(topo, pu, HWLOC_OBJ_L2CACHE);
	/* hwloc may put a private L2 below the core. */
	if (!cpu->llc || is_larger(cpu->core, cpu->llc))
		cpu->llc = cpu->core;
	cpu->cluster = find_cluster(cpu);
	cpu->package = ancestor(topo, pu, HWLOC_OBJ_PACKAGE);
	if (!cpu->package)
		cpu->package = hwloc_get_root_obj(topo->hw);
}

/* Reads a kernel CPU list from a file. False: there is none. */
static bool read_cpus(const char *path, hwloc_bitmap_t set)
{
	char *list = NULL;
	size_t size = 0;
	FILE *f = fopen(path, "re");
	bool good = f && getline(&list, &size, f) > 0;

	if (good) {
		list[strcspn(list, "\n")] = '\0';
		good = !topo_parse_cpus(list, set);
	}
	if (f)
		fclose(f);
	free(list);
	return good;
}

/* Returns the number of bits in the kernel's CPU masks, which is above every CPU number. */
static int cpu_mask_bits(void)
{
	unsigned long mask[(TOPO_MAX_CPU + 1) / (8 * sizeof(unsigned long))];
	long bytes = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);

	return bytes > 0 ? bytes * 8 : 0;
}

/* On this host, a CPU may come online later with a number above all that hwloc knows. */
static int find_possible(struct nr_topology *topo)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	int end = 0;

	if (!set)
		return -ENOMEM;
	if (topo->this_host)
		end = read_cpus(POSSIBLE_CPUS, set) ? hwloc_bitmap_last(set) + 1 : cpu_mask_bits();
	topo->possible_end = end > (int)topo->cpu_end ? (unsigned)end : topo->cpu_end;
	hwloc_bitmap_free(set);
	return 0;
}

/* hwloc's environment variables can replace this machine by another one. BPF programs would run on
 * this machine's CPUs all the same, and threads could not be pinned to the other one's. */
static int check_environment(const struct nr_topology *topo, const struct nr_topology_opts *o,
			     const struct nr_logger *log)
{
	if (o->xml || o->synthetic || topo->this_host)
		return 0;
	nr_log(log, NR_LOG_ERROR,
	       "hwloc's environment variables describe another machine: unset HWLOC_XMLFILE, "
	       "HWLOC_SYNTHETIC, HWLOC_FSROOT and HWLOC_COMPONENTS");
	return -EINVAL;
}

static int find_cpus(struct nr_topology *topo)
{
	int n = hwloc_get_nbobjs_by_type(topo->hw, HWLOC_OBJ_PU);
	unsigned i;

	if (n <= 0)
		return -EINVAL;
	topo->n_cpus = n;
	topo->cpus = calloc(n, sizeof(*topo->cpus));
	topo->cpu_end = hwloc_bitmap_last(hwloc_topology_get_topology_cpuset(topo->hw)) + 1;
	topo->cpu_index = malloc(topo->cpu_end * sizeof(*topo->cpu_index));
	if (!topo->cpus || !topo->cpu_index)
		return -ENOMEM;
	for (i = 0; i < topo->cpu_end; i++)
		topo->cpu_index[i] = -1;
	for (i = 0; i < topo->n_cpus; i++) {
		find_objects(topo, &topo->cpus[i],
			     hwloc_get_obj_by_type(topo->hw, HWLOC_OBJ_PU, i));
		topo->cpu_index[topo->cpus[i].os] = i;
	}
	return 0;
}

/*
 * By default, consumers stay inside the process's affinity mask (taskset, isolcpus). CPUs that the
 * user names may be outside of it, such as isolated ones, but not outside the cpuset. On a topology
 * that is not this host's, both sets contain all CPUs.
 */
static int find_allowed(struct nr_topology *topo)
{
	topo->allowed = hwloc_bitmap_dup(hwloc_topology_get_topology_cpuset(topo->hw));
	topo->affinity = hwloc_bitmap_dup(topo->allowed);
	if (!topo->allowed || !topo->affinity)
		return -ENOMEM;
	if (!topo->this_host)
		return 0;
	if (hwloc_bitmap_copy(topo->allowed, hwloc_topology_get_allowed_cpuset(topo->hw)))
		return -ENOMEM;
	if (hwloc_get_cpubind(topo->hw, topo->affinity, HWLOC_CPUBIND_THREAD))
		hwloc_bitmap_copy(topo->affinity, topo->allowed);
	return hwloc_bitmap_or(topo->allowed, topo->allowed, topo->affinity) ? -ENOMEM : 0;
}

int nr_topology_open(struct nr_topology **out, const struct nr_topology_opts *opts)
{
	struct nr_topology *topo = NULL;
	struct nr_topology_opts o;
	struct nr_logger log;
	int err;

	err = NR_COPY_OPTS(nr_topology_opts, &o, opts);
	if (err)
		goto out;
	log = (struct nr_logger){ o.log, o.log_ctx };
	err = -ENOMEM;
	topo = calloc(1, sizeof(*topo));
	if (!topo || hwloc_topology_init(&topo->hw))
		goto out;
	err = load(topo->hw, &o, &log);
	if (err)
		goto out;
	topo->this_host = hwloc_topology_is_thissystem(topo->hw);
	err = check_environment(topo, &o, &log);
	if (!err)
		err = find_cpus(topo);
	if (!err)
		err = find_possible(topo);
	if (!err)
		err = topo_find_nodes(topo);
	if (!err)
		err = find_allowed(topo);
	if (err)
		goto out;
	*out = topo;
	topo = NULL;
out:
	nr_topology_free(topo);
	return err;
}

void nr_topology_free(struct nr_topology *topo)
{
	if (!topo)
		return;
	hwloc_bitmap_free(topo->allowed);
	hwloc_bitmap_free(topo->affinity);
	free(topo->dist);
	free(topo->nodes);
	free(topo->cpu_index);
	free(topo->cpus);
	if (topo->hw)
		hwloc_topology_destroy(topo->hw);
	free(topo);
}

bool nr_topology_is_this_host(const struct nr_topology *topo)
{
	return topo->this_host;
}

static const struct topo_cpu *find_cpu(const struct nr_topology *topo, unsigned cpu)
{
	int i = cpu < topo->cpu_end ? topo->cpu_index[cpu] : -1;

	return i < 0 ? NULL : &topo->cpus[i];
}

enum nr_distance nr_topology_distance(const struct nr_topology *topo, unsigned cpu_a,
				      unsigned cpu_b)
{
	const struct topo_cpu *a = find_cpu(topo, cpu_a);
	const struct topo_cpu *b = find_cpu(topo, cpu_b);

	if (!a || !b)
		return NR_OTHER_PACKAGE;
	if (a == b)
		return NR_SAME_CPU;
	if (a->core == b->core)
		return NR_SAME_CORE;
	if (topo_same_llc(a, b))
		return NR_SAME_LLC;
	if (a->node == b->node)
		return NR_SAME_NODE;
	return a->package == b->package ? NR_SAME_PACKAGE : NR_OTHER_PACKAGE;
}

unsigned nr_topology_cpus(const struct nr_topology *topo, unsigned *cpus, unsigned max)
{
	unsigned i;

	for (i = 0; i < topo->n_cpus && i < max; i++)
		cpus[i] = topo->cpus[i].os;
	return topo->n_cpus;
}

unsigned nr_topology_possible_cpus(const struct nr_topology *topo)
{
	return topo->possible_end;
}

int nr_topology_cpu_node(const struct nr_topology *topo, unsigned cpu)
{
	const struct topo_cpu *c = find_cpu(topo, cpu);

	return c ? topo->nodes[topo->nodes[c->node].memory].os : -1;
}
