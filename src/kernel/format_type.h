/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes an event type of a tracepoint's format. */
#ifndef NR_FORMAT_TYPE_H
#define NR_FORMAT_TYPE_H

#include <linux/types.h>
#include "format_file.h"
#include "tracepoint.h"

struct btf;

/*
 * Adds the struct of the event to btf, and tells the BPF program how to fill it. Returns the id of
 * the struct. An array NAME of variable length that is the tail, or that has numbers, gets the
 * number of its elements as NAME_len. -E2BIG: the record is longer than the program can copy, or
 * has too many arrays; other errors of libbpf.
 */
int nr_tp_format_type(const struct nr_tp_format *format, const char *name, struct btf *btf,
		      struct nr_tp_config *config);

#endif
