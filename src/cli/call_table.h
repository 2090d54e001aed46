/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How the arguments of system calls are shown. */
#ifndef NR_CALL_TABLE_H
#define NR_CALL_TABLE_H

/*
 * A letter for each argument of the call; NULL: the call is unknown. P in front says that the call
 * returns an address.
 *
 * d int             w unsigned int     x unsigned int, in hex     o a mode, in octal
 * l long            u unsigned long    X unsigned long, in hex    a long, in hex if it is large
 * p address         D directory's fd   f flags of open            F operation of futex
 * g signal          m a mode, if the flags before it create a file
 */
const char *call_table_args(const char *name);

#endif
