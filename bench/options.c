// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <ctype.h>
#include "bench.h"

#define FIRST_KEY 256 /* of options without a letter */

/* ---- values ---- */

static int parse_scaled(const char *s, unsigned step, uint64_t *out)
{
	static const char suffixes[] = "KMG";
	unsigned long long v, scale = 1;
	const char *suffix = suffixes;
	char *end;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (*end)
		suffix = strchr(suffixes, toupper((unsigned char)*end));
	if (errno || !suffix || (*end && end[1]))
		return -EINVAL;
	for (const char *p = suffixes; *end && p <= suffix; p++)
		scale *= step;
	/* JSON has no larger integers. */
	if (v > INT64_MAX / scale)
		return -EINVAL;
	*out = v * scale;
	return 0;
}

int parse_count(const char *s, uint64_t *out)
{
	return parse_scaled(s, 1000, out);
}

static int set_number(const struct opt *o, const char *s, uint64_t *out)
{
	uint64_t n;
	int err = parse_scaled(s, o->kind == OPTION_BYTES ? 1024 : 1000, &n);

	if (err || (n < o->number.least && (n || !o->number.or_zero)) || n > o->number.most ||
	    (o->number.multiple && n % o->number.multiple))
		return -EINVAL;
	*out = n;
	return 0;
}

/* As it will be written: what a sweep did must be found again in its file. */
static int set_seconds(const struct opt *o, const char *s, double *out)
{
	char *end, text[32];
	double v = strtod(s, &end);

	if (end == s || (*end && strcmp(end, "s")) || !(v * 1e3 >= o->number.least && v <= 3600))
		return -EINVAL;
	snprintf(text, sizeof(text), "%g", v);
	*out = strtod(text, NULL);
	return 0;
}

static int set_word(const struct opt *o, const char *s, char *out)
{
	if (!o->is_valid(s) || strlen(s) >= OPTION_WORD_SIZE)
		return -EINVAL;
	strcpy(out, s);
	return 0;
}

static int set_choice(const struct opt *o, const char *s, unsigned *out)
{
	for (unsigned i = 0; i < 3 && o->choices[i]; i++)
		if (!strcmp(s, o->choices[i])) {
			*out = i;
			return 0;
		}
	return -EINVAL;
}

int option_set(const struct opt *o, void *base, const char *s)
{
	void *field = (char *)base + o->offset;

	switch (o->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)field = s;
		return 0;
	case OPTION_WORD:
		return set_word(o, s, field);
	case OPTION_COUNT:
	case OPTION_BYTES:
		return set_number(o, s, field);
	case OPTION_SECONDS:
		return set_seconds(o, s, field);
	case OPTION_CHOICE:
		return set_choice(o, s, field);
	case OPTION_PARSED:
		return o->parse(base, s);
	}
	return -EINVAL;
}

char *option_get(const struct opt *o, const void *base, char *buf, size_t size)
{
	const void *field = (const char *)base + o->offset;

	if (o->kind == OPTION_TEXT)
		snprintf(buf, size, "%s", *(const char *const *)field);
	else if (o->kind == OPTION_WORD)
		snprintf(buf, size, "%s", (const char *)field);
	else if (o->kind == OPTION_SECONDS)
		snprintf(buf, size, "%g", *(const double *)field);
	else if (o->kind == OPTION_CHOICE)
		snprintf(buf, size, "%s", o->choices[*(const unsigned *)field]);
	else
		snprintf(buf, size, "%" PRIu64, *(const uint64_t *)field);
	return buf;
}

void option_refuse(const struct opt *o, const char *s)
{
	warnx("--%s %s: invalid value; give %s", o->name, s, o->help);
}

/* ---- the command line ---- */

static error_t parse_key(int key, char *arg, struct argp_state *state)
{
	const struct command_line *line = state->input;

	for (unsigned i = 0; i < line->n_options; i++) {
		const struct opt *o = &line->options[i];

		if (key != (o->key ? o->key : FIRST_KEY + (int)i))
			continue;
		if (option_set(o, line->base, arg)) {
			option_refuse(o, arg);
			exit(BENCH_USAGE);
		}
		return 0;
	}
	if (key == ARGP_KEY_ARG && state->arg_num < line->most_words)
		line->words[state->arg_num] = arg;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "unexpected argument \"%s\"", arg);
	else if (key == ARGP_KEY_END && state->arg_num < line->least_words)
		argp_error(state, "an argument is missing");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

void options_parse(const struct command_line *line, int argc, char **argv)
{
	struct argp_option *options = bench_alloc(line->n_options + 1, sizeof(*options));
	const struct argp argp = {
		.options = options,
		.parser = parse_key,
		.args_doc = line->args_doc,
		.doc = line->doc,
	};

	for (unsigned i = 0; i < line->n_options; i++) {
		const struct opt *o = &line->options[i];

		options[i] = (struct argp_option){ o->name, o->key ? o->key : FIRST_KEY + (int)i,
						   o->arg,  0,
						   o->help, o->group };
	}
	argp_err_exit_status = BENCH_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, (void *)line);
	free(options);
}
