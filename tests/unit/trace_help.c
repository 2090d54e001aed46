// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "trace_help.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char scratch[256];
char said[1024];

void hear(void *ctx, enum nr_log_level level, const char *text)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

	(void)ctx;
	if (level > NR_LOG_WARN)
		return;
	pthread_mutex_lock(&one_at_a_time);
	snprintf(said, sizeof(said), "%s", text);
	pthread_mutex_unlock(&one_at_a_time);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int make_scratch(void **state)
{
	const char *base = getenv("TMPDIR") ?: "/tmp";

	(void)state;
	snprintf(scratch, sizeof(scratch), "%s/nr-trace-XXXXXX", base);
	return mkdtemp(scratch) ? 0 : -1;
}

int remove_scratch(void **state)
{
	(void)state;
	remove_tree(scratch);
	return 0;
}

const char *in_scratch(const char *fmt, ...)
{
	static char ring[4][512];
	static unsigned at;
	char *path = ring[at++ % 4];
	int n = snprintf(path, sizeof(ring[0]), "%s/", scratch);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path + n, sizeof(ring[0]) - n, fmt, ap);
	va_end(ap);
	return path;
}

char *load_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "re");
	char *text;
	long len;

	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	len = ftell(f);
	rewind(f);
	text = malloc(len + 1);
	if (text && fread(text, 1, len, f) == (size_t)len) {
		text[len] = 0;
		if (size)
			*size = len;
	}
	fclose(f);
	return text;
}

/* Without O_TRUNC, because file systems flush a file that is emptied and written again. */
void save_file(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

int have_babeltrace(void)
{
	return !system("babeltrace2 --version >/dev/null 2>&1");
}

struct babble babeltrace(const char *dir, const char *options)
{
	struct babble b = { 0 };
	char command[1400];

	snprintf(command, sizeof(command),
		 "TZ=UTC babeltrace2 --color=never --no-delta %s '%s' >'%s/bt.out' 2>'%s/bt.err'",
		 options, dir, scratch, scratch);
	b.status = system(command);
	b.out = load_file(in_scratch("bt.out"), NULL);
	b.err = load_file(in_scratch("bt.err"), NULL);
	assert_non_null(b.out);
	assert_non_null(b.err);
	return b;
}

void babble_free(struct babble *b)
{
	free(b->out);
	free(b->err);
}

void strip_padding(char *line)
{
	char *at, *end;

	while ((at = strstr(line, " numaring_pad"))) {
		end = ++at;
		end += strcspn(at, ",}");

		if (at - 2 >= line && at[-2] == ',')
			at -= 2;
		else if (*end == ',')
			end += 2;
		while (end[-1] == ' ' && *end == '}')
			end--;
		memmove(at, end, strlen(end) + 1);
	}
}

int exit_status(int failed)
{
	if (failed)
		return 1;
	if (have_babeltrace())
		return 0;
	printf("babeltrace2 is not installed: only our own reader was tested\n");
	return SKIP;
}
