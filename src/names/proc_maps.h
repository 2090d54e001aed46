/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads which files a process has mapped to run their code. One thread. */
#ifndef NR_NAMES_PROC_MAPS_H
#define NR_NAMES_PROC_MAPS_H

#include <stddef.h>
#include <stdint.h>

/* Remembers files, which most processes share. */
struct nr_proc_files;

struct nr_proc_files *nr_proc_files_new(void); /* NULL: no memory */
void nr_proc_files_free(struct nr_proc_files *f);

/* The mappings of a process as lines of the file in a trace (mappings.h); the caller frees *text.
 * -ESRCH: it has exited, is a kernel thread, or is in exec; other errors of reading. */
int nr_proc_maps_read(struct nr_proc_files *f, uint32_t pid, char **text, size_t *size);

#endif
