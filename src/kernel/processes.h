/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A thread reads the mappings of processes whose stacks are recorded, as soon as programs say that they
 * see a process (stack.bpf.h): some processes soon exit. */
#ifndef NR_PROCESSES_H
#define NR_PROCESSES_H

#include "base/thread.h"
#include "names/names.h"
#include "object.h"

struct nr_processes {
	struct nr_names *names; /* NULL: not started */
	bool may_read;		/* what processes have mapped */
	struct ring_buffer *rings;
	int stop_fd;
	struct nr_thread thread;
	const struct nr_logger *log;
};

/* Does the object record stacks? Before it is loaded, too. */
bool nr_processes_are_in(const struct nr_object *o);
/* objects: loaded ones. 0 or a negative errno, which is logged. */
int nr_processes_start(struct nr_processes *p, const struct nr_object *objects, unsigned n,
		       struct nr_names *names, const struct nr_logger *log);
/* Call it when no program runs any more. Takes one that was never started. */
void nr_processes_stop(struct nr_processes *p);

#endif
