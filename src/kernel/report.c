// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "explain.h"
#include "host.h"
#include "report.h"

#define ENOTSUPP 524 /* internal to the kernel, so no header defines it */

static const char *reason(int err)
{
	switch (err) {
	case -ESRCH:
		return "it needs something that this kernel does not have";
	case -ENOTSUPP:
		return "this kernel does not support it";
	default:
		return nr_reason(err);
	}
}

const char *nr_attach_reason(int err)
{
	return err == -E2BIG ? "64 BPF programs are attached to the event already, which is all "
			       "that the kernel takes: stop other tracers"
			     : reason(err);
}

static const char *section_of(const struct bpf_program *prog)
{
	return prog ? bpf_program__section_name(prog) : "";
}

/* Logs the lines of the verifier or of libbpf, and the advice. */
static void report_refusal(const struct nr_refusal *r, const char *advice,
			   const struct nr_logger *log)
{
	const char *end = r->lines + r->len;

	for (const char *line = r->lines; line < end; line = strchrnul(line, '\n') + 1)
		nr_log(log, NR_LOG_ERROR, "  %.*s", (int)(strchrnul(line, '\n') - line), line);
	if (advice)
		nr_log(log, NR_LOG_ERROR, "%s", advice);
}

static bool is_shortage(int err)
{
	return err == -ENOMEM || err == -EMFILE;
}

void nr_report_load_error(const struct nr_object *o, int err,
			  const struct nr_libbpf_warnings *warnings, const struct nr_logger *log)
{
	const struct bpf_program *prog;
	const char *advice;
	struct utsname host = {};
	struct nr_refusal r;

	if (is_shortage(err)) {
		nr_log(log, NR_LOG_ERROR, "cannot load %s: %s", o->name, nr_reason(err));
		return;
	}
	uname(&host);
	nr_refusal_read(&r, warnings->text);
	prog = bpf_object__find_program_by_name(o->obj, r.program);
	advice = nr_refusal_advice(&r, section_of(prog));
	if (nr_host_is_old(host.release))
		advice = "this kernel is too old: " NR_KERNEL_NEEDED;
	if (prog)
		nr_log(log, NR_LOG_ERROR,
		       r.from_verifier
			       ? "%s: the kernel (%s) refused program %s (%s): %s; the end of "
				 "the verifier's log:"
			       : "%s: this kernel (%s) cannot load program %s (%s): %s",
		       o->name, host.release, r.program, section_of(prog), reason(err));
	else
		nr_log(log, NR_LOG_ERROR, "%s: this kernel (%s) cannot load it: %s", o->name,
		       host.release, reason(err));
	report_refusal(&r, advice, log);
}

static bool has_tracefs(void)
{
	return !access("/sys/kernel/tracing/events", F_OK) ||
	       !access("/sys/kernel/debug/tracing/events", F_OK);
}

void nr_report_attach_error(const struct nr_object *o, const struct bpf_program *prog, int err,
			    const struct nr_libbpf_warnings *warnings, const struct nr_logger *log)
{
	struct nr_refusal r;
	const char *advice;

	nr_refusal_read(&r, warnings->text);
	advice = nr_refusal_advice(&r, section_of(prog));
	/* libbpf looks up a tracepoint's id in tracefs. */
	if (err == -ENOENT && bpf_program__type(prog) == BPF_PROG_TYPE_TRACEPOINT && !has_tracefs())
		advice = "tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing";
	nr_log(log, NR_LOG_ERROR, "%s: cannot attach program %s (%s): %s", o->name,
	       bpf_program__name(prog), section_of(prog), nr_attach_reason(err));
	if (!is_shortage(err))
		report_refusal(&r, advice, log);
}
