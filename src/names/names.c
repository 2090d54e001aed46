// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "names.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "kallsyms.h"
#include "proc_maps.h"

/* How long the mappings of a process that has exited are kept for the next chunk of a trace, whose
 * events may be this much older. */
#define KEEP_NS 60000000000ull

/* The mappings of a process at one time. */
struct image {
	uint64_t number; /* from 1, in the order in which they were noted */
	uint64_t ts;
	uint64_t gone; /* when the process was seen to have exited; 0: it lives */
	uint32_t pid;
	bool again;
	bool is_old; /* no trace needs it any more */
	char *lines;
	size_t size;
};

struct nr_names {
	void *kernel;
	size_t kernel_size;
	struct nr_proc_files *files;
	pthread_mutex_t lock; /* for the rest */
	struct image *list;
	size_t n, cap;
	size_t bytes, most; /* of the list and its lines; how many nr_names_keep allows */
	uint64_t last;	    /* number of the newest image */
	uint64_t missed;
	int (*read_stacks)(void *ctx, struct nr_names *n); /* NULL: there are no stack ids */
	void *stacks_ctx;
	char *stacks; /* lines */
	size_t stacks_size;
};

int nr_names_new(struct nr_names **out, const struct nr_logger *log)
{
	struct nr_names *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	pthread_mutex_init(&n->lock, NULL);
	n->files = nr_proc_files_new();
	err = n->files ? nr_kallsyms_read(&n->kernel, &n->kernel_size, log) : -ENOMEM;
	if (err)
		nr_names_free(n);
	else
		*out = n;
	return err;
}

void nr_names_free(struct nr_names *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n; i++)
		free(n->list[i].lines);
	free(n->list);
	free(n->kernel);
	free(n->stacks);
	nr_proc_files_free(n->files);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

const void *nr_names_kernel(const struct nr_names *n, size_t *size)
{
	*size = n->kernel_size;
	return n->kernel;
}

void nr_names_keep(struct nr_names *n, size_t bytes)
{
	n->most = bytes;
}

uint64_t nr_names_missed(struct nr_names *n)
{
	uint64_t missed;

	pthread_mutex_lock(&n->lock);
	missed = n->missed;
	pthread_mutex_unlock(&n->lock);
	return missed;
}

/* ---- noting ---- */

/* The latest image of a process; NULL: none. */
static const struct image *last_of(const struct nr_names *n, uint32_t pid)
{
	for (size_t i = n->n; i-- > 0;)
		if (n->list[i].pid == pid)
			return &n->list[i];
	return NULL;
}

static size_t bytes_of(const struct image *image)
{
	return sizeof(*image) + image->size;
}

/* Takes the lines. */
static int add(struct nr_names *n, struct image *new)
{
	size_t cap = n->cap ? 2 * n->cap : 64;
	struct image *grown = n->n < n->cap ? n->list : realloc(n->list, cap * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	n->cap = n->n < n->cap ? n->cap : cap;
	n->list = grown;
	new->number = ++n->last;
	n->list[n->n++] = *new;
	n->bytes += bytes_of(new);
	new->lines = NULL;
	return 0;
}

/* Notes what was read, unless it was the same before. */
static int note(struct nr_names *n, struct image *new)
{
	const struct image *old = new->again ? last_of(n, new->pid) : NULL;

	if (old && old->size == new->size && !memcmp(old->lines, new->lines, new->size))
		return 0;
	n->missed -= old && !old->size; /* it was seen within exec */
	return add(n, new);
}

/* Its earlier mappings do not hold any more, so it has none from now on. */
static int note_missed(struct nr_names *n, struct image *new, int err)
{
	if (err == -ENOMEM || new->again)
		return err == -ENOMEM ? err : 0;
	n->missed++;
	return add(n, new);
}

int nr_names_visit(struct nr_names *n, uint32_t pid, uint64_t ts, bool again)
{
	struct image new = { .pid = pid, .ts = ts, .again = again };
	int err = nr_proc_maps_read(n->files, pid, &new.lines, &new.size);

	pthread_mutex_lock(&n->lock);
	err = err ? note_missed(n, &new, err) : note(n, &new);
	pthread_mutex_unlock(&n->lock);
	free(new.lines);
	return err;
}

void nr_names_tidy(struct nr_names *n, uint64_t now)
{
	size_t kept = 0;

	pthread_mutex_lock(&n->lock);
	for (size_t i = 0; i < n->n; i++) {
		struct image *image = &n->list[i];

		if (!image->gone && kill(image->pid, 0) && errno == ESRCH)
			image->gone = now;
		image->is_old = image->gone && now - image->gone > KEEP_NS;
		if (!image->is_old || n->bytes <= n->most) {
			n->list[kept++] = *image;
			continue;
		}
		n->bytes -= bytes_of(image);
		free(image->lines);
	}
	n->n = kept;
	pthread_mutex_unlock(&n->lock);
}

/* ---- copying ---- */

static size_t first_after(const struct nr_names *n, uint64_t since)
{
	size_t i = n->n;

	while (i && n->list[i - 1].number > since)
		i--;
	return i;
}

static int print_since(const struct nr_names *n, uint64_t since, bool old, char **text,
		       size_t *size)
{
	size_t first = first_after(n, since);
	FILE *to = first < n->n ? open_memstream(text, size) : NULL;

	if (first == n->n)
		return 0;
	if (!to)
		return -ENOMEM;
	for (size_t i = first; i < n->n; i++) {
		const struct image *image = &n->list[i];

		if (image->is_old && !old)
			continue;
		fprintf(to, "%s %u %" PRIu64 "\n", image->again ? "again" : "process", image->pid,
			image->ts);
		if (image->size)
			fwrite(image->lines, 1, image->size, to);
	}
	return fclose(to) ? -ENOMEM : 0;
}

int nr_names_copy(struct nr_names *n, uint64_t *since, bool old, char **text, size_t *size)
{
	int err;

	*text = NULL;
	pthread_mutex_lock(&n->lock);
	err = print_since(n, *since, old, text, size);
	if (!err)
		*since = n->last;
	pthread_mutex_unlock(&n->lock);
	if (err) {
		free(*text);
		*text = NULL;
	}
	return err;
}

/* ---- stacks of ids ---- */

void nr_names_set_stacks(struct nr_names *n, int (*read)(void *ctx, struct nr_names *n), void *ctx)
{
	n->read_stacks = read;
	n->stacks_ctx = ctx;
}

bool nr_names_have_stacks(const struct nr_names *n)
{
	return n->read_stacks;
}

int nr_names_read_stacks(struct nr_names *n)
{
	return n->read_stacks ? n->read_stacks(n->stacks_ctx, n) : 0;
}

int nr_names_add_stacks(struct nr_names *n, const char *text, size_t size)
{
	char *grown;

	pthread_mutex_lock(&n->lock);
	grown = realloc(n->stacks, n->stacks_size + size);
	if (grown) {
		memcpy(grown + n->stacks_size, text, size);
		n->stacks = grown;
		n->stacks_size += size;
	}
	pthread_mutex_unlock(&n->lock);
	return grown ? 0 : -ENOMEM;
}

int nr_names_copy_stacks(struct nr_names *n, uint64_t *since, char **text, size_t *size)
{
	int err = 0;

	*text = NULL;
	pthread_mutex_lock(&n->lock);
	*size = n->stacks_size - *since;
	if (*size) {
		*text = malloc(*size);
		err = *text ? 0 : -ENOMEM;
	}
	if (*text) {
		memcpy(*text, n->stacks + *since, *size);
		*since = n->stacks_size;
	}
	pthread_mutex_unlock(&n->lock);
	return err;
}
