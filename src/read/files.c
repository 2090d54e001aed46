// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "base/file.h"
#include "base/trace_files.h"

#define MAX_SIDE_FILE (64u << 20) /* metadata and .btf are a few KiB */

static int cannot_open(const struct nr_read_dir *d, const char *name, int err)
{
	if (d->may_vanish && err == -ENOENT)
		return err;
	if (!strcmp(name, NR_FILE_BTF) && err == -ENOENT)
		nr_log(d->log, NR_LOG_ERROR,
		       "%s/.btf is missing: copy the whole directory, or read it with babeltrace2",
		       d->path);
	else
		nr_log(d->log, NR_LOG_ERROR, "cannot open %s/%s: %s", d->path, name,
		       strerror(-err));
	return err;
}

/* It cannot hang on a FIFO or a device that has the name. */
static int open_regular(const struct nr_read_dir *d, const char *name, uint64_t *size)
{
	int err, fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		err = cannot_open(d, name, -errno);
	} else if (!S_ISREG(st.st_mode)) {
		err = -EBADMSG;
		nr_log(d->log, NR_LOG_ERROR, "%s/%s is not a regular file", d->path, name);
	} else {
		*size = st.st_size;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int read_side_file(const struct nr_read_dir *d, const char *name, char **out, uint64_t *size)
{
	int fd = open_regular(d, name, size);
	char *text = NULL;
	ssize_t n = fd;

	if (fd < 0)
		return fd;
	if (*size > MAX_SIDE_FILE) {
		n = -EBADMSG;
		nr_log(d->log, NR_LOG_ERROR, "%s/%s is larger than 64 MiB", d->path, name);
		goto out;
	}
	text = malloc(*size + 1);
	n = text ? nr_read_at(fd, text, *size, 0) : -ENOMEM;
	if (n < 0)
		goto out;
	*size = n;
	text[n] = 0;
	*out = text;
	text = NULL;
out:
	free(text);
	close(fd);
	return n < 0 ? n : 0;
}

int nr_read_metadata(const struct nr_read_dir *d, struct nr_metadata *md)
{
	char *text = NULL;
	uint64_t size;
	int err = read_side_file(d, NR_FILE_METADATA, &text, &size);

	if (!err)
		err = nr_metadata_read(md, text, size, d->log);
	free(text);
	return err;
}

static void refuse_btf(const struct nr_read_dir *d)
{
	nr_log(d->log, NR_LOG_ERROR,
	       "%s/.btf is damaged or belongs to another trace; babeltrace2 does not need it",
	       d->path);
}

/* Reads .btf to *out, and verifies its checksum. */
static int read_btf(const struct nr_read_dir *d, uint32_t crc, char **out, uint64_t *size)
{
	int err = read_side_file(d, NR_FILE_BTF, out, size);

	if (err || libdeflate_crc32(0, *out, *size) == crc)
		return err;
	free(*out);
	refuse_btf(d);
	return -EBADMSG;
}

int nr_read_types(const struct nr_read_dir *d, uint32_t crc, struct nr_types **out)
{
	char *raw = NULL;
	uint64_t size;
	int err = read_btf(d, crc, &raw, &size);

	if (err)
		return err;
	err = nr_types_from_raw(out, raw, size, d->log->fn, d->log->ctx);
	if (err == -EBADMSG)
		refuse_btf(d);
	free(raw);
	return err;
}

const char *nr_read_foreign(const struct nr_read_dir *d, const struct nr_metadata *md)
{
	struct nr_metadata other = {};
	char *raw = NULL;
	uint64_t size;
	bool same = !nr_read_metadata(d, &other) &&
		    !memcmp(other.uuid, md->uuid, sizeof(md->uuid)) && other.btf_crc == md->btf_crc;

	nr_metadata_destroy(&other);
	if (!same)
		return NR_FILE_METADATA;
	if (read_btf(d, md->btf_crc, &raw, &size))
		return NR_FILE_BTF;
	free(raw);
	return NULL;
}

int nr_read_open_stream(const struct nr_read_dir *d, struct nr_read_stream *out)
{
	const char *name = NR_FILE_STREAM;
	uint64_t size;
	int fd;

	if (faccessat(d->fd, NR_FILE_STREAM, F_OK, 0) && errno == ENOENT &&
	    !faccessat(d->fd, NR_FILE_ZSTD, F_OK, 0))
		name = NR_FILE_ZSTD;
	fd = open_regular(d, name, &size);
	if (fd < 0)
		return fd;
	out->fd = fd;
	out->compressed = !strcmp(name, NR_FILE_ZSTD);
	return 0;
}

const char *nr_read_stream_name(const struct nr_read_stream *s)
{
	return s->compressed ? NR_FILE_ZSTD : NR_FILE_STREAM;
}
