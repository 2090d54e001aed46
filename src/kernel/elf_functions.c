// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "elf_functions.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <gelf.h>
#include <stdlib.h>
#include <unistd.h>

/* A function has a symbol in two tables, or two names. */
static int add(struct nr_elf_functions *f, size_t offset)
{
	size_t *grown = f->offsets;

	for (size_t i = 0; i < f->n; i++)
		if (f->offsets[i] == offset)
			return 0;
	if (!(f->n & (f->n - 1))) /* the capacity doubles at powers of two */
		grown = reallocarray(grown, f->n ? 2 * f->n : 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	f->offsets = grown;
	grown[f->n++] = offset;
	return 0;
}

static int add_symbol(struct nr_elf_functions *f, Elf *elf, const GElf_Sym *symbol)
{
	Elf_Scn *section = elf_getscn(elf, symbol->st_shndx);
	GElf_Shdr header;

	if (!section || !gelf_getshdr(section, &header))
		return 0;
	return add(f, symbol->st_value - header.sh_addr + header.sh_offset);
}

static int search_table(struct nr_elf_functions *f, Elf *elf, Elf_Data *data, size_t names,
			const char *pattern)
{
	GElf_Sym symbol;
	int err = 0;

	for (int i = 0; !err && gelf_getsym(data, i, &symbol); i++) {
		const char *name = elf_strptr(elf, names, symbol.st_name);

		if (GELF_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx != SHN_UNDEF &&
		    name && !fnmatch(pattern, name, 0))
			err = add_symbol(f, elf, &symbol);
	}
	return err;
}

static int search_elf(struct nr_elf_functions *f, Elf *elf, const char *pattern)
{
	Elf_Scn *section = NULL;
	int err = 0;

	while (!err && (section = elf_nextscn(elf, section))) {
		Elf_Data *data;
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header) ||
		    (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM))
			continue;
		data = elf_getdata(section, NULL);
		err = data ? search_table(f, elf, data, header.sh_link, pattern) : 0;
	}
	return err;
}

int nr_elf_functions(struct nr_elf_functions *out, const char *path, const char *pattern)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	Elf *elf;

	*out = (struct nr_elf_functions){};
	if (fd < 0)
		return -errno;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	err = elf && elf_kind(elf) == ELF_K_ELF ? search_elf(out, elf, pattern) : -ENOEXEC;
	elf_end(elf);
	close(fd);
	return err;
}
