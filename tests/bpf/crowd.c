/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Attaches BPF programs to the tracepoint with this id until the kernel takes no more, then runs a command:
 * crowd ID COMMAND... */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int attach(int id)
{
	const struct bpf_insn idle[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT,
					.size = sizeof(attr),
					.config = id };
	int prog = bpf_prog_load(BPF_PROG_TYPE_TRACEPOINT, "idle", "GPL", idle, 2, NULL);
	int event = syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0);

	return prog < 0 || event < 0 ? -1 : bpf_link_create(prog, event, BPF_PERF_EVENT, NULL);
}

int main(int argc, char **argv)
{
	int n = 0, status;
	pid_t pid;

	if (argc < 3)
		return 2;
	while (n < 100 && attach(atoi(argv[1])) >= 0)
		n++;
	if (n < 10 || n == 100) {
		fprintf(stderr, "crowd: attached %d programs\n", n);
		return 2;
	}
	pid = fork(); /* because descriptors of BPF end with exec */
	if (!pid) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
