// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kallsyms.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zstd.h>

#define FILE_NAME "/proc/kallsyms"
#define LEVEL	  1
#define MAX_PLAIN (256u << 20)
/* A function is not longer than this. What is above the last function by more is not in it. */
#define MAX_FUNCTION (1u << 20)

/* ---- one line: ADDRESS TYPE NAME, and [MODULE] after a tab ---- */

struct line {
	uint64_t address;
	char type;
	char *name;
	char *module; /* NULL: none */
};

/* Takes the line apart, and changes it. False: it has another form. */
static bool split(char *text, struct line *line)
{
	char *end, *module;

	if (!isxdigit((unsigned char)*text))
		return false;
	line->address = strtoull(text, &end, 16);
	if (*end != ' ' || !end[1] || end[2] != ' ' || !end[3])
		return false;
	line->type = end[1];
	line->name = end + 3;
	module = strchr(line->name, '\t');
	line->module = NULL;
	if (!module)
		return true;
	*module++ = 0;
	end = strchr(module, ']');
	if (!*line->name || *module != '[' || !end || end == module + 1 || end[1])
		return false;
	*end = 0;
	line->module = module + 1;
	return true;
}

/* Functions, but not the padding before them. */
static bool is_code(const struct line *line)
{
	return strchr("tTwW", line->type) && strncmp(line->name, "__pfx_", 6);
}

/* ---- recording ---- */

/* shown: does any symbol have an address? */
static void copy_lines(FILE *from, FILE *to, bool *shown)
{
	char *text = NULL, *module;
	size_t cap = 0;
	struct line line;
	ssize_t n;

	while ((n = getline(&text, &cap, from)) > 0) {
		text[n - 1] = 0;
		if (!split(text, &line) || !is_code(&line))
			continue;
		module = line.module ?: "";
		*shown |= line.address;
		fprintf(to, "%016" PRIx64 " %c %s%s%s%s\n", line.address, line.type, line.name,
			*module ? "\t[" : "", module, *module ? "]" : "");
	}
	free(text);
}

static int read_plain(char **plain, size_t *size, bool *shown)
{
	FILE *from = fopen(FILE_NAME, "re");
	int err = from ? 0 : -errno;
	FILE *to = from ? open_memstream(plain, size) : NULL;

	if (to)
		copy_lines(from, to, shown);
	else if (!err)
		err = -ENOMEM;
	if (from && ferror(from))
		err = -EIO;
	if (to && fclose(to) && !err)
		err = -ENOMEM;
	if (from)
		fclose(from);
	return err;
}

static int compress(const char *plain, size_t plain_size, void **data, size_t *size)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	size_t cap = ZSTD_compressBound(plain_size), ret = 0;

	*data = malloc(cap);
	if (zstd && *data) {
		ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, LEVEL);
		ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
		ret = ZSTD_compress2(zstd, *data, cap, plain, plain_size);
	}
	ZSTD_freeCCtx(zstd);
	*size = ret;
	if (ret && !ZSTD_isError(ret))
		return 0;
	free(*data);
	*data = NULL;
	return -ENOMEM;
}

int nr_kallsyms_read(void **data, size_t *size, const struct nr_logger *log)
{
	char *plain = NULL;
	size_t plain_size = 0;
	bool shown = false;
	int err = read_plain(&plain, &plain_size, &shown);

	*data = NULL;
	if (!err && shown)
		err = compress(plain, plain_size, data, size);
	free(plain);
	if (err)
		nr_log(log, NR_LOG_ERROR, "cannot read the kernel's symbols from " FILE_NAME ": %s",
		       nr_reason(err));
	else if (!shown)
		nr_log(log, NR_LOG_WARN,
		       "the kernel hides its symbols, so its addresses in stacks stay without "
		       "names: set /proc/sys/kernel/kptr_restrict to 0 or 1, and run as root or "
		       "with CAP_SYSLOG");
	return err;
}

/* ---- reading ---- */

struct symbol {
	uint64_t address;
	const char *name, *module;
};

struct nr_kallsyms {
	char *text; /* of the names */
	struct symbol *list;
	size_t n, cap;
};

static int decompress(const void *data, size_t size, char **text)
{
	unsigned long long plain = ZSTD_getFrameContentSize(data, size);
	size_t got;

	if (plain == ZSTD_CONTENTSIZE_UNKNOWN || plain == ZSTD_CONTENTSIZE_ERROR ||
	    plain > MAX_PLAIN)
		return -EBADMSG;
	*text = malloc(plain + 1);
	if (!*text)
		return -ENOMEM;
	got = ZSTD_decompress(*text, plain, data, size);
	(*text)[plain] = 0;
	return got == plain && strlen(*text) == plain ? 0 : -EBADMSG;
}

static int add(struct nr_kallsyms *k, const struct line *line)
{
	size_t cap = k->cap ? 2 * k->cap : 1024;
	struct symbol *grown = k->n < k->cap ? k->list : realloc(k->list, cap * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	k->cap = k->n < k->cap ? k->cap : cap;
	k->list = grown;
	k->list[k->n++] = (struct symbol){ line->address, line->name, line->module };
	return 0;
}

static int add_lines(struct nr_kallsyms *k)
{
	char *rest = k->text, *text;
	struct line line;
	int err = 0;

	while (!err && *rest) {
		text = strsep(&rest, "\n");
		err = rest && split(text, &line) ? add(k, &line) : -EBADMSG;
	}
	return err;
}

/* Of several names for one address, the first in the file comes first. */
static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name);
}

int nr_kallsyms_parse(struct nr_kallsyms **out, const void *data, size_t size)
{
	struct nr_kallsyms *k = calloc(1, sizeof(*k));
	int err = k ? decompress(data, size, &k->text) : -ENOMEM;

	err = err ?: add_lines(k);
	if (err) {
		nr_kallsyms_free(k);
		return err;
	}
	if (k->n)
		qsort(k->list, k->n, sizeof(*k->list), compare);
	*out = k;
	return 0;
}

const char *nr_kallsyms_find(const struct nr_kallsyms *k, uint64_t address, uint64_t *start,
			     const char **module)
{
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (k->list[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	while (low > 1 && k->list[low - 2].address == k->list[low - 1].address)
		low--;
	if (!low || address - k->list[low - 1].address >= MAX_FUNCTION)
		return NULL;
	*start = k->list[low - 1].address;
	*module = k->list[low - 1].module;
	return k->list[low - 1].name;
}

void nr_kallsyms_free(struct nr_kallsyms *k)
{
	if (!k)
		return;
	free(k->text);
	free(k->list);
	free(k);
}
