/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <inttypes.h>
#include "cli.h"
#include "lines.h"
#include "misfits.h"

static const struct nr_type_stats *at(const struct misfits *m, unsigned i)
{
	return (const struct nr_type_stats *)((const char *)m->first + i * m->stride);
}

static const char *name_of(const struct misfits *m, const struct nr_type_stats *of)
{
	return nr_types_name(m->types, of->id) ?: LINES_RAW;
}

void misfits_print(FILE *out, const struct misfits *m)
{
	for (unsigned i = 0; i < m->n; i++) {
		const struct nr_type_stats *of = at(m, i);

		if (of->id == NR_NO_TYPE) {
			fprintf(out, "%" PRIu64 " record%s of unknown type: kept as raw bytes\n",
				of->shorter, cli_plural(of->shorter));
			continue;
		}
		if (of->longer)
			fprintf(out, "%s: %" PRIu64 " record%s longer than the type: cut\n",
				name_of(m, of), of->longer, cli_plural(of->longer));
		if (of->shorter)
			fprintf(out,
				"%s: %" PRIu64
				" record%s shorter than the type: kept as raw bytes\n",
				name_of(m, of), of->shorter, cli_plural(of->shorter));
	}
}

static void add(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer(json_integer_value(json_object_get(o, key)) + n));
}

json_t *misfits_json(const struct misfits *m)
{
	json_t *types = json_object();

	for (unsigned i = 0; i < m->n; i++) {
		const char *name = name_of(m, at(m, i));
		json_t *o = json_object_get(types, name);

		if (!o) { /* two ids may have the same name */
			o = json_object();
			json_object_set_new(types, name, o);
		}
		add(o, "longer", at(m, i)->longer);
		add(o, "shorter", at(m, i)->shorter);
	}
	return types;
}
