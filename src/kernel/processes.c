// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "processes.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/types.h>
#include <numaring/record.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/clock.h"
#include "host.h"

#define RING	"nr_processes" /* the map in stack.bpf.h */
#define TIDY_MS 10000

bool nr_processes_are_in(const struct nr_object *o)
{
	const struct bpf_map *ring = bpf_object__find_map_by_name(o->obj, RING);

	return ring && !o->idle && bpf_map__autocreate(ring);
}

static int visit(void *ctx, void *data, size_t size)
{
	const struct nr_process_seen *seen = data;
	struct nr_processes *p = ctx;

	return size < sizeof(*seen) ? 0
				    : nr_names_visit(p->names, seen->pid, seen->ts, seen->again);
}

static void *run(void *arg)
{
	struct nr_processes *p = arg;
	struct pollfd fds[] = {
		{ .fd = ring_buffer__epoll_fd(p->rings), .events = POLLIN },
		{ .fd = p->stop_fd, .events = POLLIN },
	};
	uint64_t tidy = nr_clock_now();

	do {
		uint64_t now;

		poll(fds, 2, TIDY_MS);
		ring_buffer__consume(p->rings); /* after an error, the next call goes on */
		now = nr_clock_now();
		if (now - tidy < TIDY_MS * 1000000ull)
			continue;
		nr_names_tidy(p->names, now);
		tidy = now;
	} while (!fds[1].revents);
	return NULL;
}

static int add_rings(struct nr_processes *p, const struct nr_object *objects, unsigned n)
{
	int err = 0;

	for (unsigned i = 0; !err && i < n; i++) {
		int fd = bpf_object__find_map_fd_by_name(objects[i].obj, RING);

		if (fd < 0)
			continue;
		if (p->rings)
			err = ring_buffer__add(p->rings, fd, visit, p);
		else
			p->rings = ring_buffer__new(fd, visit, p, NULL);
		err = p->rings ? err : -errno;
	}
	return err;
}

int nr_processes_start(struct nr_processes *p, const struct nr_object *objects, unsigned n,
		       struct nr_names *names, const struct nr_logger *log)
{
	int err;

	if (!nr_host_in_initial_pidns()) {
		nr_log(log, NR_LOG_WARN,
		       "addresses of processes in stacks stay without names, because this is not "
		       "the host's PID namespace: run in that (--pid=host)");
		return 0;
	}
	*p = (struct nr_processes){ .names = names, .log = log };
	p->may_read = nr_host_may_read_mapped_files();
	if (!p->may_read)
		nr_log(log, NR_LOG_WARN,
		       "functions of processes in stacks stay without names, because this user may "
		       "not read the files that they have mapped: run as root, or grant "
		       "CAP_CHECKPOINT_RESTORE and CAP_SYS_PTRACE as well");
	p->stop_fd = eventfd(0, EFD_CLOEXEC);
	err = p->stop_fd < 0 ? -errno : add_rings(p, objects, n);
	if (!err)
		err = nr_thread_start(&p->thread, run, p, "nr-names");
	if (err)
		nr_log(log, NR_LOG_ERROR, "cannot watch for processes: %s", nr_reason(err));
	return err;
}

static void report(const struct nr_processes *p)
{
	uint64_t missed = nr_names_missed(p->names);

	if (missed && p->may_read)
		nr_log(p->log, NR_LOG_INFO,
		       "%" PRIu64 " process%s had exited before numaring read which files they had "
		       "mapped: their addresses stay without names",
		       missed, missed == 1 ? "" : "es");
}

void nr_processes_stop(struct nr_processes *p)
{
	if (!p->names)
		return;
	if (p->stop_fd >= 0)
		eventfd_write(p->stop_fd, 1);
	nr_thread_join(&p->thread);
	ring_buffer__free(p->rings);
	if (p->stop_fd >= 0)
		close(p->stop_fd);
	report(p);
	*p = (struct nr_processes){};
}
