// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
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

/* The kernel waits for a grace period for each link, so several threads share the links. */
#define DETACH_THREADS 32

struct share {
	struct nr_object *o;
	unsigned first;
	unsigned step;
	pthread_t thread;
};

static void *destroy_share(void *arg)
{
	const struct share *share = arg;

	for (unsigned i = share->first; i < share->o->n_links; i += share->step)
		bpf_link__destroy(share->o->links[i]);
	return NULL;
}

static void destroy_links(struct nr_object *o)
{
	unsigned n = o->n_links < DETACH_THREADS ? o->n_links : DETACH_THREADS, begun = 0;
	struct share shares[DETACH_THREADS];

	for (unsigned i = 0; i < n; i++)
		shares[i] = (struct share){ .o = o, .first = i, .step = n };
	while (begun + 1 < n &&
	       !pthread_create(&shares[begun].thread, NULL, destroy_share, &shares[begun]))
		begun++;
	for (unsigned i = begun; i < n; i++) /* without threads, this one has to do it */
		destroy_share(&shares[i]);
	for (unsigned i = 0; i < begun; i++)
		pthread_join(shares[i].thread, NULL);
}

void nr_object_detach(struct nr_object *o)
{
	destroy_links(o);
	free(o->links);
	o->links = NULL;
	o->n_links = 0;
}
