/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's BTF. Parsing takes about 10 ms and as many MB, so all that need it share one. Any
 * thread may call these functions. */
#ifndef NR_KERNEL_BTF_H
#define NR_KERNEL_BTF_H

#include <bpf/btf.h>

/* Valid until nr_kernel_btf_put. NULL: errno tells why, and a put is not needed. */
const struct btf *nr_kernel_btf_get(void);
void nr_kernel_btf_put(const struct btf *btf); /* takes NULL */

/* Frees it unless somebody uses it. The next get parses it again. */
void nr_kernel_btf_drop(void);

#endif
