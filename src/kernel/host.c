// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <numaif.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "host.h"

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

/* The kernel gives its initial namespaces these fixed inode numbers. */
#define INITIAL_PIDNS  0xeffffffcu
#define INITIAL_TIMENS 0xeffffffau

static bool has_cap(const struct __user_cap_data_struct *data, int cap)
{
	return data[cap / 32].effective & (1u << (cap % 32));
}

/* data has two elements. */
static int get_capabilities(struct __user_cap_data_struct *data)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &header, data) ? -errno : 0;
}

bool nr_host_may_read_mapped_files(void)
{
	struct __user_cap_data_struct data[2] = {};

	return !get_capabilities(data) &&
	       (has_cap(data, CAP_SYS_ADMIN) || has_cap(data, CAP_CHECKPOINT_RESTORE));
}

static int check_capabilities(const struct nr_logger *log)
{
	struct __user_cap_data_struct data[2] = {};
	bool bpf, perfmon;
	int err = get_capabilities(data);

	if (err)
		return err;
	if (has_cap(data, CAP_SYS_ADMIN))
		return 0;
	bpf = has_cap(data, CAP_BPF);
	perfmon = has_cap(data, CAP_PERFMON);
	if (bpf && perfmon)
		return 0;
	nr_log(log, NR_LOG_ERROR,
	       "no permission to load BPF programs: %s%s%s missing; run as root, or grant both "
	       "as ambient capabilities with setpriv(1) or in a systemd unit",
	       bpf ? "" : "CAP_BPF", bpf || perfmon ? "" : " and ", perfmon ? "" : "CAP_PERFMON");
	return -EPERM;
}

bool nr_host_is_old(const char *release)
{
	unsigned major = 0, minor = 0;

	return sscanf(release, "%u.%u", &major, &minor) == 2 &&
	       (major < 5 || (major == 5 && minor < 18));
}

/* 0, or the errno of creating a ring buffer. */
static int try_ring(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "nr_try", 0, 0, sysconf(_SC_PAGESIZE), NULL);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static int check_kernel(const struct nr_logger *log)
{
	struct utsname name = {};
	int err = try_ring();

	uname(&name);
	if (err == -EPERM) {
		nr_log(log, NR_LOG_ERROR,
		       "no permission to load BPF programs, although the capabilities are set: "
		       "those "
		       "of a user namespace (rootless container) do not count, and seccomp may "
		       "forbid bpf(); run outside the container (numaring doctor says which)");
		return err;
	}
	if (err == -EINVAL || err == -ENOSYS) {
		nr_log(log, NR_LOG_ERROR,
		       "this kernel (%s) is too old, it has no BPF ring buffer: " NR_KERNEL_NEEDED,
		       name.release);
		return -EOPNOTSUPP;
	}
	if (access("/sys/kernel", F_OK)) {
		nr_log(log, NR_LOG_ERROR,
		       "sysfs is not mounted: mount -t sysfs sysfs /sys, or start the container "
		       "with /sys");
		return -EOPNOTSUPP;
	}
	if (access(NR_KERNEL_BTF, R_OK)) {
		nr_log(log, NR_LOG_ERROR,
		       "this kernel (%s) has no BTF (%s: %s): boot a kernel that was built with "
		       "CONFIG_DEBUG_INFO_BTF=y",
		       name.release, NR_KERNEL_BTF, strerror(errno));
		return -EOPNOTSUPP;
	}
	return 0;
}

int nr_host_check(const struct nr_logger *log)
{
	int err = check_capabilities(log);

	return err ? err : check_kernel(log);
}

static bool in_namespace(const char *link, ino_t inode)
{
	struct stat st;

	return !stat(link, &st) && st.st_ino == inode;
}

bool nr_host_in_initial_pidns(void)
{
	return in_namespace("/proc/self/ns/pid", INITIAL_PIDNS);
}

bool nr_host_in_initial_timens(void)
{
	return in_namespace("/proc/self/ns/time", INITIAL_TIMENS);
}

void nr_host_clocksource(char *buf, size_t size)
{
	FILE *f = fopen(CLOCKSOURCE, "re");

	snprintf(buf, size, "unknown");
	if (!f)
		return;
	if (fgets(buf, size, f))
		buf[strcspn(buf, "\n")] = '\0';
	fclose(f);
}

long nr_host_pages_on_node(const void *addr, size_t pages, int node, size_t *present)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void **list = calloc(pages, sizeof(*list));
	int *status = calloc(pages, sizeof(*status));
	size_t n_present = 0;
	long n_on_node = -1;

	if (!list || !status)
		goto out;
	for (size_t i = 0; i < pages; i++)
		list[i] = (char *)addr + i * page;
	if (move_pages(0, pages, list, NULL, status, 0) < 0)
		goto out;
	n_on_node = 0;
	for (size_t i = 0; i < pages; i++) {
		n_on_node += status[i] == node;
		n_present += status[i] >= 0;
	}
	if (present)
		*present = n_present;
out:
	free(list);
	free(status);
	return n_on_node;
}
