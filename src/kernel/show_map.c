// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show_map.h"

#include <bpf/bpf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/bits.h"
#include "map_types.h"
#include "name_list.h"

#define MOST_LINES	50 /* entries of a map */
#define MOST_HISTOGRAMS 10
#define BAR		40 /* characters of the longest bar */

/* A map as it was read. */
struct content {
	const struct bpf_map *map;
	const struct nr_types *types;
	const struct nr_field *key;
	const struct nr_field *value;
	const struct nr_field *slots; /* in the value; NULL: it is no histogram */
	uint32_t slots_off;
	bool is_array;
	bool by_cpu;	   /* the values of the CPUs are not added up: they cannot be */
	unsigned n_values; /* of an entry: 1, or one for each CPU */
	size_t key_room;   /* bytes of a key, and of a value, with padding */
	size_t value_room;
	uint8_t *entries; /* keys, each followed by its values */
	size_t n;
};

/* ---- which map ---- */

static bool is_own(const struct bpf_map *map, const struct nr_maps *shared)
{
	return nr_maps_fd(shared, bpf_map__name(map)) < 0;
}

/* "OBJECT.bss" is called ".bss". */
static const char *short_name(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map), *dot = strchr(name, '.');

	return bpf_map__is_internal(map) && dot ? dot : name;
}

static struct bpf_map *find(const struct nr_object *o, const struct nr_maps *shared,
			    const char *name, const struct nr_logger *log)
{
	struct nr_name_list list;
	struct bpf_map *map;

	nr_name_list_begin(&list, name);
	bpf_object__for_each_map (map, o->obj) {
		if (!is_own(map, shared))
			continue;
		if (!strcmp(short_name(map), name))
			return map;
		nr_name_list_add(&list, short_name(map));
	}
	if (list.n)
		nr_log(log, NR_LOG_ERROR, "%s has no map \"%s\": %s", o->name, name,
		       nr_name_list_advice(&list));
	else
		nr_log(log, NR_LOG_ERROR, "%s has no map \"%s\": it has no map of its own", o->name,
		       name);
	return NULL;
}

static bool is_by_cpu(const struct bpf_map *map)
{
	enum bpf_map_type type = bpf_map__type(map);

	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_array(const struct bpf_map *map)
{
	return bpf_map__type(map) == BPF_MAP_TYPE_ARRAY ||
	       bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static int check_type(const struct bpf_map *map, const struct nr_logger *log)
{
	enum bpf_map_type type = bpf_map__type(map);

	if (is_array(map) || is_by_cpu(map) || type == BPF_MAP_TYPE_HASH ||
	    type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LPM_TRIE)
		return 0;
	nr_log(log, NR_LOG_ERROR,
	       "cannot show the map %s: user space cannot list the entries of its type (%s); use a "
	       "hash or an array",
	       short_name(map), libbpf_bpf_map_type_str(type) ?: "unknown");
	return -EOPNOTSUPP;
}

/* ---- reading ---- */

static uint8_t *key_of(const struct content *c, size_t i)
{
	return c->entries + i * (c->key_room + c->n_values * c->value_room);
}

static uint8_t *value_of(const struct content *c, size_t i)
{
	return key_of(c, i) + c->key_room;
}

static bool is_zero(const uint8_t *data, size_t size)
{
	return !size || (!data[0] && !memcmp(data, data + 1, size - 1));
}

static void add_up(const struct content *c, uint8_t *values, unsigned n)
{
	const struct nr_field *root = &nr_types_layout(c->types, NR_MAP_VALUE)->root;

	for (unsigned i = 1; i < n; i++)
		nr_map_sum(root, 0, values, values + i * c->value_room);
}

/* Appends what a look-up gave: n values. */
static int keep(struct content *c, const uint8_t *key, uint8_t *values, unsigned n)
{
	uint8_t *grown = c->entries;

	if (c->is_array && is_zero(values, n * c->value_room))
		return 0;
	if (!(c->n & (c->n - 1))) /* the capacity doubles at powers of two */
		grown = reallocarray(grown, c->n ? 2 * c->n : 1,
				     c->key_room + c->n_values * c->value_room);
	if (!grown)
		return -ENOMEM;
	c->entries = grown;
	if (n > c->n_values)
		add_up(c, values, n);
	memcpy(key_of(c, c->n), key, c->key_room);
	memcpy(value_of(c, c->n), values, c->n_values * c->value_room);
	c->n++;
	return 0;
}

/* A program of somebody else may change the map meanwhile, so the number of steps has a limit. */
static int read_entries(struct content *c, uint8_t *key, uint8_t *values, unsigned n)
{
	int fd = bpf_map__fd(c->map), err = 0;
	uint64_t steps = 0, most = 2ull * bpf_map__max_entries(c->map) + 1;

	err = bpf_map_get_next_key(fd, NULL, key);
	while (!err && steps++ < most) {
		int missing = bpf_map_lookup_elem(fd, key, values);

		if (missing && missing != -ENOENT)
			return missing;
		err = missing ? 0 : keep(c, key, values, n);
		if (!err)
			err = bpf_map_get_next_key(fd, key, key);
	}
	return err == -ENOENT ? 0 : err;
}

static int read_map(struct content *c)
{
	unsigned cpus = is_by_cpu(c->map) ? libbpf_num_possible_cpus() : 1;
	uint8_t *key = calloc(1, c->key_room), *values = calloc(cpus, c->value_room);
	int err = -ENOMEM;

	c->by_cpu = cpus > 1 && !nr_map_can_sum(c->value);
	c->n_values = c->by_cpu ? cpus : 1;
	if (key && values)
		err = read_entries(c, key, values, cpus);
	free(values);
	free(key);
	return err;
}

/* ---- order ---- */

static uint64_t number_of(const struct nr_field *f, const uint8_t *data)
{
	return nr_field_load(f, data);
}

static uint64_t slot(const struct content *c, const uint8_t *value, uint32_t i)
{
	struct nr_field at = *c->slots->kids;

	at.off = c->slots_off + i * c->slots->stride;
	return nr_field_load(&at, value);
}

static uint64_t sum_slots(const struct content *c, const uint8_t *value)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < c->slots->count; i++)
		sum += slot(c, value, i);
	return sum;
}

static int compare_numbers(uint64_t a, uint64_t b, bool is_signed)
{
	if (is_signed)
		return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
	return (a > b) - (a < b);
}

static int compare_keys(const struct content *c, const uint8_t *a, const uint8_t *b)
{
	if (nr_map_is_number(c->key) || c->key->kind == NR_ENUM)
		return compare_numbers(number_of(c->key, a), number_of(c->key, b),
				       c->key->is_signed);
	return memcmp(a, b, c->key_room);
}

/* Elements of arrays in their order; the largest numbers and histograms first; else by key. */
static int compare(const void *a, const void *b, void *ctx)
{
	const struct content *c = ctx;
	const uint8_t *x = (const uint8_t *)a + c->key_room, *y = (const uint8_t *)b + c->key_room;
	int order = 0;

	if (!c->is_array && c->slots)
		order = compare_numbers(sum_slots(c, y), sum_slots(c, x), false);
	else if (!c->is_array && nr_map_is_number(c->value) && !c->by_cpu)
		order = compare_numbers(number_of(c->value, y), number_of(c->value, x),
					c->value->is_signed);
	return order ?: compare_keys(c, a, b);
}

/* ---- printing ---- */

static void print_head(FILE *out, const struct content *c, size_t shown)
{
	bool one = c->n == 1;

	fprintf(out, "map %s: %zu %s%s%s", short_name(c->map), c->n, one ? "entry" : "entries",
		!c->is_array ? ""
		: one	     ? " that is not 0"
			     : " that are not 0",
		is_by_cpu(c->map) && !c->by_cpu ? ", CPUs added up" : "");
	if (shown < c->n)
		fprintf(out, ", the first %zu", shown);
	fputs("\n", out);
}

static void print_key(FILE *out, const struct content *c, size_t i)
{
	fputs("  ", out);
	nr_map_print(out, c->types, NR_MAP_KEY, 0, key_of(c, i), bpf_map__key_size(c->map));
}

static void print_value(FILE *out, const struct content *c, const uint8_t *value)
{
	fputs(": ", out);
	nr_map_print(out, c->types, NR_MAP_VALUE, 0, value, bpf_map__value_size(c->map));
	fputs("\n", out);
}

static void print_entry(FILE *out, const struct content *c, size_t i)
{
	for (unsigned cpu = 0; cpu < c->n_values; cpu++) {
		const uint8_t *value = value_of(c, i) + cpu * c->value_room;

		if (c->by_cpu && is_zero(value, c->value_room))
			continue;
		print_key(out, c, i);
		if (c->by_cpu)
			fprintf(out, " CPU %u", cpu);
		print_value(out, c, value);
	}
}

static void print_slot(FILE *out, unsigned i, uint64_t count, uint64_t most)
{
	uint64_t from = i ? 1ull << i : 0, to = i < 63 ? (2ull << i) - 1 : UINT64_MAX;
	int bar = most ? (int)((double)count * BAR / most + 0.5) : 0;

	fprintf(out, "  %12" PRIu64 " - %-12" PRIu64 " %10" PRIu64 " |", from, to, count);
	for (int k = 0; k < BAR; k++)
		fputc(k < bar ? '@' : ' ', out);
	fputs("|\n", out);
}

/* counts[i]: of values from 2^i to 2^(i+1) - 1, counts[0] also of 0. */
static void print_slots(FILE *out, const char *unit, const uint64_t *counts, unsigned n)
{
	unsigned first = 0;
	uint64_t most = 0;

	while (n && !counts[n - 1])
		n--;
	while (first < n && !counts[first])
		first++;
	for (unsigned i = first; i < n; i++)
		most = counts[i] > most ? counts[i] : most;
	fprintf(out, "  %27s %10s\n", *unit ? unit : "value", "count");
	for (unsigned i = first; i < n; i++)
		print_slot(out, i, counts[i], most);
}

static void print_histogram(FILE *out, const struct content *c, size_t i)
{
	uint32_t n = c->slots->count < 64 ? c->slots->count : 64;
	const uint8_t *value = value_of(c, i);
	uint64_t counts[64];

	for (uint32_t k = 0; k < n; k++)
		counts[k] = slot(c, value, k);
	if (!c->is_array || bpf_map__max_entries(c->map) > 1) {
		print_key(out, c, i);
		fprintf(out, ": %" PRIu64 " in all\n", sum_slots(c, value));
	}
	print_slots(out, nr_map_slots_unit(c->slots->name), counts, n);
}

static void print_entries(FILE *out, const struct content *c)
{
	size_t most = c->slots ? MOST_HISTOGRAMS : MOST_LINES, shown = c->n < most ? c->n : most;

	print_head(out, c, shown);
	for (size_t i = 0; i < shown; i++)
		(c->slots ? print_histogram : print_entry)(out, c, i);
	if (shown < c->n)
		fprintf(out, "  ... and %zu more\n", c->n - shown);
}

/* An array of numbers that is called slots is a histogram itself. */
static bool is_histogram(const struct content *c)
{
	return c->is_array && nr_map_is_number(c->value) && bpf_map__max_entries(c->map) <= 64 &&
	       nr_map_slots_unit(short_name(c->map));
}

static void print_array_histogram(FILE *out, const struct content *c)
{
	uint64_t counts[64] = {};

	for (size_t i = 0; i < c->n; i++)
		counts[number_of(c->key, key_of(c, i)) & 63] = number_of(c->value, value_of(c, i));
	fprintf(out, "map %s%s\n", short_name(c->map), is_by_cpu(c->map) ? ", CPUs added up" : "");
	print_slots(out, nr_map_slots_unit(short_name(c->map)), counts, 64);
}

static void print_variables(FILE *out, const struct content *c)
{
	const struct nr_field *root = &nr_types_layout(c->types, NR_MAP_VALUE)->root;

	fprintf(out, "variables in %s\n", short_name(c->map));
	for (unsigned i = 0; c->n && i < root->n_kids; i++) {
		fprintf(out, "  %s: ", root->kids[i].name);
		nr_map_print(out, c->types, NR_MAP_VALUE, i, value_of(c, 0),
			     bpf_map__value_size(c->map));
		fputs("\n", out);
	}
}

static void print_content(FILE *out, struct content *c)
{
	if (c->n)
		qsort_r(c->entries, c->n, c->key_room + c->n_values * c->value_room, compare, c);
	if (bpf_map__is_internal(c->map))
		print_variables(out, c);
	else if (is_histogram(c))
		print_array_histogram(out, c);
	else
		print_entries(out, c);
}

static int show(const struct nr_object *o, const struct bpf_map *map, FILE *out)
{
	struct nr_types *types = nr_map_types_new(bpf_object__btf(o->obj), map);
	struct content c = {
		.map = map,
		.types = types,
		.is_array = is_array(map) && !bpf_map__is_internal(map),
		.key_room = nr_round8(bpf_map__key_size(map)),
		.value_room = nr_round8(bpf_map__value_size(map)),
	};
	int err;

	if (!types)
		return -ENOMEM;
	c.key = nr_map_field(types, NR_MAP_KEY);
	c.value = nr_map_field(types, NR_MAP_VALUE);
	err = read_map(&c);
	c.slots = c.by_cpu ? NULL : nr_map_slots(c.value, &c.slots_off);
	if (!err)
		print_content(out, &c);
	free(c.entries);
	nr_types_free(types);
	return err;
}

int nr_show_map(const struct nr_object *o, const struct nr_maps *shared, const char *name,
		FILE *out, const struct nr_logger *log)
{
	const struct bpf_map *map = find(o, shared, name, log);
	int err = map ? check_type(map, log) : -ENOENT;

	if (err || !out)
		return err;
	err = bpf_map__fd(map) < 0 ? -EINVAL : show(o, map, out);
	if (err)
		nr_log(log, NR_LOG_ERROR, "cannot show the map %s: %s", name,
		       err == -EINVAL ? "it is not loaded; start the collector first"
				      : nr_reason(err));
	return err;
}
