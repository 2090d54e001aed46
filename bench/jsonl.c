// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Files of JSON Lines, and what is read from a row. */
#include <math.h>
#include "bench.h"

/* A last line that was cut short is what an interrupted sweep leaves behind. */
json_t *jsonl_read(const char *path)
{
	json_t *rows = json_array(), *row;
	FILE *f = fopen(path, "re");

	for (unsigned number = 1; f && rows; number++) {
		row = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL);
		if (!row && (feof(f) || ferror(f)))
			break;
		if (!json_is_object(row)) {
			warnx("%s:%u: not a line of a sweep", path, number);
			json_decref(rows);
			rows = NULL;
		}
		json_array_append_new(rows, row);
	}
	if (!f || ferror(f)) /* a directory can be opened, but not read */
		err(BENCH_FAILED, "%s", path);
	fclose(f);
	return rows;
}

json_t *cpus_json(const unsigned *cpus, unsigned n)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, json_integer(cpus[i]));
	return list;
}

double row_number(const json_t *row, const char *key)
{
	return json_number_value(json_object_get(row, key));
}

const char *row_word(const json_t *row, const char *key)
{
	const char *s = json_string_value(json_object_get(row, key));

	return s ? s : "";
}

double row_median(const json_t *row, const char *metric)
{
	const json_t *m = json_object_get(row, metric);

	return json_is_object(m) ? row_number(m, "median") : NAN;
}

const json_t *row_runs(const json_t *row, const char *metric)
{
	return json_object_get(json_object_get(row, metric), "runs");
}

bool rows_agree(const json_t *a, const json_t *b, const char *const *keys)
{
	for (; *keys; keys++) {
		json_t *x = json_object_get(a, *keys), *y = json_object_get(b, *keys);

		if (x != y && !json_equal(x, y))
			return false;
	}
	return true;
}

const json_t *rows_most_common(const json_t *rows, const char *const *keys)
{
	const json_t *row, *other, *best = NULL;
	unsigned most = 0;

	for_each_row (row, rows) {
		unsigned n = 0;

		for_each_row (other, rows)
			n += rows_agree(row, other, keys);
		if (n > most) {
			most = n;
			best = row;
		}
	}
	return best;
}
