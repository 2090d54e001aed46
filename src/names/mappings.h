/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The mappings of processes as a trace keeps them: lines of text (docs/format.md).
 *
 *	numaring mappings 1
 *	process PID TS			the first reading of an address space
 *	START-END ADDRESS ID PATH	for each mapping with code
 *	again PID TS			a later reading of the same address space
 *	...
 *
 * All numbers but PID and TS are hexadecimal. The file is not trusted.
 */
#ifndef NR_NAMES_MAPPINGS_H
#define NR_NAMES_MAPPINGS_H

#include <stddef.h>
#include <stdint.h>

#define NR_MAPPINGS_BEGIN "numaring mappings 1\n"

struct nr_mapping {
	uint64_t start, end;
	uint64_t address; /* in the file's own count, of start */
	const char *id;	  /* of the file (elf_file.h), or "-": unknown */
	const char *path; /* of the file when it was mapped, or "[vdso]" */
	void *file;	  /* for the caller of nr_mappings_find; NULL at first */
};

struct nr_mappings;

struct nr_mappings *nr_mappings_new(void); /* NULL: no memory */
void nr_mappings_free(struct nr_mappings *m);
/*
 * Adds the mappings of a file, and takes its text, which ends with a 0 byte. A last line without an
 * end was not written completely and is left out. 0; -ENOMEM; -EBADMSG: *line has another form, and
 * what is before it is used.
 */
int nr_mappings_add(struct nr_mappings *m, char *text, size_t size, unsigned *line);
/* The mapping that has the address in this process at this time; NULL: unknown. */
struct nr_mapping *nr_mappings_find(struct nr_mappings *m, uint32_t pid, uint64_t ts,
				    uint64_t address);

#endif
