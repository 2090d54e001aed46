// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The public functions that give addresses names. */
#include <numaring/symbols.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "base/file.h"
#include "base/opts.h"
#include "base/trace_files.h"
#include "elf_file.h"
#include "kallsyms.h"
#include "live.h"
#include "mappings.h"
#include "stack_fields.h"

#define MAX_FILE  (1ull << 30) /* bytes of a file of names */
#define DEBUG_DIR "/usr/lib/debug/.build-id"

/* Addresses of the kernel are the upper half. */
#define KERNEL_BIT (1ull << 63)

/* A file that processes had mapped. */
struct file {
	char *id, *path;
	struct nr_elf_symbols *symbols; /* NULL: none */
};

struct nr_symbols {
	struct nr_logger log;
	struct nr_names *const *live; /* of a recording; NULL: of a trace: */
	uint64_t since;		      /* for nr_names_copy */
	char *path;		      /* for messages */
	int dir;
	bool kernel_read, processes_read, stacks_read;
	bool check;		    /* read all files, also those that are not needed */
	bool damaged;		    /* a file is */
	struct nr_kallsyms *kernel; /* NULL: none */
	struct nr_mappings *processes;
	struct file **files;
	size_t n_files;
	struct nr_stack_ids *stacks;
	uint64_t stacks_since; /* for nr_names_copy_stacks */
	struct nr_stack_fields fields;
};

/* ---- the files of the trace ---- */

static int read_all(int fd, char **text, size_t *size)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > MAX_FILE)
		return -EBADMSG;
	*text = malloc(st.st_size + 1);
	n = *text ? nr_read_at(fd, *text, st.st_size, 0) : -ENOMEM;
	if (n < 0) {
		free(*text);
		return n;
	}
	(*text)[n] = 0;
	*size = n;
	return 0;
}

/* name: from the trace's directory. -ENOENT is not logged. */
static int read_file(struct nr_symbols *s, const char *name, char **text, size_t *size)
{
	int fd = openat(s->dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err = fd < 0 ? -errno : read_all(fd, text, size);

	if (fd >= 0)
		close(fd);
	if (!err || err == -ENOENT)
		return err;
	s->damaged = true;
	nr_log(&s->log, NR_LOG_WARN, "cannot read %s/%s, which has names: %s", s->path, name,
	       err == -EBADMSG ? "it is no regular file, or too large" : strerror(-err));
	return err;
}

static int read_kernel(struct nr_symbols *s, const char *name)
{
	size_t size = 0;
	char *data;
	struct nr_kallsyms *read = NULL;
	int err = s->kernel && !s->check ? -EEXIST : read_file(s, name, &data, &size);

	if (err)
		return 0;
	err = nr_kallsyms_parse(&read, data, size);
	s->damaged |= err == -EBADMSG;
	if (err == -EBADMSG)
		nr_log(&s->log, NR_LOG_WARN,
		       "%s/%s is damaged, so addresses of the kernel stay without names", s->path,
		       name);
	free(data);
	if (s->kernel)
		nr_kallsyms_free(read);
	else
		s->kernel = read;
	return err == -ENOMEM ? err : 0;
}

static int read_processes(struct nr_symbols *s, const char *name)
{
	size_t size = 0;
	unsigned line;
	char *text;
	int err;

	if (read_file(s, name, &text, &size))
		return 0;
	err = nr_mappings_add(s->processes, text, size, &line);
	s->damaged |= err == -EBADMSG;
	if (err == -EBADMSG)
		nr_log(&s->log, NR_LOG_WARN,
		       "%s/%s is damaged at line %u, so addresses of some processes stay without "
		       "names",
		       s->path, name, line);
	return err == -ENOMEM ? err : 0;
}

/* Reads a file of this name in the trace's directory, and in all of its chunks. */
static int read_everywhere(struct nr_symbols *s, const char *name,
			   int (*read)(struct nr_symbols *s, const char *name))
{
	int err = read(s, name), fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	char path[NR_CHUNK_NAME + 64];
	struct dirent *e;
	uint64_t number;

	while (!err && d && (e = readdir(d))) {
		if (!nr_chunk_number(e->d_name, &number))
			continue;
		snprintf(path, sizeof(path), "%.*s/%s", NR_CHUNK_NAME, e->d_name, name);
		err = read(s, path);
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	return err;
}

/* Those of a recording are no files. */
static int copy_kernel(struct nr_symbols *s)
{
	size_t size = 0;
	const void *data = *s->live ? nr_names_kernel(*s->live, &size) : NULL;

	return data ? nr_kallsyms_parse(&s->kernel, data, size) : 0;
}

static int copy_processes(struct nr_symbols *s)
{
	char *lines = NULL, *text = NULL;
	size_t size = 0;
	unsigned line;
	int n, err = *s->live ? nr_names_copy(*s->live, &s->since, true, &lines, &size) : 0;

	if (err || !lines)
		return err;
	n = asprintf(&text, NR_MAPPINGS_BEGIN "%s", lines);
	free(lines);
	return n < 0 ? -ENOMEM : nr_mappings_add(s->processes, text, n, &line);
}

static int load_kernel(struct nr_symbols *s)
{
	if (s->kernel_read)
		return 0;
	s->kernel_read = true;
	return s->live ? copy_kernel(s) : read_everywhere(s, NR_FILE_KALLSYMS, read_kernel);
}

static int load_processes(struct nr_symbols *s)
{
	if (s->processes_read)
		return s->live ? copy_processes(s) : 0; /* there may be new ones */
	if (!s->processes)
		s->processes = nr_mappings_new();
	if (!s->processes)
		return -ENOMEM;
	s->processes_read = true;
	return s->live ? copy_processes(s) : read_everywhere(s, NR_FILE_MAPPINGS, read_processes);
}

static int read_stacks(struct nr_symbols *s, const char *name)
{
	size_t size = 0;
	unsigned line;
	char *text;
	int err;

	if (read_file(s, name, &text, &size))
		return 0;
	err = nr_stack_ids_add(s->stacks, text, size, &line);
	free(text);
	s->damaged |= err == -EBADMSG;
	if (err == -EBADMSG)
		nr_log(&s->log, NR_LOG_WARN,
		       "%s/%s is damaged at line %u, so some stack ids stay without their stacks",
		       s->path, name, line);
	return err == -ENOMEM ? err : 0;
}

static int copy_stacks(struct nr_symbols *s)
{
	char *lines = NULL, *text = NULL;
	size_t size = 0;
	unsigned line;
	int n, err = *s->live ? nr_names_copy_stacks(*s->live, &s->stacks_since, &lines, &size) : 0;

	if (err || !lines)
		return err;
	n = asprintf(&text, NR_STACK_IDS_BEGIN "%.*s", (int)size, lines);
	free(lines);
	err = n < 0 ? -ENOMEM : nr_stack_ids_add(s->stacks, text, n, &line);
	if (n >= 0)
		free(text);
	return err;
}

static int load_stacks(struct nr_symbols *s)
{
	if (s->stacks_read)
		return 0;
	s->stacks = s->stacks ?: nr_stack_ids_new();
	if (!s->stacks)
		return -ENOMEM;
	s->stacks_read = true;
	return s->live ? copy_stacks(s) : read_everywhere(s, NR_FILE_STACKS, read_stacks);
}

int nr_symbols_check(struct nr_symbols *s)
{
	int err;

	s->check = true;
	err = load_kernel(s) ?: load_processes(s) ?: load_stacks(s);
	return err ? err : s->damaged ? -EBADMSG : 0;
}

/* ---- ELF files ---- */

static int open_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || (!fstat(fd, &st) && S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	return -1;
}

/* Adds the functions of a file if it is the one with this identity. */
static int add_symbols(struct file *f, const char *path)
{
	struct nr_elf_info info;
	int fd = open_path(path), err = 0;

	if (fd < 0)
		return 0;
	if (!nr_elf_info(fd, &info) && !strcmp(info.id, f->id))
		err = nr_elf_symbols_add(&f->symbols, fd);
	close(fd);
	return err == -ENOMEM ? err : 0;
}

/* The kernel adds this to the path of a file that has no name any more. Another one with this identity
 * may have its name. */
static char *without_deleted(const char *path)
{
	const char *suffix = " (deleted)";
	size_t len = strlen(path), n = strlen(suffix);

	return strndup(path, len > n && !strcmp(path + len - n, suffix) ? len - n : len);
}

static int read_symbols(struct file *f)
{
	char debug[sizeof(DEBUG_DIR) + NR_ELF_ID + 16];
	int err = *f->path == '/' && *f->id != '-' ? add_symbols(f, f->path) : 0;

	if (!err && *f->id != '@' && strlen(f->id) > 2 && strlen(f->id) < NR_ELF_ID &&
	    !strchr(f->id, '/')) {
		snprintf(debug, sizeof(debug), DEBUG_DIR "/%.2s/%s.debug", f->id, f->id + 2);
		err = add_symbols(f, debug);
	}
	nr_elf_symbols_sort(f->symbols);
	return err;
}

static void free_file(struct file *f)
{
	if (!f)
		return;
	nr_elf_symbols_free(f->symbols);
	free(f->id);
	free(f->path);
	free(f);
}

static int add_file(struct nr_symbols *s, const struct nr_mapping *m, struct file **out)
{
	struct file **grown = realloc(s->files, (s->n_files + 1) * sizeof(*grown));
	struct file *f = grown ? calloc(1, sizeof(*f)) : NULL;
	int err = -ENOMEM;

	if (grown)
		s->files = grown;
	if (f) {
		f->id = strdup(m->id);
		f->path = without_deleted(m->path);
		err = f->id && f->path ? read_symbols(f) : -ENOMEM;
	}
	if (err) {
		free_file(f);
		return err;
	}
	s->files[s->n_files++] = *out = f;
	return 0;
}

static int find_file(struct nr_symbols *s, struct nr_mapping *m, struct file **out)
{
	char *path = without_deleted(m->path);
	struct file *found = m->file;
	int err = 0;

	if (!path)
		return -ENOMEM;
	for (size_t i = 0; !found && i < s->n_files; i++)
		if (!strcmp(s->files[i]->id, m->id) && !strcmp(s->files[i]->path, path))
			found = s->files[i];
	free(path);
	if (!found)
		err = add_file(s, m, &found);
	m->file = *out = found;
	return err;
}

/* ---- the public functions ---- */

int nr_symbols_open(struct nr_symbols **out, const char *dir, const struct nr_symbols_opts *opts)
{
	struct nr_symbols_opts o;
	int err = NR_COPY_OPTS(nr_symbols_opts, &o, opts);
	struct nr_symbols *s = err ? NULL : calloc(1, sizeof(*s));

	if (!s)
		return err ?: -ENOMEM;
	s->log = (struct nr_logger){ o.log, o.log_ctx };
	s->path = strdup(dir);
	s->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = s->dir < 0 ? -errno : s->path ? 0 : -ENOMEM;
	if (err) {
		nr_log(&s->log, NR_LOG_ERROR, "cannot open the trace %s: %s", dir, strerror(-err));
		nr_symbols_close(s);
	} else {
		*out = s;
	}
	return err;
}

int nr_symbols_live(struct nr_symbols **out, struct nr_names *const *names,
		    const struct nr_logger *log)
{
	struct nr_symbols *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->log = *log;
	s->live = names;
	s->dir = -1;
	*out = s;
	return 0;
}

void nr_symbols_close(struct nr_symbols *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_files; i++)
		free_file(s->files[i]);
	free(s->files);
	nr_mappings_free(s->processes);
	nr_stack_ids_free(s->stacks);
	nr_stack_fields_clear(&s->fields);
	nr_kallsyms_free(s->kernel);
	if (s->dir >= 0)
		close(s->dir);
	free(s->path);
	free(s);
}

static int find_kernel(struct nr_symbols *s, uint64_t address, struct nr_symbol *out)
{
	int err = load_kernel(s);
	uint64_t start;

	if (err)
		return err;
	if (s->kernel)
		out->name = nr_kallsyms_find(s->kernel, address, &start, &out->module);
	if (!out->name)
		return -ENOENT;
	out->kernel = true;
	out->offset = address - start;
	return 0;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static int find_process(struct nr_symbols *s, uint32_t pid, uint64_t ts, uint64_t address,
			struct nr_symbol *out)
{
	struct nr_mapping *m;
	struct file *f;
	uint64_t start = 0;
	int err = load_processes(s);

	if (err)
		return err;
	m = nr_mappings_find(s->processes, pid, ts, address);
	if (!m)
		return -ENOENT;
	err = find_file(s, m, &f);
	if (err)
		return err;
	address = address - m->start + m->address;
	out->name = nr_elf_symbols_find(f->symbols, address, &start);
	out->offset = address - start;
	out->module = last_name(f->path);
	out->path = m->path;
	out->build_id = *f->id == '@' || *f->id == '-' ? NULL : f->id;
	return 0;
}

int nr_symbols_find(struct nr_symbols *s, uint32_t pid, uint64_t ts, uint64_t address,
		    struct nr_symbol *symbol)
{
	struct nr_symbol full = {};
	int err;

	if (!symbol->sz)
		return -EINVAL;
	if (!s)
		return -ENOENT;
	full.sz = symbol->sz < sizeof(full) ? symbol->sz : sizeof(full);
	err = address & KERNEL_BIT ? find_kernel(s, address, &full)
				   : find_process(s, pid, ts, address, &full);
	if (!err)
		memcpy(symbol, &full, full.sz);
	return err;
}

/* ---- for event_stack.c ---- */

struct nr_stack_fields *nr_symbols_fields(struct nr_symbols *s)
{
	return &s->fields;
}

int nr_symbols_has_ids(struct nr_symbols *s, uint16_t type, const char *field)
{
	return load_stacks(s) ?: nr_stack_ids_are_in(s->stacks, type, field);
}

int nr_symbols_find_id(struct nr_symbols *s, uint16_t type, const char *field, uint32_t id,
		       const struct nr_stack_id **out)
{
	int err = 0;

	*out = nr_stack_ids_find(s->stacks, type, field, id);
	if (*out || !s->live || !*s->live)
		return 0;
	err = nr_names_read_stacks(*s->live) ?: copy_stacks(s);
	*out = nr_stack_ids_find(s->stacks, type, field, id);
	return err;
}
