// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Iterators: a program that the kernel runs for each task, socket, map element... Each runs once. */
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "target.h"
#include "targets.h"

struct nr_iterator {
	const struct bpf_program *prog;
	struct bpf_link *link; /* the object's */
	bool at_end;
};

/* Those that go through a map need the map, which has its content at the end. */
static bool needs_map(const struct bpf_program *prog)
{
	const char *kind = strchr(bpf_program__section_name(prog), '/');

	return kind && (!strcmp(kind, "/bpf_map_elem") || !strcmp(kind, "/bpf_sk_storage_map"));
}

bool nr_iterator_is_complete(const struct bpf_program *prog)
{
	return nr_section_is(prog, "iter") && !needs_map(prog);
}

static int check(struct nr_target *t, const struct nr_logger *log)
{
	if (needs_map(t->prog) || !strcmp(t->text, "start") || !strcmp(t->text, "end"))
		return 0;
	return nr_target_refuse(t, -EINVAL, NULL, log);
}

static int keep(struct nr_object *o, const struct nr_target *t, struct bpf_link *link)
{
	struct nr_iterator *grown = reallocarray(o->iterators, o->n_iterators + 1, sizeof(*grown));
	int err = nr_object_link(o, link);

	if (grown)
		o->iterators = grown;
	if (err || !grown)
		return -ENOMEM;
	grown[o->n_iterators++] = (struct nr_iterator){
		.prog = t->prog,
		.link = link,
		.at_end = needs_map(t->prog) || !strcmp(t->text, "end"),
	};
	return 0;
}

static int attach(struct nr_object *o, const struct nr_target *t, const struct nr_logger *log)
{
	union bpf_iter_link_info info = {};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts);
	struct bpf_link *link;

	if (needs_map(t->prog)) {
		int fd = bpf_object__find_map_fd_by_name(o->obj, t->text);

		if (fd < 0)
			return nr_target_failed(t, -ENOENT, "the object has no such map", log);
		info.map.map_fd = fd;
		opts.link_info = &info;
		opts.link_info_len = sizeof(info);
	}
	link = bpf_program__attach_iter(t->prog, &opts);
	return link ? keep(o, t, link) : nr_target_keep(o, t, NULL, NULL, log);
}

/* The kernel runs the program while its output is read. Nobody wants the output. -EAGAIN comes after
 * many elements without output. */
static int run(const struct nr_iterator *it)
{
	int fd = bpf_iter_create(bpf_link__fd(it->link));
	char output[4096];
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	do
		n = read(fd, output, sizeof(output));
	while (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)));
	err = n < 0 ? -errno : 0;
	close(fd);
	return err;
}

int nr_iterators_run(struct nr_object *o, bool at_end, const struct nr_logger *log)
{
	int err = 0, ret;

	for (unsigned i = 0; i < o->n_iterators; i++) {
		const struct nr_iterator *it = &o->iterators[i];

		ret = it->at_end == at_end ? run(it) : 0;
		if (ret)
			nr_log(log, NR_LOG_ERROR, "%s: cannot run the iterator %s (%s): %s",
			       o->name, bpf_program__name(it->prog),
			       bpf_program__section_name(it->prog), nr_reason(ret));
		err = ret ?: err;
	}
	return err;
}

const struct nr_target_kind nr_target_iter = {
	.form = "start or end, when it runs; of an iterator through a map, the name of the map",
	.check = check,
	.attach = attach,
};
