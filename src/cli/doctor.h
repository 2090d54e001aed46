/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The checks of numaring doctor: each says something about this host, and what to do about it. */
#ifndef NR_DOCTOR_H
#define NR_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <numaring/plan.h>

enum verdict {
	VERDICT_OK,
	VERDICT_NOTE,	 /* record works, but not as well as it could, or not all of it */
	VERDICT_SUSPECT, /* explains why record fails, if it fails and nothing is missing */
	VERDICT_MISSING, /* record cannot work like this */
};

struct check {
	const char *name;
	enum verdict verdict;
	char text[1024];
	const char *remedy; /* "": nothing to do */
};

struct doctor {
	struct check checks[32];
	unsigned n;
	/* What several checks need. */
	uint64_t capabilities; /* the effective ones, a bit each */
	bool may_use_bpf;      /* as far as capabilities say */
	struct nr_topology *topology;
	struct nr_plan *plan; /* what record would use; NULL: plan_error says why there is none */
	char plan_error[512];
	char plan_warning[512];
	uint64_t ring_bytes; /* of all rings */
};

/* doctor_say.c. Adds a check. remedy NULL: nothing to do. */
void doctor_say(struct doctor *d, const char *name, enum verdict verdict, const char *remedy,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The first line of a file, without its end. False, and an empty line: it cannot be read. */
bool doctor_read(const char *path, char *line, size_t size);
/* The value in a file below /proc/sys, until the next call; "unknown": it cannot be read. */
const char *doctor_sysctl(const char *name);
/* The number after a name in a file like /proc/meminfo. False: it is not there. */
bool doctor_read_field(const char *path, const char *name, uint64_t *value);
/* "4.0 MiB", "1.5 GiB". A buffer of 24 bytes holds every value. */
void doctor_format(char *buf, size_t size, uint64_t bytes);
/* Is the link in /proc/self/ns one of the namespaces that the kernel starts with? Also true if there
 * is no such link. */
bool doctor_is_initial(const char *namespace, unsigned inode);

/* doctor_kernel.c */
void doctor_check_kernel(struct doctor *d);
void doctor_check_btf(struct doctor *d);
void doctor_check_jit(struct doctor *d);
void doctor_check_lockdown(struct doctor *d);
void doctor_check_clocksource(struct doctor *d);
void doctor_check_probes(struct doctor *d);
void doctor_check_kallsyms(struct doctor *d);

/* doctor_rights.c */
void doctor_check_capabilities(struct doctor *d);
void doctor_check_bpf(struct doctor *d);
void doctor_check_perf(struct doctor *d);
void doctor_check_priority(struct doctor *d);
void doctor_check_pid_namespace(struct doctor *d);
void doctor_check_time_namespace(struct doctor *d);

/* doctor_place.c; the first makes the plan. */
void doctor_check_numa(struct doctor *d);
void doctor_check_cpus(struct doctor *d);
void doctor_check_memory(struct doctor *d);
void doctor_check_limits(struct doctor *d);
/* Bytes of rings and of process memory at most, and threads. */
uint64_t doctor_memory_needed(const struct doctor *d);
unsigned doctor_threads_needed(const struct doctor *d);

/* doctor_cgroup.c */
void doctor_check_cgroup(struct doctor *d);

/* doctor_mounts.c */
void doctor_check_tracefs(struct doctor *d);
void doctor_check_bpffs(struct doctor *d);
void doctor_check_cgroup2(struct doctor *d);
void doctor_check_output(struct doctor *d);

/* doctor_trial.c: records for a moment. Always the last check. */
void doctor_try(struct doctor *d);

#endif
