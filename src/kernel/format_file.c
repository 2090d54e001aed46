// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/bits.h"
#include "format_file.h"

/* A record is at most this long, PERF_MAX_TRACE_SIZE. */
#define MAX_RECORD 8192

/* One line of the file: "field:DECLARATION; offset:N; size:N; signed:N;". */
struct line {
	char declaration[256];
	unsigned off, size, is_signed;
};

static bool read_line(struct line *line, const char *text)
{
	return !strncmp(text, "\tfield:", 7) &&
	       sscanf(text, "\tfield:%255[^;]; offset:%u; size:%u; signed:%u;", line->declaration,
		      &line->off, &line->size, &line->is_signed) == 4;
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p += len)
		if ((p == text || !(isalnum(p[-1]) || p[-1] == '_')) &&
		    !(isalnum(p[len]) || p[len] == '_'))
			return true;
	return false;
}

/* The bytes of a C type by its name; 0: unknown. */
static uint32_t size_of_type(const char *type)
{
	static const struct {
		const char *word;
		uint32_t size;
	} known[] = {
		{ "char", 1 },	   { "u8", 1 },	      { "s8", 1 },	 { "__u8", 1 },
		{ "__s8", 1 },	   { "uint8_t", 1 },  { "bool", 1 },	 { "short", 2 },
		{ "u16", 2 },	   { "s16", 2 },      { "__u16", 2 },	 { "__s16", 2 },
		{ "uint16_t", 2 }, { "__be16", 2 },   { "__le16", 2 },	 { "long", 8 },
		{ "u64", 8 },	   { "s64", 8 },      { "__u64", 8 },	 { "__s64", 8 },
		{ "uint64_t", 8 }, { "size_t", 8 },   { "__be64", 8 },	 { "cpumask_t", 8 },
		{ "int", 4 },	   { "unsigned", 4 }, { "u32", 4 },	 { "s32", 4 },
		{ "__u32", 4 },	   { "__s32", 4 },    { "uint32_t", 4 }, { "__be32", 4 },
		{ "pid_t", 4 },	   { "uid_t", 4 },    { "gid_t", 4 },	 { "dev_t", 4 },
	};

	if (strchr(type, '*'))
		return 8;
	for (size_t i = 0; i < NR_ARRAY_SIZE(known); i++)
		if (has_word(type, known[i].word))
			return known[i].size;
	return 0;
}

static bool is_signed_type(const char *type)
{
	static const char *const words[] = { "char", "short", "int",  "long",  "s8",	"s16",
					     "s32",  "s64",   "__s8", "__s16", "__s32", "__s64" };

	for (size_t i = 0; i < NR_ARRAY_SIZE(words); i++)
		if (has_word(type, words[i]))
			return !has_word(type, "unsigned");
	return false;
}

static enum nr_tp_format_kind kind_of(const char *type, bool is_array)
{
	if (strchr(type, '*'))
		return NR_TP_PTR;
	if (has_word(type, "bool"))
		return NR_TP_BOOL;
	return is_array && has_word(type, "char") && !has_word(type, "unsigned") ? NR_TP_TEXT
										 : NR_TP_INT;
}

static bool is_struct(const char *type)
{
	return (has_word(type, "struct") || has_word(type, "union")) && !strchr(type, '*');
}

static bool is_scalar_size(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

/* Elements of a size that is not known, or that does not divide the array, are shown as bytes. */
static void set_array(struct nr_tp_format_field *f, const char *type)
{
	uint32_t elem = is_struct(type) ? 0 : size_of_type(type);

	f->is_array = true;
	f->elem_size = elem && (f->where || f->size % elem == 0) ? elem : 1;
	f->is_signed = elem && is_signed_type(type);
	if (f->elem_size != elem || (f->kind == NR_TP_PTR && f->elem_size != 8))
		f->kind = NR_TP_INT;
}

/* Splits "char comm[16]", "__data_loc char[] name" and the like into type, brackets and name. */
static bool split(char *declaration, bool *is_array, const char **name)
{
	char *end = declaration + strlen(declaration), *bracket = strchr(declaration, '[');
	char *start;

	*is_array = bracket;
	while (end > declaration && isspace(end[-1]))
		*--end = 0;
	if (bracket && end[-1] == ']') { /* the brackets follow the name */
		end = bracket;
		while (end > declaration && isspace(end[-1]))
			end--;
		*end = 0;
	}
	start = end;
	while (start > declaration && (isalnum(start[-1]) || start[-1] == '_'))
		start--;
	if (start == end || start == declaration || isdigit(*start))
		return false;
	*name = strdup(start);
	*start = 0;
	if (bracket && bracket < start)
		*bracket = 0; /* the brackets follow the type */
	return true;
}

static enum nr_tp_format_where where_of(const char *type)
{
	return has_word(type, "__data_loc")  ? NR_TP_DATA_LOC
	       : has_word(type, "__rel_loc") ? NR_TP_REL_LOC
					     : NR_TP_FIXED;
}

static int read_field(struct nr_tp_format_field *f, struct line *line)
{
	const char *name = NULL, *type = line->declaration;
	bool is_array;

	if (line->off > MAX_RECORD || line->size > MAX_RECORD || !line->size ||
	    !split(line->declaration, &is_array, &name))
		return -EINVAL;
	*f = (struct nr_tp_format_field){
		.name = (char *)name,
		.where = where_of(type),
		.is_signed = line->is_signed,
		.off = line->off,
		.size = line->size,
		.elem_size = line->size,
	};
	if (!name)
		return -ENOMEM;
	is_array |= f->where || is_struct(type) || !is_scalar_size(f->size);
	f->kind = kind_of(type, is_array);
	if (is_array)
		set_array(f, type);
	return f->where && f->size != 4 ? -EINVAL : 0;
}

static int add_field(struct nr_tp_format *format, struct line *line)
{
	struct nr_tp_format_field *grown =
		reallocarray(format->fields, format->n_fields + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	format->fields = grown;
	memset(&grown[format->n_fields], 0, sizeof(*grown));
	return read_field(&grown[format->n_fields++], line);
}

/* All records begin with common_type, common_flags, common_preempt_count and common_pid. */
static int read_fields(struct nr_tp_format *format, const char *text)
{
	int err = 0;

	for (const char *p = text; !err && p; p = strchr(p, '\n')) {
		struct line line;

		p += *p == '\n';
		if (read_line(&line, p) && line.off >= 8)
			err = add_field(format, &line);
	}
	return err;
}

int nr_tp_format_parse(struct nr_tp_format **out, const char *text,
		       const struct nr_tp_symbols *symbols)
{
	struct nr_tp_format *format = calloc(1, sizeof(*format));
	const char *id = strstr(text, "ID:"), *print = strstr(text, "print fmt:");
	int err;

	if (!format)
		return -ENOMEM;
	if (id && sscanf(id, "ID: %u", &format->id) == 1)
		err = read_fields(format, text);
	else
		err = -EINVAL;
	if (!err && print)
		err = nr_tp_format_read_names(format, print, symbols);
	if (err)
		nr_tp_format_free(format);
	else
		*out = format;
	return err;
}

void nr_tp_format_free(struct nr_tp_format *format)
{
	if (!format)
		return;
	for (unsigned i = 0; i < format->n_fields; i++) {
		struct nr_tp_format_field *f = &format->fields[i];

		for (unsigned k = 0; k < f->n_values; k++)
			free(f->values[k].name);
		free(f->values);
		free(f->name);
	}
	free(format->fields);
	free(format);
}
