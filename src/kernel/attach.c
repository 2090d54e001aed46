// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include "libbpf_log.h"
#include "object.h"
#include "report.h"
#include "targets.h"

static void report_no_auto_attach(const struct nr_object *o, const struct bpf_program *prog,
				  const struct nr_logger *log)
{
	char advice[512];

	nr_log(log, NR_LOG_ERROR,
	       "%s: program %s cannot be attached by its section name \"%s\": %s, or call "
	       "bpf_program__set_autoattach(prog, false) before the start and attach it yourself",
	       o->name, bpf_program__name(prog), bpf_program__section_name(prog),
	       nr_targets_advice(prog, advice, sizeof(advice)));
}

uint64_t nr_object_skipped_runs(const struct nr_object *o)
{
	struct bpf_program *prog;
	uint64_t sum = 0;

	bpf_object__for_each_program (prog, o->obj) {
		struct bpf_prog_info info = {};
		uint32_t size = sizeof(info);

		if (bpf_program__fd(prog) >= 0 &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size))
			sum += info.recursion_misses;
	}
	return sum;
}

/* The section of the program says where. */
static int attach_by_section(struct nr_object *o, struct bpf_program *prog,
			     const struct nr_logger *log)
{
	struct nr_libbpf_warnings warnings = {};
	struct bpf_link *link;
	int err;

	/* BPF_PROG_TEST_RUN runs such a program; there is nothing to attach it to. */
	if (bpf_program__type(prog) == BPF_PROG_TYPE_SYSCALL)
		return 0;
	nr_libbpf_log_begin(log, &warnings);
	link = bpf_program__attach(prog);
	err = link ? 0 : -errno;
	nr_libbpf_log_end();
	if (link)
		return nr_object_link(o, link);
	if (!warnings.len && (err == -EOPNOTSUPP || err == -ESRCH || err == -EINVAL))
		/* libbpf did not even try. -EINVAL: "tracepoint/sched_switch" lacks its group. */
		report_no_auto_attach(o, prog, log);
	else
		nr_report_attach_error(o, prog, err, &warnings, log);
	return err;
}

static int attach_program(struct nr_object *o, struct bpf_program *prog,
			  const struct nr_logger *log)
{
	int err = nr_targets_attach(o, prog, log);

	return err == NR_NO_TARGET ? attach_by_section(o, prog, log) : err;
}

int nr_object_attach(struct nr_object *o, const struct nr_logger *log)
{
	struct bpf_program *prog;
	int err = 0;

	/* Go on after an error, so that every program that cannot be attached is named. */
	bpf_object__for_each_program (prog, o->obj) {
		if (bpf_program__autoload(prog) && bpf_program__autoattach(prog))
			err = (o->attach ?: attach_program)(o, prog, log) ?: err;
	}
	return err;
}
