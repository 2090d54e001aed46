// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* File systems that record reads, and the one that it writes to. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <numaring/numaring.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "cli.h"
#include "doctor.h"

/* A recording with this room lasts a while, or does not begin. */
#define ENOUGH	   (1ull << 30)
#define TOO_LITTLE (1ull << 20)

static bool is_mounted(const char *path, long magic)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == magic;
}

/* The library's own words. */
static void keep_error(void *ctx, enum nr_log_level level, const char *text)
{
	char *error = ctx;

	if (level == NR_LOG_ERROR)
		snprintf(error, 512, "%s", text);
}

void doctor_check_tracefs(struct doctor *d)
{
	char error[512] = "";
	const struct nr_offer_opts opts = { .sz = sizeof(opts),
					    .log = keep_error,
					    .log_ctx = error };
	bool mounted = is_mounted("/sys/kernel/tracing", TRACEFS_MAGIC) ||
		       is_mounted("/sys/kernel/debug/tracing", TRACEFS_MAGIC);
	struct nr_types *types = NULL;
	int err = nr_source_types(&types, "sched:sched_switch", &opts);

	nr_types_free(types);
	if (err)
		doctor_say(d, "tracefs", VERDICT_NOTE, NULL, "%s", error);
	else if (mounted)
		doctor_say(d, "tracefs", VERDICT_OK, NULL, "tracepoints can be recorded by name");
	else
		doctor_say(d, "tracefs", VERDICT_NOTE,
			   "mount -t tracefs tracefs /sys/kernel/tracing",
			   "it is not mounted; numaring uses a mount of its own, but own programs "
			   "with SEC(\"tracepoint/...\") need it");
}

void doctor_check_bpffs(struct doctor *d)
{
	if (is_mounted("/sys/fs/bpf", BPF_FS_MAGIC))
		doctor_say(d, "bpffs", VERDICT_OK, NULL, "mounted at /sys/fs/bpf");
	else
		doctor_say(d, "bpffs", VERDICT_NOTE, "mount -t bpf bpf /sys/fs/bpf",
			   "it is not mounted; only own objects that pin maps need it");
}

void doctor_check_cgroup2(struct doctor *d)
{
	if (is_mounted("/sys/fs/cgroup", CGROUP2_SUPER_MAGIC) ||
	    is_mounted("/sys/fs/cgroup/unified", CGROUP2_SUPER_MAGIC))
		doctor_say(d, "cgroup2", VERDICT_OK, NULL, "cgroups can be recorded (--cgroup)");
	else
		doctor_say(d, "cgroup2", VERDICT_NOTE, "mount -t cgroup2 none /sys/fs/cgroup",
			   "it is not mounted, so --cgroup cannot be used");
}

static enum verdict too_little(uint64_t bytes)
{
	return bytes < TOO_LITTLE ? VERDICT_SUSPECT : VERDICT_NOTE;
}

/* By default, a trace goes into the current directory. */
void doctor_check_output(struct doctor *d)
{
	struct rlimit file = {};
	struct statvfs fs = {};
	char room[24], limit[24];
	uint64_t left;

	getrlimit(RLIMIT_FSIZE, &file);
	statvfs(".", &fs);
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	doctor_format(room, sizeof(room), left);
	doctor_format(limit, sizeof(limit), file.rlim_cur);
	if (faccessat(AT_FDCWD, ".", W_OK | X_OK, AT_EACCESS))
		doctor_say(d, "output", VERDICT_MISSING, "change to another, or use record -o DIR",
			   "a trace cannot be written into this directory: %s", strerror(errno));
	else if (file.rlim_cur < ENOUGH)
		doctor_say(d, "output", too_little(file.rlim_cur), "ulimit -f unlimited",
			   "files may have at most %s (ulimit -f)", limit);
	else if (left < ENOUGH)
		doctor_say(d, "output", too_little(left), "free some, or use record -o DIR",
			   "this directory's file system has only %s free", room);
	else
		doctor_say(d, "output", VERDICT_OK, NULL,
			   "this directory's file system has %s free", room);
}
