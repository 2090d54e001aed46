// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "chunks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/trace_files.h"

void nr_chunk_name(char name[NR_CHUNK_NAME], unsigned number)
{
	snprintf(name, NR_CHUNK_NAME, "%06u", number);
}

int64_t nr_chunk_number(const char *name)
{
	char again[NR_CHUNK_NAME];
	unsigned long number = strtoul(name, NULL, 10);

	if (number > UINT32_MAX)
		return -1;
	nr_chunk_name(again, number);
	return strcmp(name, again) ? -1 : (int64_t)number;
}

static bool has_metadata(int dir, const char *chunk)
{
	char path[NR_CHUNK_NAME + sizeof(NR_FILE_METADATA)];

	snprintf(path, sizeof(path), "%s/" NR_FILE_METADATA, chunk);
	return !faccessat(dir, path, F_OK, 0);
}

static int add(struct nr_chunks *c, size_t *room, unsigned number)
{
	if (c->n == *room) {
		size_t more = *room ? 2 * *room : 16;
		unsigned *grown = realloc(c->numbers, more * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		c->numbers = grown;
		*room = more;
	}
	c->numbers[c->n++] = number;
	return 0;
}

static int compare(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? -1 : x > y;
}

static int read_names(struct nr_chunks *c, DIR *d, int dir)
{
	struct dirent *e;
	size_t room = 0;
	int err = 0;

	while (!err && (errno = 0, e = readdir(d))) {
		int64_t number = nr_chunk_number(e->d_name);

		if (number >= 0 && has_metadata(dir, e->d_name))
			err = add(c, &room, number);
	}
	return err ?: -errno;
}

int nr_chunks_list(struct nr_chunks *c, int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* with its own position */
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	int err;

	if (!d) {
		err = -errno;
		if (copy >= 0)
			close(copy);
		return err;
	}
	nr_chunks_free(c);
	err = read_names(c, d, dir);
	closedir(d);
	if (!err && c->n)
		qsort(c->numbers, c->n, sizeof(*c->numbers), compare);
	return err;
}

void nr_chunks_free(struct nr_chunks *c)
{
	free(c->numbers);
	*c = (struct nr_chunks){};
}

int64_t nr_chunks_after(const struct nr_chunks *c, int64_t number)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->numbers[mid] > number)
			high = mid;
		else
			low = mid + 1;
	}
	return low < c->n ? (int64_t)c->numbers[low] : -1;
}
