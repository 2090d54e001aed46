// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "libbpf_log.h"
#include "object.h"
#include "report.h"

static void report_no_auto_attach(const struct nr_object *o, const struct bpf_program *prog,
				  const struct nr_logger *log)
{
	nr_log(log, NR_LOG_ERROR,
	       "%s: program %s cannot be attached by its section name \"%s\": use a section that "
	       "names its target, such as tp_btf/sched_switch, or call "
	       "bpf_program__set_autoattach(prog, false) before the start and attach it yourself",
	       o->name, bpf_program__name(prog), bpf_program__section_name(prog));
}

int nr_object_link(struct nr_object *o, struct bpf_link *link)
{
	struct bpf_link **grown = reallocarray(o->links, o->n_links + 1, sizeof(*grown));

	if (!grown) {
		bpf_link__destroy(link);
		return -ENOMEM;
	}
	o->links = grown;
	o->links[o->n_links++] = link;
	return 0;
}

static int attach_program(struct nr_object *o, struct bpf_program *prog,
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

void nr_object_detach(struct nr_object *o)
{
	for (unsigned i = 0; i < o->n_links; i++)
		bpf_link__destroy(o->links[i]);
	free(o->links);
	o->links = NULL;
	o->n_links = 0;
}
