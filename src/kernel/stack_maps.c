// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stack_maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "names/stack_fields.h"
#include "stack_flags.h"

struct stack_map {
	int fd;	      /* of our own; -1: it is not read */
	char *header; /* its line in the text */
	unsigned depth;
	uint32_t n_ids;
	bool *seen; /* [n_ids] */
	bool told;  /* the text has its line */
};

struct nr_stack_maps {
	pthread_mutex_t lock; /* several outputs may ask for stacks */
	const struct nr_logger *log;
	struct stack_map *list;
	unsigned n;
};

/* ---- which map a field's ids are of ---- */

static bool is_stack_map(const struct nr_object *o, const struct bpf_map *map)
{
	return bpf_map__type(map) == BPF_MAP_TYPE_STACK_TRACE && bpf_map__autocreate(map) &&
	       !o->idle;
}

/* user_stack_id is of the map user_stacks, or of the object's only one. NULL: unknown. */
static const struct bpf_map *map_of(const struct nr_object *o, const char *field)
{
	const struct bpf_map *only = NULL;
	size_t len = strlen(field) - strlen("_id");
	struct bpf_map *map;
	unsigned n = 0;

	bpf_object__for_each_map (map, o->obj) {
		const char *name = bpf_map__name(map);

		if (!is_stack_map(o, map))
			continue;
		if (!strncmp(name, field, len) && !strcmp(name + len, "s"))
			return map;
		only = map;
		n++;
	}
	return n == 1 ? only : NULL;
}

static bool has_stack_map(const struct nr_object *o)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, o->obj)
		if (is_stack_map(o, map))
			return true;
	return false;
}

/* What is done with each field of an object that has ids. */
struct walk {
	const struct nr_object *objects;
	unsigned n;
	const struct nr_types *types;
	int (*fn)(void *ctx, const struct nr_object *o, uint16_t type, const char *field);
	void *ctx;
};

static int walk_type(void *ctx, uint16_t type, const char *name)
{
	const struct walk *w = ctx;
	const struct nr_object *o = &w->objects[type / NR_OBJECT_IDS];
	struct nr_field_info f = { .sz = sizeof(f) };
	int ret = 0;

	(void)name;
	if (type / NR_OBJECT_IDS >= w->n || !has_stack_map(o))
		return 0;
	for (unsigned i = 0; !ret && !nr_types_field_at(w->types, type, NULL, i, &f); i++)
		if (nr_is_stack_id(&f))
			ret = w->fn(w->ctx, o, type, f.name);
	return ret;
}

static int yes(void *ctx, const struct nr_object *o, uint16_t type, const char *field)
{
	(void)ctx, (void)o, (void)type, (void)field;
	return 1;
}

bool nr_stack_maps_are_in(const struct nr_object *objects, unsigned n, const struct nr_types *types)
{
	struct walk w = { objects, n, types, yes, NULL };

	return nr_types_each(types, walk_type, &w);
}

/* ---- making the list ---- */

/* Ids are below the next power of two. */
static uint32_t ids_of(const struct bpf_map *map)
{
	uint64_t n = 1;

	while (n < bpf_map__max_entries(map))
		n *= 2;
	return n;
}

/* The text names the fields of a map without ids that can be told, too: a reader then knows that they
 * are stacks which the trace does not have. */
static bool can_read(const struct nr_object *o, const struct bpf_map *map,
		     const struct nr_logger *log)
{
	const char *prog = nr_stack_flags_unsafe(o->obj);

	if (bpf_map__map_flags(map) & BPF_F_STACK_BUILD_ID)
		nr_log(log, NR_LOG_WARN,
		       "%s: the stacks of map %s are not recorded, because it has build ids "
		       "instead of "
		       "addresses: create it without BPF_F_STACK_BUILD_ID",
		       o->name, bpf_map__name(map));
	else if (prog)
		nr_log(log, NR_LOG_WARN,
		       "%s: the stacks of map %s are not recorded, because program %s may give an "
		       "id "
		       "to several stacks: call bpf_get_stackid with constant flags, without "
		       "BPF_F_REUSE_STACKID and BPF_F_FAST_STACK_CMP",
		       o->name, bpf_map__name(map), prog);
	else
		return true;
	return false;
}

static int init(struct stack_map *m, const struct nr_object *o, const struct bpf_map *map,
		const struct nr_logger *log)
{
	bool read = can_read(o, map, log);

	m->depth = bpf_map__value_size(map) / sizeof(uint64_t);
	m->n_ids = ids_of(map);
	m->seen = calloc(m->n_ids, sizeof(*m->seen));
	m->fd = read ? fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 0) : -1;
	if (read && m->fd < 0)
		return -errno;
	return m->seen && asprintf(&m->header, "map %s", bpf_map__name(map)) > 0 ? 0 : -ENOMEM;
}

static int add_map(struct nr_stack_maps *maps, const struct nr_object *o, const struct bpf_map *map,
		   const struct bpf_map **of)
{
	struct stack_map *grown = realloc(maps->list, (maps->n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	maps->list = grown;
	grown[maps->n] = (struct stack_map){ .fd = -1 };
	of[maps->n] = map;
	return init(&grown[maps->n++], o, map, maps->log);
}

#define MAPS_MAX 256

struct making {
	struct nr_stack_maps *maps;
	const struct bpf_map *of[MAPS_MAX];
};

static int add_field(void *ctx, const struct nr_object *o, uint16_t type, const char *field)
{
	struct making *making = ctx;
	struct nr_stack_maps *maps = making->maps;
	const struct bpf_map *map = map_of(o, field);
	char *header;
	unsigned i = 0;
	int err;

	if (!map) {
		nr_log(maps->log, NR_LOG_WARN,
		       "%s: it is unknown of which map the stack ids in field %s are, because the "
		       "object has several: call this map %.*ss",
		       o->name, field, (int)(strlen(field) - 3), field);
		return 0;
	}
	while (i < maps->n && making->of[i] != map)
		i++;
	err = i < maps->n ? 0 : i < MAPS_MAX ? add_map(maps, o, map, making->of) : -E2BIG;
	if (err)
		return err;
	if (asprintf(&header, "%s %u.%s", maps->list[i].header, type, field) < 0)
		return -ENOMEM;
	free(maps->list[i].header);
	maps->list[i].header = header;
	return 0;
}

/* ---- reading ---- */

static void print_stack(FILE *out, uint32_t id, uint64_t from, const uint64_t *addresses,
			unsigned n)
{
	fprintf(out, "%u %" PRIu64 " %" PRIu64, id, from, nr_clock_now());
	while (n && !addresses[n - 1])
		n--;
	for (unsigned i = 0; i < n; i++)
		fprintf(out, " %" PRIx64, addresses[i]);
	fputc('\n', out);
}

/* The line of the map comes before its stacks, and the first time in any case. */
static void begin_lines(struct stack_map *m, FILE *out, bool *begun)
{
	if (!*begun)
		fprintf(out, "%s\n", m->header);
	*begun = m->told = true;
}

static void read_new(struct stack_map *m, FILE *out, uint64_t *addresses, bool begun)
{
	uint32_t id, *last = NULL;

	for (; !bpf_map_get_next_key(m->fd, last, &id); last = &id) {
		uint64_t from = nr_clock_now();

		if (id >= m->n_ids || m->seen[id] || bpf_map_lookup_elem(m->fd, &id, addresses))
			continue;
		m->seen[id] = true;
		begin_lines(m, out, &begun);
		print_stack(out, id, from, addresses, m->depth);
	}
}

static int read_map(struct stack_map *m, FILE *out)
{
	uint64_t *addresses = calloc(m->depth + 1, sizeof(*addresses));
	bool begun = false;

	if (!m->told)
		begin_lines(m, out, &begun);
	if (addresses && m->fd >= 0)
		read_new(m, out, addresses, begun);
	free(addresses);
	return addresses ? 0 : -ENOMEM;
}

static int read_maps(void *ctx, struct nr_names *names)
{
	struct nr_stack_maps *maps = ctx;
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);
	int err = out ? 0 : -ENOMEM;

	if (out) {
		pthread_mutex_lock(&maps->lock);
		for (unsigned i = 0; !err && i < maps->n; i++)
			err = read_map(&maps->list[i], out);
		pthread_mutex_unlock(&maps->lock);
		err = fclose(out) ? -ENOMEM : err;
	}
	err = err ?: nr_names_add_stacks(names, text, size);
	free(text);
	if (err)
		nr_log(maps->log, NR_LOG_WARN, "cannot read the stacks of stack ids: %s",
		       nr_reason(err));
	return err;
}

int nr_stack_maps_new(struct nr_stack_maps **out, const struct nr_object *objects, unsigned n,
		      const struct nr_types *types, struct nr_names *names,
		      const struct nr_logger *log)
{
	struct making making = { .maps = calloc(1, sizeof(*making.maps)) };
	struct walk w = { objects, n, types, add_field, &making };
	int err = making.maps ? 0 : -ENOMEM;

	if (!err) {
		pthread_mutex_init(&making.maps->lock, NULL);
		making.maps->log = log;
		err = nr_types_each(types, walk_type, &w);
	}
	if (!err)
		err = read_maps(making.maps, names); /* so that a reader knows the fields */
	if (err) {
		nr_stack_maps_free(making.maps);
		return err;
	}
	nr_names_set_stacks(names, read_maps, making.maps);
	*out = making.maps;
	return 0;
}

void nr_stack_maps_free(struct nr_stack_maps *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < m->n; i++) {
		if (m->list[i].fd >= 0)
			close(m->list[i].fd);
		free(m->list[i].header);
		free(m->list[i].seen);
	}
	free(m->list);
	pthread_mutex_destroy(&m->lock);
	free(m);
}
