// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "host.h"
#include "libbpf_log.h"
#include "pids.h"
#include "pids.skel.h"

/* Runs the iterator over all tasks of this PID namespace. */
static int walk_tasks(struct pids_bpf *skel)
{
	struct bpf_link *link = bpf_program__attach_iter(skel->progs.find_task, NULL);
	int fd, err = link ? 0 : -errno;
	char buf[16];
	ssize_t n;

	if (err)
		return err;
	fd = bpf_iter_create(bpf_link__fd(link));
	err = fd < 0 ? -errno : 0;
	while (!err && (n = read(fd, buf, sizeof(buf))))
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			err = -errno;
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return err;
}

static int find_on_host(pid_t pid, uint32_t *out)
{
	struct pids_bpf *skel = pids_bpf__open();
	int err = skel ? 0 : -errno;

	if (err)
		return err;
	skel->bss->wanted = pid;
	err = pids_bpf__load(skel) ?: walk_tasks(skel);
	if (!err && !skel->bss->found)
		err = -ESRCH;
	if (!err)
		*out = skel->bss->found;
	pids_bpf__destroy(skel);
	return err;
}

int nr_pid_on_host(pid_t pid, uint32_t *out, const struct nr_logger *log)
{
	int err;

	if (nr_host_in_initial_pidns()) {
		*out = pid;
		return 0;
	}
	nr_libbpf_log_begin(log, NULL);
	err = find_on_host(pid, out);
	nr_libbpf_log_end();
	if (err == -ESRCH)
		nr_log(log, NR_LOG_ERROR, "there is no process %d", pid);
	else if (err)
		nr_log(log, NR_LOG_ERROR,
		       "cannot find the host PID of process %d from this PID namespace: %s; run in "
		       "the host's PID namespace (--pid=host)",
		       pid, strerror(-err));
	return err;
}
