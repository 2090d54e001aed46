/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Runs a function that may crash in a child process first. */
#ifndef NR_TRIAL_H
#define NR_TRIAL_H

/*
 * Runs fn(arg) in a child process, in which libbpf prints nothing. The child blocks all signals but
 * those of a crash. Returns
 *	0		fn returned;
 *	> 0		the child crashed, with this signal;
 *	-ECANCELED	the child was killed, by a user or by the kernel when memory ran out;
 *	-ETIMEDOUT	fn did not return within timeout_ms, and the child was killed;
 *	other -errno	the child could not be created.
 */
int nr_trial(void (*fn)(void *arg), void *arg, int timeout_ms);

#endif
