/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Logs why libbpf could not load an object or attach a program: the program, the kernel's or
 * libbpf's last lines, and advice for the usual mistakes. */
#ifndef NR_REPORT_H
#define NR_REPORT_H

#include "libbpf_log.h"
#include "object.h"

void nr_report_load_error(const struct nr_object *o, int err,
			  const struct nr_libbpf_warnings *warnings, const struct nr_logger *log);
void nr_report_attach_error(const struct nr_object *o, const struct bpf_program *prog, int err,
			    const struct nr_libbpf_warnings *warnings, const struct nr_logger *log);
/* What a negative errno of attaching means. */
const char *nr_attach_reason(int err);

#endif
