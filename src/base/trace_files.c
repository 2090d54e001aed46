// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "trace_files.h"

void nr_chunk_name(char *name, uint64_t number)
{
	snprintf(name, NR_CHUNK_NAME, "%06" PRIu64, number);
}

bool nr_chunk_number(const char *name, uint64_t *number)
{
	char again[NR_CHUNK_NAME];

	*number = strtoull(name, NULL, 10);
	nr_chunk_name(again, *number);
	return !strcmp(name, again);
}

int nr_chunk_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

bool nr_is_trace_metadata(int dir, const char *name)
{
	char text[sizeof(NR_METADATA_BEGIN) - 1];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text));
	close(fd);
	return n == sizeof(text) && !memcmp(text, NR_METADATA_BEGIN, sizeof(text));
}

bool nr_trace_dir_is_interrupted(int dir)
{
	return nr_is_trace_metadata(dir, NR_OLD NR_FILE_METADATA) ||
	       nr_is_trace_metadata(dir, NR_OLD_SERIES);
}

/* It is a write lock, so those who may only read the file cannot take it. */
bool nr_lock_file(int fd)
{
	struct flock whole = { .l_type = F_WRLCK };

	return !fcntl(fd, F_OFD_SETLK, &whole) || (errno != EAGAIN && errno != EACCES);
}

bool nr_stream_is_recorded(int fd)
{
	struct flock whole = { .l_type = F_RDLCK }; /* conflicts only with a write lock */

	return !fcntl(fd, F_OFD_GETLK, &whole) && whole.l_type == F_WRLCK;
}
