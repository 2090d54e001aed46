/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For libbpf's usdt.bpf.h: clang finds no directory of an architecture when it compiles for BPF. */
#include <asm-generic/errno.h>
