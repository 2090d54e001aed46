// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "proc_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "elf_file.h"

/* ---- files ---- */

#define FILES 1024

/* What tells a file from all others, and from itself before it was changed. */
struct key {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct nr_proc_files {
	struct {
		struct key key;
		struct nr_elf_info info;
	} list[FILES];
	unsigned n; /* files seen so far: the newest FILES are remembered */
};

struct nr_proc_files *nr_proc_files_new(void)
{
	return calloc(1, sizeof(struct nr_proc_files));
}

void nr_proc_files_free(struct nr_proc_files *f)
{
	free(f);
}

static bool same(const struct key *a, const struct key *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static const struct nr_elf_info *info_of(struct nr_proc_files *f, int fd)
{
	struct key key = {};
	struct stat st;
	unsigned at;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return NULL;
	key = (struct key){ st.st_dev, st.st_ino, st.st_size, st.st_ctim };
	for (unsigned i = 0; i < f->n && i < FILES; i++)
		if (same(&f->list[i].key, &key))
			return &f->list[i].info;
	at = f->n % FILES;
	f->list[at].key = (struct key){};
	if (nr_elf_info(fd, &f->list[at].info) && !*f->list[at].info.id)
		return NULL;
	f->list[at].key = key;
	f->n++;
	return &f->list[at].info;
}

/* ---- mappings ---- */

struct mapping {
	uint64_t start, end, offset;
	char mode[5];
	const char *path;
};

static bool parse(char *line, struct mapping *m)
{
	int path = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &m->start, &m->end,
		   m->mode, &m->offset, &path) < 4 ||
	    !path)
		return false;
	line[strcspn(line, "\n")] = 0;
	m->path = line + path;
	return true;
}

/* The file that is mapped, even if it has no name any more or another mount namespace. */
static int open_mapped(uint32_t pid, const struct mapping *m)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%u/map_files/%" PRIx64 "-%" PRIx64, pid, m->start,
		 m->end);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static void print_mapping(FILE *to, struct nr_proc_files *f, uint32_t pid, const struct mapping *m)
{
	const struct nr_elf_info *info = NULL;
	uint64_t address = m->offset;
	int fd = *m->path == '/' ? open_mapped(pid, m) : -1;

	if (fd >= 0)
		info = info_of(f, fd);
	if (info && !nr_elf_address(info, m->offset, &address))
		info = NULL;
	fprintf(to, "%" PRIx64 "-%" PRIx64 " %" PRIx64 " %s %s\n", m->start, m->end, address,
		info ? info->id : "-", m->path);
	if (fd >= 0)
		close(fd);
}

static void print_mappings(FILE *to, FILE *from, struct nr_proc_files *f, uint32_t pid)
{
	struct mapping m;
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, from) > 0)
		if (parse(line, &m) && m.mode[2] == 'x' &&
		    (*m.path == '/' || !strcmp(m.path, "[vdso]")))
			print_mapping(to, f, pid, &m);
	free(line);
}

int nr_proc_maps_read(struct nr_proc_files *f, uint32_t pid, char **text, size_t *size)
{
	char path[32];
	FILE *from, *to;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	from = fopen(path, "re");
	if (!from)
		return errno == ENOENT ? -ESRCH : -errno;
	*text = NULL;
	to = open_memstream(text, size);
	if (to)
		print_mappings(to, from, f, pid);
	if (!to || fclose(to))
		err = -ENOMEM;
	else if (!*size)
		err = -ESRCH;
	fclose(from);
	if (err) {
		free(*text);
		*text = NULL;
	}
	return err;
}
