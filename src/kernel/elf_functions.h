/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds functions of a program or a library by a pattern. */
#ifndef NR_ELF_FUNCTIONS_H
#define NR_ELF_FUNCTIONS_H

#include <stddef.h>

struct nr_elf_functions {
	size_t *offsets; /* in the file, each once; the caller frees them */
	size_t n;
};

/* The functions whose names match the pattern (fnmatch). -ENOEXEC: not an ELF file; -ENOMEM; errors
 * of open. */
int nr_elf_functions(struct nr_elf_functions *out, const char *path, const char *pattern);

#endif
