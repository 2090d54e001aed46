/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What gives addresses names in an ELF file: its identity, its segments and its functions. The files
 * are those of any user and are not trusted: libelf reads them, and maps nothing. */
#ifndef NR_NAMES_ELF_FILE_H
#define NR_NAMES_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The build id in hexadecimal. For a file without one, '@' and its size and time of change: another
 * file of this name is most likely different. */
#define NR_ELF_ID 136 /* bytes of a buffer for it */

struct nr_elf_segment {
	uint64_t offset, size; /* in the file */
	uint64_t address;      /* as the file's symbols count */
};

#define NR_ELF_SEGMENTS 16 /* more are not kept */

struct nr_elf_info {
	char id[NR_ELF_ID];
	struct nr_elf_segment segments[NR_ELF_SEGMENTS]; /* those with code */
	unsigned n;
};

/* 0; -EBADMSG: not an ELF file, but info->id is set; an error of fstat. */
int nr_elf_info(int fd, struct nr_elf_info *info);
/* The address of the place at an offset, where a mapping begins. False: no segment has it. */
bool nr_elf_address(const struct nr_elf_info *info, uint64_t offset, uint64_t *address);

/* The functions of a file. */
struct nr_elf_symbols;

/* Adds the functions of the file to *symbols, which is NULL at first. 0, also if it has none;
 * -EBADMSG; -ENOMEM. */
int nr_elf_symbols_add(struct nr_elf_symbols **symbols, int fd);
/* After the last addition and before the first find. */
void nr_elf_symbols_sort(struct nr_elf_symbols *symbols);
/* The function that has the address; NULL: none. *start: where it begins. Takes NULL symbols. */
const char *nr_elf_symbols_find(const struct nr_elf_symbols *symbols, uint64_t address,
				uint64_t *start);
void nr_elf_symbols_free(struct nr_elf_symbols *symbols);

#endif
