// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "chunk_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/trace_files.h"

static bool has_file(int dir, uint64_t number, const char *file)
{
	char name[NR_CHUNK_NAME], path[NR_CHUNK_NAME + 16];

	nr_chunk_name(name, number);
	snprintf(path, sizeof(path), "%s/%s", name, file);
	return !faccessat(dir, path, F_OK, 0);
}

bool nr_chunk_exists(int dir, uint64_t number)
{
	return has_file(dir, number, NR_FILE_METADATA);
}

bool nr_chunk_has_stream(int dir, uint64_t number)
{
	return has_file(dir, number, NR_FILE_STREAM) || has_file(dir, number, NR_FILE_ZSTD);
}

static int add(struct nr_chunk_list *c, size_t *room, uint64_t number)
{
	if (c->n == *room) {
		size_t more = *room ? 2 * *room : 16;
		uint64_t *grown = realloc(c->numbers, more * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		c->numbers = grown;
		*room = more;
	}
	c->numbers[c->n++] = number;
	return 0;
}

static int read_names(struct nr_chunk_list *c, DIR *d, int dir)
{
	struct dirent *e;
	size_t room = 0;
	int err = 0;

	while (!err && (errno = 0, e = readdir(d))) {
		uint64_t number;

		if (nr_chunk_number(e->d_name, &number) && nr_chunk_exists(dir, number))
			err = add(c, &room, number);
	}
	return err ?: -errno;
}

int nr_chunk_list_read(struct nr_chunk_list *c, int dir)
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
	nr_chunk_list_free(c);
	err = read_names(c, d, dir);
	closedir(d);
	if (!err && c->n)
		qsort(c->numbers, c->n, sizeof(*c->numbers), nr_chunk_compare);
	return err;
}

void nr_chunk_list_free(struct nr_chunk_list *c)
{
	free(c->numbers);
	*c = (struct nr_chunk_list){};
}

size_t nr_chunk_list_after(const struct nr_chunk_list *c, uint64_t number)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->numbers[mid] > number)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}
