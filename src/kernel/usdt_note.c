// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A USDT probe is a note in its program: three addresses, and three texts, provider, name and
 * arguments.
 */
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/nearest.h"
#include "probe_params.h"

#define NOTE_TYPE 3
#define ADDRESSES 24 /* bytes */

struct search {
	const struct nr_probe_spec *spec;
	struct nr_nearest nearest;
	char wanted[256];
	char best[256];
	char *args;
};

/* One text of a note, and what follows it. NULL: it has no end. */
static const char *next_text(const char **p, const char *end)
{
	const char *text = *p;
	size_t len = strnlen(text, end - text);

	if (text >= end || len == (size_t)(end - text))
		return NULL;
	*p = text + len + 1;
	return text;
}

static void consider(struct search *s, const char *provider, const char *name)
{
	struct nr_nearest before = s->nearest;
	char full[256];

	snprintf(full, sizeof(full), "%s:%s", provider, name);
	nr_nearest_try(&s->nearest, full);
	if (s->nearest.distance == before.distance)
		return;
	memcpy(s->best, full, sizeof(full));
	s->nearest.best = s->best;
}

static int read_note(struct search *s, const char *desc, size_t size)
{
	const char *p = desc + ADDRESSES, *end = desc + size;
	const char *provider, *name, *args;

	if (size < ADDRESSES)
		return 0;
	provider = next_text(&p, end);
	name = provider ? next_text(&p, end) : NULL;
	args = name ? next_text(&p, end) : NULL;
	if (!name)
		return 0;
	if (strcmp(provider, s->spec->provider) || strcmp(name, s->spec->symbol)) {
		consider(s, provider, name);
		return 0;
	}
	s->args = strdup(args ?: "");
	return s->args ? 1 : -ENOMEM;
}

static int read_notes(struct search *s, Elf_Data *data)
{
	size_t off = 0, name_at, desc_at;
	GElf_Nhdr note;
	int ret = 0;

	while (!ret && (off = gelf_getnote(data, off, &note, &name_at, &desc_at)) > 0)
		if (note.n_type == NOTE_TYPE && note.n_namesz == sizeof("stapsdt") &&
		    !memcmp((char *)data->d_buf + name_at, "stapsdt", sizeof("stapsdt")))
			ret = read_note(s, (char *)data->d_buf + desc_at, note.n_descsz);
	return ret;
}

static int search_elf(struct search *s, Elf *elf)
{
	Elf_Scn *section = NULL;
	int ret = 0;

	while (!ret && (section = elf_nextscn(elf, section))) {
		Elf_Data *data;
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_NOTE)
			continue;
		data = elf_getdata(section, NULL);
		ret = data ? read_notes(s, data) : 0;
	}
	return ret;
}

static int search_file(struct search *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;
	Elf *elf;

	if (fd < 0)
		return -errno;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	ret = elf && elf_kind(elf) == ELF_K_ELF ? search_elf(s, elf) : -ENOEXEC;
	elf_end(elf);
	close(fd);
	return ret;
}

static void report(const struct search *s, int err, const struct nr_logger *log)
{
	if (err)
		nr_log(log, NR_LOG_ERROR, "cannot read the probes of %s: %s", s->spec->path,
		       strerror(-err));
	else if (s->nearest.best)
		nr_log(log, NR_LOG_ERROR, "%s has no USDT probe %s: did you mean %s?",
		       s->spec->path, s->wanted, s->nearest.best);
	else
		nr_log(log, NR_LOG_ERROR,
		       "%s has no USDT probe %s: readelf -n %s lists them as stapsdt",
		       s->spec->path, s->wanted, s->spec->path);
}

int nr_usdt_args(char **out, const struct nr_probe_spec *spec, const struct nr_logger *log)
{
	struct search s = { .spec = spec };
	int ret;

	snprintf(s.wanted, sizeof(s.wanted), "%s:%s", spec->provider, spec->symbol);
	s.nearest = nr_nearest_begin(s.wanted);
	ret = search_file(&s, spec->path);
	if (ret > 0) {
		*out = s.args;
		return 0;
	}
	report(&s, ret, log);
	return ret ?: -ENOENT;
}
