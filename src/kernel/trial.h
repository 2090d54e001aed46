/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Something that may crash, tried in a child process first. */
#ifndef NR_TRIAL_H
#define NR_TRIAL_H

/*
 * Runs try(arg) in a child process, which then ends. libbpf says nothing there. Only signals of a
 * crash reach the child. Returns
 *	0		try returned;
 *	> 0		the signal of the child's crash;
 *	-ECANCELED	somebody killed the child: the user, or the kernel, which was out of memory;
 *	-ETIMEDOUT	try did not return within timeout_ms, and the child was killed;
 *	other -errno	there is no child.
 */
int nr_trial(void (*try)(void *arg), void *arg, int timeout_ms);

#endif
