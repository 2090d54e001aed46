// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the limits of this process's cgroups leave for record. */
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "doctor.h"

#define PATH_SIZE 800

/* What the cgroups of this process leave to it. */
struct room {
	uint64_t bytes, tasks;	/* UINT64_MAX: no limit */
	char memory[PATH_SIZE]; /* the cgroup with the tightest limit */
	char pids[PATH_SIZE];
};

/* Where cgroup2 is mounted. */
static bool find_mount(char *dir, size_t size)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	bool found = false;
	struct mntent *m;

	while (f && !found && (m = getmntent(f))) {
		found = !strcmp(m->mnt_type, "cgroup2");
		if (found)
			snprintf(dir, size, "%s", m->mnt_dir);
	}
	if (f)
		endmntent(f);
	return found;
}

/* The path of this process below the mount, "" for the root. */
static void find_cgroup(char *path, size_t size)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[512];

	*path = 0;
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "0::/", 4) && line[4])
			snprintf(path, size, "%s", line + 3);
	}
	if (f)
		fclose(f);
}

static uint64_t read_count(const char *dir, const char *file, uint64_t fallback)
{
	char path[PATH_SIZE + 32], line[64];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if (!doctor_read(path, line, sizeof(line)) || *line < '0' || *line > '9')
		return fallback; /* also "max" */
	return strtoull(line, NULL, 10);
}

static uint64_t left_of(uint64_t most, uint64_t used)
{
	return most == UINT64_MAX ? most : most > used ? most - used : 0;
}

/* The page cache does not count: the kernel takes it back. */
static uint64_t used_memory(const char *dir)
{
	uint64_t current = read_count(dir, "memory.current", 0), active = 0, inactive = 0;
	char path[PATH_SIZE + 32];

	snprintf(path, sizeof(path), "%s/memory.stat", dir);
	doctor_read_field(path, "active_file", &active);
	doctor_read_field(path, "inactive_file", &inactive);
	return left_of(current, active + inactive);
}

static void look_at_cgroup(struct room *room, const char *dir)
{
	uint64_t max = read_count(dir, "memory.max", UINT64_MAX);
	uint64_t high = read_count(dir, "memory.high", UINT64_MAX);
	uint64_t bytes = left_of(max < high ? max : high, used_memory(dir));
	uint64_t tasks = left_of(read_count(dir, "pids.max", UINT64_MAX),
				 read_count(dir, "pids.current", 0));

	if (bytes < room->bytes) {
		room->bytes = bytes;
		snprintf(room->memory, sizeof(room->memory), "%s", dir);
	}
	if (tasks < room->tasks) {
		room->tasks = tasks;
		snprintf(room->pids, sizeof(room->pids), "%s", dir);
	}
}

/* From the process's own cgroup up to the root of the mount. */
static struct room find_room(void)
{
	struct room room = { .bytes = UINT64_MAX, .tasks = UINT64_MAX };
	char mount[256], path[512], dir[PATH_SIZE];

	if (!find_mount(mount, sizeof(mount)))
		return room;
	for (find_cgroup(path, sizeof(path));; *strrchr(path, '/') = 0) {
		snprintf(dir, sizeof(dir), "%s%s", mount, path);
		look_at_cgroup(&room, dir);
		if (!*path)
			return room;
	}
}

void doctor_check_cgroup(struct doctor *d)
{
	const struct room room = find_room();
	uint64_t needed = doctor_memory_needed(d);
	char left[24], most[24];

	doctor_format(left, sizeof(left), room.bytes);
	doctor_format(most, sizeof(most), needed);
	if (room.bytes < needed)
		doctor_say(
			d, "cgroup-memory", VERDICT_SUSPECT,
			"raise memory.max and memory.high (MemoryMax= in a systemd unit), or use "
			"smaller rings (--ring-size)",
			"%s has room for %s; rings and packets take up to %s", room.memory, left,
			most);
	else if (room.bytes < UINT64_MAX)
		doctor_say(d, "cgroup-memory", VERDICT_OK, NULL,
			   "%s has room for %s; rings and packets take up to %s", room.memory, left,
			   most);
	else
		doctor_say(d, "cgroup-memory", VERDICT_OK, NULL, "no limit is known");
	if (room.tasks < doctor_threads_needed(d))
		doctor_say(d, "cgroup-pids", VERDICT_SUSPECT,
			   "raise pids.max (TasksMax= in a systemd unit)",
			   "%s has room for %lu threads; numaring needs %u", room.pids,
			   (unsigned long)room.tasks, doctor_threads_needed(d));
}
