/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Something that may crash, tried in a child process first. */
#ifndef NR_TRIAL_H
#define NR_TRIAL_H

/*
 * Runs try(arg) in a child process, which then ends. 0: it returned; a signal's number: the child
 * died of it, or used more CPU time than any honest object takes; -errno: there is no child. libbpf
 * says nothing there.
 */
int nr_trial(void (*try)(void *arg), void *arg);

#endif
