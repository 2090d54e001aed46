// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "elf_file.h"

#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#define MAX_NOTES   (1u << 20) /* bytes */
#define MAX_ID	    64	       /* bytes of a build id; usual are 20 */
#define MAX_SYMBOLS (16u << 20)

static Elf *open_elf(int fd)
{
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return NULL;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF)
		return elf;
	elf_end(elf);
	return NULL;
}

/* ---- identity and segments ---- */

static bool is_build_id(const char *name, const GElf_Nhdr *note)
{
	return note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof(ELF_NOTE_GNU) &&
	       !memcmp(name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) && note->n_descsz &&
	       note->n_descsz <= MAX_ID;
}

static bool find_build_id(Elf_Data *notes, char *id)
{
	size_t pos = 0, name, desc;
	GElf_Nhdr note;

	while (notes && (pos = gelf_getnote(notes, pos, &note, &name, &desc))) {
		const uint8_t *bytes = (const uint8_t *)notes->d_buf;

		if (!is_build_id((const char *)bytes + name, &note))
			continue;
		for (unsigned i = 0; i < note.n_descsz; i++)
			sprintf(id + 2 * i, "%02x", bytes[desc + i]);
		return true;
	}
	return false;
}

static void read_header(Elf *elf, const GElf_Phdr *ph, struct nr_elf_info *info)
{
	if (ph->p_type == PT_NOTE && *info->id == '@' && ph->p_filesz <= MAX_NOTES) {
		Elf_Type type = ph->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR;

		find_build_id(elf_getdata_rawchunk(elf, ph->p_offset, ph->p_filesz, type),
			      info->id);
	}
	if (ph->p_type == PT_LOAD && ph->p_flags & PF_X && info->n < NR_ELF_SEGMENTS)
		info->segments[info->n++] =
			(struct nr_elf_segment){ ph->p_offset, ph->p_filesz, ph->p_vaddr };
}

int nr_elf_info(int fd, struct nr_elf_info *info)
{
	struct stat st;
	GElf_Phdr ph;
	size_t n = 0;
	Elf *elf;

	if (fstat(fd, &st))
		return -errno;
	*info = (struct nr_elf_info){};
	snprintf(info->id, sizeof(info->id), "@%" PRIx64 ".%" PRIx64 ".%lx", (uint64_t)st.st_size,
		 (uint64_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	elf = open_elf(fd);
	if (!elf)
		return -EBADMSG;
	if (elf_getphdrnum(elf, &n))
		n = 0;
	for (size_t i = 0; i < n && gelf_getphdr(elf, i, &ph); i++)
		read_header(elf, &ph, info);
	elf_end(elf);
	return 0;
}

bool nr_elf_address(const struct nr_elf_info *info, uint64_t offset, uint64_t *address)
{
	uint64_t page = sysconf(_SC_PAGESIZE);

	for (unsigned i = 0; i < info->n; i++) {
		const struct nr_elf_segment *s = &info->segments[i];

		/* The mapping begins with a page, the segment may begin within it. */
		if (offset < s->offset - s->offset % page || offset >= s->offset + s->size)
			continue;
		*address = s->address + offset - s->offset;
		return true;
	}
	return false;
}

/* ---- functions ---- */

struct symbol {
	uint64_t start, size;
	size_t name; /* in names */
};

struct nr_elf_symbols {
	struct symbol *list;
	size_t n, cap;
	char *names;
	size_t names_len, names_cap;
};

static bool keep_name(struct nr_elf_symbols *s, const char *name)
{
	size_t len = strlen(name) + 1, cap = s->names_cap ? s->names_cap : 4096;
	char *grown;

	while (s->names_len + len > cap)
		cap *= 2;
	grown = cap > s->names_cap ? realloc(s->names, cap) : s->names;
	if (!grown)
		return false;
	s->names = grown;
	s->names_cap = cap;
	memcpy(grown + s->names_len, name, len);
	s->names_len += len;
	return true;
}

static int add_symbol(struct nr_elf_symbols *s, const GElf_Sym *sym, const char *name)
{
	size_t cap = s->cap ? 2 * s->cap : 256, at = s->names_len;
	struct symbol *grown = s->n < s->cap ? s->list : realloc(s->list, cap * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->cap = s->n < s->cap ? s->cap : cap;
	s->list = grown;
	if (!keep_name(s, name))
		return -ENOMEM;
	s->list[s->n++] = (struct symbol){ sym->st_value, sym->st_size, at };
	return 0;
}

static bool is_function(const GElf_Sym *sym)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && sym->st_shndx != SHN_UNDEF &&
	       sym->st_value;
}

static int read_table(struct nr_elf_symbols *s, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = data && header->sh_entsize ? data->d_size / header->sh_entsize : 0;
	GElf_Sym sym;
	int err = 0;

	for (size_t i = 0; !err && i < n && s->n < MAX_SYMBOLS && gelf_getsym(data, i, &sym); i++) {
		const char *name =
			is_function(&sym) ? elf_strptr(elf, header->sh_link, sym.st_name) : NULL;

		if (name && *name)
			err = add_symbol(s, &sym, name);
	}
	return err;
}

int nr_elf_symbols_add(struct nr_elf_symbols **symbols, int fd)
{
	Elf *elf = open_elf(fd);
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	int err = 0;

	if (!elf)
		return -EBADMSG;
	if (!*symbols)
		*symbols = calloc(1, sizeof(**symbols));
	if (!*symbols)
		err = -ENOMEM;
	while (!err && (section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) &&
		    (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM))
			err = read_table(*symbols, elf, section, &header);
	elf_end(elf);
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name); /* .symtab and .dynsym repeat names */
}

void nr_elf_symbols_sort(struct nr_elf_symbols *s)
{
	if (s && s->n)
		qsort(s->list, s->n, sizeof(*s->list), compare);
}

/* The first of those that begin at the last start which is not above the address. */
static const struct symbol *at_or_below(const struct nr_elf_symbols *s, uint64_t address)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->list[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	while (low > 1 && s->list[low - 2].start == s->list[low - 1].start)
		low--;
	return &s->list[low - 1];
}

const char *nr_elf_symbols_find(const struct nr_elf_symbols *s, uint64_t address, uint64_t *start)
{
	const struct symbol *found = s ? at_or_below(s, address) : NULL;

	/* Functions in assembly may have no size: they go on to the next one. */
	if (!found || (found->size && address - found->start >= found->size))
		return NULL;
	*start = found->start;
	return s->names + found->name;
}

void nr_elf_symbols_free(struct nr_elf_symbols *s)
{
	if (!s)
		return;
	free(s->list);
	free(s->names);
	free(s);
}
