// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "mappings.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* One reading of an address space. */
struct image {
	uint32_t pid;
	bool again; /* of the same address space as the one before of this process */
	uint64_t ts;
	size_t first, n; /* its mappings */
	size_t number;	 /* in the order of the files */
};

struct nr_mappings {
	char **texts;
	size_t n_texts;
	struct image *images;
	size_t n_images, images_cap;
	struct nr_mapping *list;
	size_t n, cap;
	bool sorted;
};

struct nr_mappings *nr_mappings_new(void)
{
	return calloc(1, sizeof(struct nr_mappings));
}

void nr_mappings_free(struct nr_mappings *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_texts; i++)
		free(m->texts[i]);
	free(m->texts);
	free(m->images);
	free(m->list);
	free(m);
}

/* ---- reading ---- */

/* A number up to the character end, which is passed over. */
static bool read_number(char **text, int base, char end, uint64_t *value)
{
	char *after;

	if (!isxdigit((unsigned char)**text))
		return false;
	errno = 0;
	*value = strtoull(*text, &after, base);
	if (errno || *after != end)
		return false;
	*text = end ? after + 1 : after;
	return true;
}

static int add_image(struct nr_mappings *m, char *text, bool again)
{
	size_t cap = m->images_cap ? 2 * m->images_cap : 64;
	struct image *grown = m->images;
	uint64_t pid, ts;

	if (!read_number(&text, 10, ' ', &pid) || pid > UINT32_MAX ||
	    !read_number(&text, 10, 0, &ts))
		return -EBADMSG;
	if (m->n_images == m->images_cap) {
		grown = realloc(m->images, cap * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		m->images_cap = cap;
	}
	m->images = grown;
	m->images[m->n_images] = (struct image){ pid, again, ts, m->n, 0, m->n_images };
	m->n_images++;
	return 0;
}

static bool parse_mapping(char *text, struct nr_mapping *out)
{
	if (!read_number(&text, 16, '-', &out->start) || !read_number(&text, 16, ' ', &out->end) ||
	    !read_number(&text, 16, ' ', &out->address) || out->start >= out->end)
		return false;
	out->id = text;
	text = strchr(text, ' ');
	if (!text || text == out->id)
		return false;
	*text++ = 0;
	out->path = text;
	out->file = NULL;
	return *text;
}

/* first: the image before the file's first one. */
static int add_mapping(struct nr_mappings *m, char *text, size_t first)
{
	size_t cap = m->cap ? 2 * m->cap : 256;
	struct nr_mapping mapping, *grown = m->list;

	if (m->n_images == first || !parse_mapping(text, &mapping))
		return -EBADMSG;
	if (m->n == m->cap) {
		grown = realloc(m->list, cap * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		m->cap = cap;
	}
	m->list = grown;
	m->list[m->n++] = mapping;
	m->images[m->n_images - 1].n++;
	return 0;
}

static int add_line(struct nr_mappings *m, char *text, size_t first)
{
	if (!strncmp(text, "process ", 8))
		return add_image(m, text + 8, false);
	if (!strncmp(text, "again ", 6))
		return add_image(m, text + 6, true);
	return add_mapping(m, text, first);
}

static int keep_text(struct nr_mappings *m, char *text)
{
	char **grown = realloc(m->texts, (m->n_texts + 1) * sizeof(*grown));

	if (!grown) {
		free(text);
		return -ENOMEM;
	}
	m->texts = grown;
	m->texts[m->n_texts++] = text;
	return 0;
}

int nr_mappings_add(struct nr_mappings *m, char *text, size_t size, unsigned *line)
{
	size_t first = m->n_images;
	char *end = text + size, *p = text, *next;
	int err = keep_text(m, text);

	*line = 1;
	m->sorted = false;
	if (err)
		return err;
	if (size < strlen(NR_MAPPINGS_BEGIN) ||
	    memcmp(text, NR_MAPPINGS_BEGIN, strlen(NR_MAPPINGS_BEGIN)))
		return -EBADMSG;
	for (p += strlen(NR_MAPPINGS_BEGIN); !err; p = next) {
		next = memchr(p, '\n', end - p);
		if (!next)
			break;
		*next++ = 0;
		++*line;
		err = strlen(p) == (size_t)(next - 1 - p) ? add_line(m, p, first) : -EBADMSG;
	}
	return err;
}

/* ---- finding ---- */

static int compare(const void *a, const void *b)
{
	const struct image *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* The number of images that are not after this one in order. */
static size_t count_until(const struct nr_mappings *m, uint32_t pid, uint64_t ts)
{
	const struct image key = { .pid = pid, .ts = ts, .number = SIZE_MAX };
	size_t low = 0, high = m->n_images;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&m->images[middle], &key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct nr_mapping *find_in(const struct nr_mappings *m, const struct image *image,
				  uint64_t address)
{
	for (size_t i = image->first; i < image->first + image->n; i++)
		if (address >= m->list[i].start && address < m->list[i].end)
			return &m->list[i];
	return NULL;
}

/* The last reading before the event, then later and earlier ones of the same address space: a library
 * may have been loaded since, or unloaded. The first reading may have failed within exec. */
struct nr_mapping *nr_mappings_find(struct nr_mappings *m, uint32_t pid, uint64_t ts,
				    uint64_t address)
{
	struct nr_mapping *found = NULL;
	size_t after;

	if (!m->sorted && m->n_images)
		qsort(m->images, m->n_images, sizeof(*m->images), compare);
	m->sorted = true;
	after = count_until(m, pid, ts);
	if (after && m->images[after - 1].pid == pid)
		found = find_in(m, &m->images[after - 1], address);
	for (size_t i = after;
	     !found && i < m->n_images && m->images[i].pid == pid && m->images[i].again; i++)
		found = find_in(m, &m->images[i], address);
	for (size_t i = after; !found && i > 1 && m->images[i - 1].again &&
			       m->images[i - 1].pid == pid && m->images[i - 2].pid == pid;
	     i--)
		found = find_in(m, &m->images[i - 2], address);
	return found;
}
