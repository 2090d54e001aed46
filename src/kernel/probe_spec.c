// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include "base/bits.h"
#include "probe_spec.h"
#include "probes.h"

static const struct {
	const char *prefix;
	const char *form;
} kinds[] = {
	[NR_KPROBE] = { "kprobe:", "kprobe:FUNCTION[(NAME=KIND,...)]" },
	[NR_UPROBE] = { "uprobe:", "uprobe:PATH:SYMBOL[(NAME=KIND,...)]" },
	[NR_USDT] = { "usdt:", "usdt:PATH:PROVIDER:NAME[(NAME=KIND,...)]" },
};

static int find_kind(const char *spec)
{
	for (size_t i = 0; i < NR_ARRAY_SIZE(kinds); i++)
		if (!strncmp(spec, kinds[i].prefix, strlen(kinds[i].prefix)))
			return i;
	return -1;
}

bool nr_probe_is_spec(const char *spec)
{
	return find_kind(spec) >= 0;
}

bool nr_probe_set_kind(struct nr_probe_param *param, const char *kind)
{
	unsigned bits;
	char letter, end;

	param->read = NR_PROBE_NUMBER;
	if (!strcmp(kind, "str") || !strcmp(kind, "ustr")) {
		param->read = *kind == 'u' ? NR_PROBE_USER_TEXT : NR_PROBE_KERNEL_TEXT;
		return true;
	}
	if (sscanf(kind, "%c%u%c", &letter, &bits, &end) != 2 || !strchr("usx", letter) ||
	    (bits != 8 && bits != 16 && bits != 32 && bits != 64) || (letter == 'x' && bits != 64))
		return false;
	param->size = bits / 8;
	param->is_signed = letter == 's';
	param->is_pointer = letter == 'x';
	return true;
}

static int add_param(struct nr_probe_spec *s, char *word, const struct nr_logger *log)
{
	struct nr_probe_param *param = &s->params[s->n_params];
	char *kind = strchr(word, '=');
	size_t len = kind ? (size_t)(kind - word) : 0;

	if (s->n_params == NR_PROBE_ARGS) {
		nr_log(log, NR_LOG_ERROR, "too many arguments of %s: use at most %d", s->symbol,
		       NR_PROBE_ARGS);
		return -EINVAL;
	}
	if (!len || len >= sizeof(param->name)) {
		nr_log(log, NR_LOG_ERROR, "invalid argument \"%s\" of %s: use NAME=KIND", word,
		       s->symbol);
		return -EINVAL;
	}
	snprintf(param->name, sizeof(param->name), "%.*s", (int)len, word);
	if (!nr_probe_set_kind(param, kind + 1)) {
		nr_log(log, NR_LOG_ERROR,
		       "unknown kind \"%s\" of the argument %s: use u8 to u64, s8 to s64, x64, str "
		       "or ustr",
		       kind + 1, param->name);
		return -EINVAL;
	}
	s->n_params++;
	return 0;
}

/* Removes blanks: "dfd=s32, filename=ustr" and "dfd=s32,filename=ustr" mean the same. */
static void remove_blanks(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (*text != ' ')
			*to++ = *text;
	*to = 0;
}

static int parse_params(struct nr_probe_spec *s, char *list, const struct nr_logger *log)
{
	size_t len = strlen(list);
	char *word;
	int err = 0;

	if (!len || list[len - 1] != ')') {
		nr_log(log, NR_LOG_ERROR, "the arguments of %s have no end: add a )", s->symbol);
		return -EINVAL;
	}
	list[len - 1] = 0;
	remove_blanks(list);
	s->has_params = true;
	if (!*list)
		return 0;
	while (!err && (word = strsep(&list, ",")))
		err = add_param(s, word, log);
	return err;
}

static int refuse_form(const struct nr_probe_spec *s, const char *spec, const struct nr_logger *log)
{
	nr_log(log, NR_LOG_ERROR, "invalid probe \"%s\": use %s", spec, kinds[s->kind].form);
	return -EINVAL;
}

/* Cuts the last part off, behind a colon. NULL: there is none, or it is empty. */
static char *take_last(char *text)
{
	char *colon = strrchr(text, ':');

	if (!colon || !colon[1])
		return NULL;
	*colon = 0;
	return strdup(colon + 1);
}

/* Splits the names, without arguments, into their parts. */
static bool split_names(struct nr_probe_spec *s, char *names)
{
	if (s->kind == NR_KPROBE) {
		s->symbol = *names ? strdup(names) : NULL;
		return s->symbol;
	}
	s->symbol = take_last(names);
	if (s->symbol && s->kind == NR_USDT)
		s->provider = take_last(names);
	if (!s->symbol || (s->kind == NR_USDT && !s->provider) || !*names)
		return false;
	s->path = strdup(names);
	return s->path;
}

/* "%return" behind the symbol. */
static bool take_return(struct nr_probe_spec *s)
{
	char *percent = s->kind == NR_USDT ? NULL : strchr(s->symbol, '%');

	if (!percent)
		return true;
	s->is_return = !strcmp(percent, "%return") && percent > s->symbol;
	*percent = 0;
	return s->is_return;
}

static int check_params(const struct nr_probe_spec *s, const struct nr_logger *log)
{
	unsigned most = s->is_return ? 1 : s->kind == NR_USDT ? NR_PROBE_ARGS : NR_PROBE_REGS;

	if (s->n_params <= most)
		return 0;
	nr_log(log, NR_LOG_ERROR, "too many arguments of %s: use at most %u%s", s->symbol, most,
	       s->is_return ? ", the result" : "");
	return -EINVAL;
}

int nr_probe_parse(struct nr_probe_spec *out, const char *spec, const struct nr_logger *log)
{
	char *copy, *names, *params;
	int err = 0;

	*out = (struct nr_probe_spec){ .kind = find_kind(spec) };
	copy = strdup(spec);
	if (!copy)
		return -ENOMEM;
	names = copy + strlen(kinds[out->kind].prefix);
	params = strchr(names, '(');
	if (params)
		*params++ = 0;
	if (!split_names(out, names) || !take_return(out))
		err = refuse_form(out, spec, log);
	if (!err && params)
		err = parse_params(out, params, log) ?: check_params(out, log);
	free(copy);
	return err;
}

void nr_probe_spec_clear(struct nr_probe_spec *spec)
{
	free(spec->path);
	free(spec->provider);
	free(spec->symbol);
	*spec = (struct nr_probe_spec){};
}
