// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/trace_files.h"
#include "contents.h"

/* The files of a flat trace and of a chunk, in the order in which they are moved aside. */
static const struct {
	const char *name, *old, *made;
} files[] = {
#define FILE_NAMES(name)                                                                           \
	{                                                                                          \
		name, NR_OLD name, NR_NEW name                                                     \
	}
	FILE_NAMES(NR_FILE_METADATA), FILE_NAMES(NR_FILE_BTF),	  FILE_NAMES(NR_FILE_KALLSYMS),
	FILE_NAMES(NR_FILE_MAPPINGS), FILE_NAMES(NR_FILE_STACKS), FILE_NAMES(NR_FILE_STREAM),
	FILE_NAMES(NR_FILE_ZSTD),
};
#define FILES (sizeof(files) / sizeof(*files))

static bool exists(int dir, const char *name)
{
	return !faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

/* ---- listing ---- */

/* The owner of the directory may put a link in its place at any time. */
static int open_directory(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static DIR *open_list(int dir, const char *name)
{
	int fd = open_directory(dir, name);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int err = errno;

	if (!d && fd >= 0)
		close(fd);
	errno = err;
	return d;
}

/* The next name, except those that every directory has. NULL: there are no more. */
static const char *next_name(DIR *d)
{
	struct dirent *e;

	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			return e->d_name;
	return NULL;
}

static bool is_file_of_trace(const char *name)
{
	for (size_t i = 0; i < FILES; i++)
		if (!strcmp(name, files[i].name) || !strcmp(name, files[i].old))
			return true;
	return false;
}

/* One that a killed recorder did not finish. */
static bool is_unfinished(const char *name)
{
	for (size_t i = 0; i < FILES; i++)
		if (!strcmp(name, files[i].made))
			return true;
	return false;
}

static const char *without_old(const char *name)
{
	return strncmp(name, NR_OLD, strlen(NR_OLD)) ? name : name + strlen(NR_OLD);
}

/* Is it a chunk, or the beginning or the rest of one? 1, 0, or a negative errno: nobody knows. */
static int is_chunk(int dir, const char *name)
{
	bool ours = true;
	uint64_t number;
	const char *file;
	DIR *d;

	if (!nr_chunk_number(without_old(name), &number))
		return 0;
	d = open_list(dir, name);
	if (!d)
		return errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
	while (ours && (file = next_name(d)))
		ours = is_file_of_trace(file) || is_unfinished(file);
	closedir(d);
	return ours;
}

struct metadata_path {
	char path[256 + sizeof("/" NR_FILE_METADATA)];
};

static struct metadata_path metadata_of(const char *chunk)
{
	struct metadata_path p;

	snprintf(p.path, sizeof(p.path), "%s/" NR_FILE_METADATA, chunk);
	return p;
}

struct found {
	bool any;   /* anything */
	bool flat;  /* files of a flat trace, also of an old one */
	bool chunk; /* a chunk with metadata */
};

/* Notes a chunk. Without metadata it is the beginning or the rest of one. */
static int note_chunk(int dir, const char *name, struct found *found)
{
	int ret = is_chunk(dir, name);
	struct metadata_path metadata;

	if (ret < 1)
		return ret;
	metadata = metadata_of(name);
	if (!nr_is_trace_metadata(dir, metadata.path))
		return !exists(dir, metadata.path);
	return found->chunk = true;
}

/* Notes a name. 1; 0: it is not ours; or a negative errno. */
static int note(int dir, const char *name, struct found *found)
{
	found->any = true;
	if (is_file_of_trace(name))
		return found->flat = true;
	if (is_unfinished(name) || !strcmp(name, NR_OLD_SERIES))
		return 1;
	return note_chunk(dir, name, found);
}

static void judge(int dir, const struct found *found, char *other, size_t size)
{
	bool flat = nr_is_trace_metadata(dir, NR_FILE_METADATA);

	if (flat && found->chunk)
		snprintf(other, size, "a trace beside chunks of another");
	else if (found->flat && !flat && !found->chunk && !nr_trace_dir_is_interrupted(dir))
		snprintf(other, size, "no numaring metadata");
}

int nr_contents_look(int dir, enum nr_holds *holds, char *other, size_t size)
{
	struct found found = {};
	DIR *d = open_list(dir, "."); /* with its own position */
	const char *name;
	int ret = 1;

	if (!d)
		return -errno;
	*other = 0;
	while (ret > 0 && (name = next_name(d))) {
		ret = strcmp(name, NR_FILE_LOCK) ? note(dir, name, &found) : 1;
		if (!ret)
			snprintf(other, size, "%s", name);
	}
	closedir(d);
	if (ret < 0)
		return ret;
	if (!*other)
		judge(dir, &found, other, size);
	*holds = *other ? NR_HOLDS_OTHER : found.any ? NR_HOLDS_TRACE : NR_HOLDS_NOTHING;
	return 0;
}

/* ---- chunks ---- */

/* The numbers of the chunks of a directory, in order; old: of those that were moved aside. */
struct numbers {
	uint64_t *list;
	size_t n, cap;
};

static bool add_number(struct numbers *to, uint64_t number)
{
	size_t cap = to->cap ? 2 * to->cap : 64;
	uint64_t *grown = to->n < to->cap ? to->list : realloc(to->list, cap * sizeof(*grown));

	if (!grown)
		return false;
	to->cap = to->n < to->cap ? to->cap : cap;
	to->list = grown;
	to->list[to->n++] = number;
	return true;
}

static int list_chunks(int dir, bool old, struct numbers *to)
{
	DIR *d = open_list(dir, ".");
	const char *name;
	uint64_t number;
	bool good = true;

	*to = (struct numbers){};
	if (!d)
		return -errno;
	while (good && (name = next_name(d)))
		if (old == (without_old(name) != name) &&
		    nr_chunk_number(without_old(name), &number))
			good = add_number(to, number);
	closedir(d);
	if (!good) {
		free(to->list);
		*to = (struct numbers){};
		return -ENOMEM;
	}
	if (to->n)
		qsort(to->list, to->n, sizeof(*to->list), nr_chunk_compare);
	return 0;
}

#define NAME (NR_CHUNK_NAME + sizeof(NR_OLD))

static void name_chunk(char *name, bool old, uint64_t number)
{
	char plain[NR_CHUNK_NAME];

	nr_chunk_name(plain, number);
	snprintf(name, NAME, "%s%s", old ? NR_OLD : "", plain);
}

int nr_contents_remove_chunk(int dir, const char *name)
{
	int fd = open_directory(dir, name), err = 0;

	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < FILES; i++) {
		if (unlinkat(fd, files[i].name, 0) && errno != ENOENT && !err)
			err = -errno;
		unlinkat(fd, files[i].old, 0);
		unlinkat(fd, files[i].made, 0);
	}
	close(fd);
	unlinkat(dir, name, AT_REMOVEDIR); /* somebody may have put a file there */
	return err;
}

static void remove_chunks(int dir, bool old, bool (*choose)(int dir, const char *name))
{
	struct numbers chunks;
	char name[NAME];

	list_chunks(dir, old, &chunks);
	for (size_t i = 0; i < chunks.n; i++) {
		name_chunk(name, old, chunks.list[i]);
		if (choose(dir, name))
			nr_contents_remove_chunk(dir, name);
	}
	free(chunks.list);
}

static bool any(int dir, const char *name)
{
	(void)dir;
	(void)name;
	return true;
}

static bool is_incomplete(int dir, const char *name)
{
	return !exists(dir, metadata_of(name).path) && errno == ENOENT;
}

static void remove_files(int dir)
{
	for (size_t i = 0; i < FILES; i++) {
		unlinkat(dir, files[i].name, 0);
		unlinkat(dir, files[i].made, 0);
	}
}

void nr_contents_remove_new(int dir)
{
	remove_files(dir);
	remove_chunks(dir, false, any);
}

/* ---- a flat trace ---- */

static int put_files_aside(int dir, char *which, size_t size)
{
	for (size_t i = 0; i < FILES; i++)
		if (renameat(dir, files[i].name, dir, files[i].old) && errno != ENOENT) {
			snprintf(which, size, "%s", files[i].name);
			return -errno;
		}
	return 0;
}

/* The stream is moved aside last. So once that has happened, everything that has a name is new. */
static void restore_files(int dir)
{
	if (exists(dir, NR_OLD NR_FILE_STREAM) || exists(dir, NR_OLD NR_FILE_ZSTD))
		remove_files(dir);
	remove_chunks(dir, false, any);
	for (size_t i = FILES; i-- > 0;)
		renameat(dir, files[i].old, dir, files[i].name);
}

/* ---- a series ---- */

/* Gives a file of a chunk another name. */
static int rename_in(int dir, const char *chunk, const char *from, const char *to)
{
	int fd = open_directory(dir, chunk);
	int err = fd < 0 || renameat(fd, from, fd, to) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err == -ENOENT ? 0 : err;
}

static int put_chunk_aside(int dir, uint64_t number, char *which, size_t size)
{
	char name[NAME], old[NAME];
	int err;

	name_chunk(name, false, number);
	name_chunk(old, true, number);
	err = rename_in(dir, name, files[0].name, files[0].old);
	if (!err && renameat(dir, name, dir, old))
		err = -errno;
	if (err)
		snprintf(which, size, "%s", name);
	return err;
}

/* Moves the metadata of the first chunk to the marker, or back. */
static int move_marker(int dir, uint64_t number, bool back)
{
	const char *marker = NR_OLD_SERIES, *metadata = NR_FILE_METADATA;
	char name[NAME];
	int fd, err = 0;

	name_chunk(name, false, number);
	fd = open_directory(dir, name);
	if (fd < 0)
		return -errno;
	if (back ? renameat(dir, marker, fd, metadata) : renameat(fd, metadata, dir, marker))
		err = -errno;
	close(fd);
	return err;
}

/* The first chunk goes first. So while the new trace is made, chunk 0 is not an old one if any old
 * one has its other name. */
static int put_series_aside(int dir, char *which, size_t size)
{
	struct numbers chunks;
	int err = list_chunks(dir, false, &chunks);

	if (!err && chunks.n)
		err = move_marker(dir, chunks.list[0], false);
	if (err)
		snprintf(which, size, NR_FILE_METADATA);
	for (size_t i = 0; !err && i < chunks.n; i++)
		err = put_chunk_aside(dir, chunks.list[i], which, size);
	free(chunks.list);
	return err;
}

static void restore_chunk(int dir, uint64_t number)
{
	char name[NAME], old[NAME];

	name_chunk(name, false, number);
	name_chunk(old, true, number);
	renameat(dir, old, dir, name);
}

static void restore_series(int dir)
{
	struct numbers chunks;
	char name[NAME];

	remove_files(dir);
	list_chunks(dir, true, &chunks);
	name_chunk(name, false, 0);
	if (chunks.n)
		nr_contents_remove_chunk(dir, name);
	for (size_t i = 0; i < chunks.n; i++)
		restore_chunk(dir, chunks.list[i]);
	free(chunks.list);
	list_chunks(dir, false, &chunks);
	for (size_t i = chunks.n; i-- > 0;) {
		name_chunk(name, false, chunks.list[i]);
		rename_in(dir, name, files[0].old, files[0].name);
	}
	if (chunks.n)
		move_marker(dir, chunks.list[0], true);
	free(chunks.list);
}

/* ---- both ---- */

int nr_contents_put_aside(int dir, char *which, size_t size)
{
	bool flat = nr_is_trace_metadata(dir, NR_FILE_METADATA);
	int err;

	*which = 0;
	remove_chunks(dir, false, is_incomplete); /* what a killed recorder left */
	if (!flat)
		remove_files(dir);
	err = flat ? put_files_aside(dir, which, size) : put_series_aside(dir, which, size);
	if (err)
		nr_contents_restore(dir);
	return err ? err : exists(dir, NR_OLD_SERIES) || exists(dir, NR_OLD NR_FILE_METADATA);
}

void nr_contents_restore(int dir)
{
	if (exists(dir, NR_OLD_SERIES))
		restore_series(dir);
	else if (exists(dir, NR_OLD NR_FILE_METADATA))
		restore_files(dir);
}

void nr_contents_remove_old(int dir)
{
	unlinkat(dir, NR_OLD_SERIES, 0);
	for (size_t i = 0; i < FILES; i++) {
		unlinkat(dir, files[i].old, 0);
		unlinkat(dir, files[i].made, 0);
	}
	remove_chunks(dir, true, any);
}
