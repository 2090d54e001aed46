// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* numaring list: shows what can be recorded on this host. */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <numaring/numaring.h>
#include "cli.h"
#include "help.h"

struct list {
	const char *pattern; /* NULL: everything, without fields */
	bool json;
	json_t *sources; /* arrays */
	json_t *tracepoints;
	json_t *notes; /* of the source that is being read */
};

/* ---- fields, as JSON ---- */

static json_t *json_value(uint64_t value, bool is_signed)
{
	if (is_signed || value <= INT64_MAX)
		return json_integer(value);
	return json_sprintf("%" PRIu64, value);
}

static json_t *enum_values(const struct nr_field_info *f)
{
	json_t *values = json_object();
	uint64_t value;
	const char *name;

	for (unsigned i = 0; (name = nr_field_enum_at(f, i, &value)); i++)
		json_object_set_new(values, name, json_value(value, f->kind == NR_FIELD_INT));
	return values;
}

static char letter_of(enum nr_field_kind kind)
{
	return kind == NR_FIELD_INT ? 's' : kind == NR_FIELD_FLOAT ? 'f' : 'u';
}

/* The type of a field that is no struct, as in "u32", "char[16]", "u64[]". */
static json_t *type_of(const struct nr_field_info *f)
{
	char length[16] = "[]";

	if (f->count)
		snprintf(length, sizeof(length), "[%u]", f->count);
	if (f->is_bool)
		return json_string("bool");
	if (f->is_pointer)
		return json_string("pointer");
	switch (f->kind) {
	case NR_FIELD_TEXT:
		return json_sprintf("char%s", length);
	case NR_FIELD_ARRAY:
		return json_sprintf("%c%u%s", letter_of(f->elem_kind), f->bits, length);
	default:
		return json_sprintf("%s%c%u", f->is_enum ? "enum " : "", letter_of(f->kind),
				    f->bits);
	}
}

/* Adds the fields of a type; of a struct in it, as "STRUCT.FIELD". */
static void add_fields(json_t *fields, const struct nr_types *types, uint16_t id,
		       const struct nr_field_info *parent, const char *prefix)
{
	struct nr_field_info f = { .sz = sizeof(f) };

	for (unsigned i = 0; !nr_types_field_at(types, id, parent, i, &f); i++) {
		json_t *field = json_object();
		char path[512];

		snprintf(path, sizeof(path), "%s%s", prefix, f.name);
		if (f.kind == NR_FIELD_STRUCT) {
			snprintf(path, sizeof(path), "%s%s.", prefix, f.name);
			add_fields(fields, types, id, &f, path);
			json_decref(field);
			continue;
		}
		json_object_set_new(field, "name", json_string(path));
		json_object_set_new(field, "type", type_of(&f));
		if (f.is_enum)
			json_object_set_new(field, "values", enum_values(&f));
		json_array_append_new(fields, field);
	}
}

struct event_list {
	const char *pattern; /* of names; NULL: all */
	const struct nr_types *types;
	json_t *events;
};

static int add_event(void *ctx, uint16_t id, const char *name)
{
	struct event_list *l = ctx;
	json_t *event, *fields;

	if (l->pattern && fnmatch(l->pattern, name, 0))
		return 0;
	event = json_object();
	fields = json_array();
	add_fields(fields, l->types, id, NULL, "");
	json_object_set_new(event, "name", json_string(name));
	json_object_set_new(event, "fields", fields);
	return json_array_append_new(l->events, event);
}

/* Appends the event types of a specification whose names match the pattern; NULL: all. */
static int add_events(json_t *events, const char *spec, const char *pattern, nr_log_fn log,
		      void *ctx)
{
	const struct nr_offer_opts opts = { .sz = sizeof(opts), .log = log, .log_ctx = ctx };
	struct event_list e = { .pattern = pattern, .events = events };
	struct nr_types *types = NULL;
	int err = nr_source_types(&types, spec, &opts);

	e.types = types;
	if (!err)
		err = nr_types_each(types, add_event, &e);
	nr_types_free(types);
	return err;
}

/* ---- what to show ---- */

/* What a source says about this kernel becomes part of the list. */
static void keep_note(void *ctx, enum nr_log_level level, const char *text)
{
	struct list *l = ctx;

	if (level <= NR_LOG_WARN)
		json_array_append_new(l->notes, json_string(text));
}

/* A source, with its events that match; all of them if its own name does. */
static void add_source(struct list *l, unsigned i)
{
	const char *name = nr_source_name(i);
	bool is_named = !l->pattern || !fnmatch(l->pattern, name, 0);
	json_t *source = json_pack("{s:s, s:s}", "name", name, "about", nr_source_about(i));
	json_t *events = json_array();

	if (l->pattern && (is_named || !strchr(l->pattern, ':'))) {
		l->notes = json_array();
		add_events(events, name, is_named ? NULL : l->pattern, keep_note, l);
		json_object_set(source, "events", events);
		json_object_set_new(source, "notes", l->notes);
	}
	if (is_named || json_array_size(events))
		json_array_append(l->sources, source);
	json_decref(source);
	json_decref(events);
}

static void add_sources(struct list *l)
{
	for (unsigned i = 0; nr_source_name(i); i++)
		add_source(l, i);
}

static int add_tracepoint(void *ctx, const char *name)
{
	struct list *l = ctx;

	if (l->pattern) /* says why if it cannot be recorded */
		add_events(l->tracepoints, name, NULL, cli_log, NULL);
	else
		json_array_append_new(l->tracepoints, json_pack("{s:s}", "name", name));
	return 0;
}

static int add_tracepoints(struct list *l, const char *pattern)
{
	const struct nr_offer_opts opts = { .sz = sizeof(opts), .log = cli_log };

	return nr_tracepoints_each(pattern, add_tracepoint, l, &opts);
}

static bool is_empty(const struct list *l)
{
	return !json_array_size(l->tracepoints) && !json_array_size(l->sources);
}

/* A pattern without a colon is one of sources and of events, or, if there are none, of groups of
 * tracepoints. */
static int add_matches(struct list *l)
{
	char pattern[512];
	int err;

	add_sources(l);
	if (strchr(l->pattern, ':'))
		return add_tracepoints(l, l->pattern);
	snprintf(pattern, sizeof(pattern), "*:%s", l->pattern);
	err = add_tracepoints(l, pattern);
	if (err || !is_empty(l))
		return err;
	snprintf(pattern, sizeof(pattern), "%s:*", l->pattern);
	return add_tracepoints(l, pattern);
}

static int collect(struct list *l)
{
	int err;

	l->sources = json_array();
	l->tracepoints = json_array();
	if (!l->pattern) {
		add_sources(l);
		return add_tracepoints(l, "*:*");
	}
	err = add_matches(l);
	if (err || !is_empty(l))
		return err;
	if (strchr(l->pattern, ':')) /* a probe, or it says what is wrong */
		return add_events(l->tracepoints, l->pattern, NULL, cli_log, NULL);
	cli_error(
		"no source, event or group of tracepoints matches \"%s\": numaring list shows all",
		l->pattern);
	return -ENOENT;
}

/* ---- printing ---- */

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

#define SHOWN_VALUES 8

static void print_values(const json_t *values)
{
	size_t n = 0, total = json_object_size(values);
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)values, name, value) {
		if (n++ == SHOWN_VALUES)
			break;
		if (json_is_string(value))
			printf("%s%s %s", n > 1 ? ", " : " ", name, json_string_value(value));
		else
			printf("%s%s %" JSON_INTEGER_FORMAT, n > 1 ? ", " : " ", name,
			       json_integer_value(value));
	}
	if (total > SHOWN_VALUES)
		printf(", and %zu more", total - SHOWN_VALUES);
}

static void print_event(const json_t *event)
{
	const json_t *fields = json_object_get(event, "fields"), *values;
	const json_t *field;
	size_t i;

	puts(text_of(event, "name"));
	json_array_foreach(fields, i, field)
	{
		printf("  %-18s %s", text_of(field, "name"), text_of(field, "type"));
		values = json_object_get(field, "values");
		if (values)
			print_values(values);
		putchar('\n');
	}
}

static void print_source(const struct list *l, const json_t *source)
{
	const json_t *item;
	size_t i;

	printf("%-10s %s\n", text_of(source, "name"), text_of(source, "about"));
	if (!l->pattern)
		return;
	json_array_foreach(json_object_get(source, "notes"), i, item)
		printf("not on this kernel: %s\n", json_string_value(item));
	json_array_foreach(json_object_get(source, "events"), i, item) print_event(item);
}

static void print_text(const struct list *l)
{
	const json_t *item;
	size_t i;

	json_array_foreach(l->sources, i, item) print_source(l, item);
	json_array_foreach(l->tracepoints, i, item) print_event(item);
}

static void print_json(const struct list *l)
{
	json_t *all = json_pack("{s:O, s:O}", "sources", l->sources, "tracepoints", l->tracepoints);

	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
}

static int print(const struct list *l)
{
	errno = 0;
	if (l->json)
		print_json(l);
	else
		print_text(l);
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	cli_error("cannot write the list: %s", strerror(errno ?: EIO));
	return -EIO;
}

/* ---- the command ---- */

static const struct argp_option options[] = {
	{ .name = "json", .key = 'j' },
	{ 0 },
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct list *l = state->input;

	switch (key) {
	case 'j':
		l->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (l->pattern)
			argp_error(state, "unexpected argument \"%s\"", arg);
		l->pattern = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_opt,
	.args_doc = "[PATTERN]",
	.doc = help_list_txt,
};

int cmd_list(int argc, char **argv)
{
	struct list l = {};
	int err;

	cli_parse(&argp, argc, argv, 0, &l);
	err = collect(&l);
	if (!is_empty(&l))
		err = print(&l) ?: err;
	json_decref(l.sources);
	json_decref(l.tracepoints);
	return err ? CLI_FAILED : CLI_DONE;
}
