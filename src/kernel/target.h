/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One target of a program, and the ways to attach to one. */
#ifndef NR_TARGET_H
#define NR_TARGET_H

#include "object.h"

struct nr_target {
	struct bpf_program *prog;
	const char *text; /* the object's own copy */
	const struct nr_target_kind *kind;
	bool nmi; /* the program runs in NMIs there (I8) */
};

/* A way to attach. */
struct nr_target_kind {
	const char *form; /* of the text, for messages */
	/* Looks at the text, before the object is loaded. NULL: nothing to look at. */
	int (*check)(struct nr_target *t, const struct nr_logger *log);
	int (*attach)(struct nr_object *o, const struct nr_target *t, const struct nr_logger *log);
};

extern const struct nr_target_kind nr_target_perf, nr_target_tc, nr_target_xdp, nr_target_cgroup,
	nr_target_netns, nr_target_kprobe, nr_target_kprobes, nr_target_ksyscall, nr_target_uprobe,
	nr_target_usdt, nr_target_tracepoint, nr_target_raw_tracepoint, nr_target_function,
	nr_target_iter;

/* Does its section say all about an iterator? */
bool nr_iterator_is_complete(const struct bpf_program *prog);

/* Frees the targets of an object. */
void nr_targets_clear(struct nr_object *o);
/* Does the section of the program begin with this word, before a slash or its end? Its sleepable
 * kind, as "iter.s", counts, too. */
bool nr_section_is(const struct bpf_program *prog, const char *word);
/* "kretprobe", "uretprobe" and the like. */
bool nr_section_is_return(const struct bpf_program *prog);
/* Logs why the target is refused when it is added, and returns err. */
int nr_target_refuse(const struct nr_target *t, int err, const char *why,
		     const struct nr_logger *log);
/* Logs why the program could not be attached, and returns err. why NULL: what err says. */
int nr_target_failed(const struct nr_target *t, int err, const char *why,
		     const struct nr_logger *log);
/* Keeps the link, or logs why there is none. */
int nr_target_keep(struct nr_object *o, const struct nr_target *t, struct bpf_link *link,
		   const char *(*explain)(const struct nr_target *t, int err),
		   const struct nr_logger *log);

#endif
