// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The option -e: sources and tracepoints. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "events_args.h"

void strings_add(struct strings *strings, char *string)
{
	strings->list = reallocarray(strings->list, strings->n + 1, sizeof(*strings->list));
	if (!strings->list) {
		cli_error("out of memory");
		exit(CLI_FAILED);
	}
	strings->list[strings->n++] = string;
}

static void list_sources(void)
{
	const char *name;

	for (unsigned i = 0; (name = nr_source_name(i)); i++)
		printf("%-10s %s\n", name, nr_source_about(i));
	if (!fflush(stdout) && !ferror(stdout))
		exit(CLI_DONE);
	cli_error("cannot write the list of sources: %s", strerror(errno));
	exit(CLI_FAILED);
}

/* Does the word begin with the name of a source, and end there or with a colon? */
static bool is_source(const char *word, char end)
{
	const char *known;

	for (unsigned i = 0; (known = nr_source_name(i)); i++) {
		size_t len = strlen(known);

		if (!strncmp(known, word, len) && word[len] == end)
			return true;
	}
	return false;
}

static int keep_name(void *ctx, const char *name)
{
	*(char **)ctx = strdup(name);
	return 1;
}

/* The name of a tracepoint without its group? */
static void refuse_word(const char *word)
{
	char pattern[128], help[256], *found = NULL;

	snprintf(pattern, sizeof(pattern), "*:%s", word);
	if (!strpbrk(word, "*?[\\"))
		nr_tracepoints_each(pattern, keep_name, &found, NULL);
	if (!found)
		cli_refuse(word, "a source: \"-e list\" shows all sources");
	snprintf(help, sizeof(help), "a source: did you mean the tracepoint %s?", found);
	cli_refuse(word, help);
}

/* After SOURCE:WORD, further words without a colon that are no source are arguments of it, too. */
static bool is_argument(const struct strings *sources, const char *word, bool is_first)
{
	return !is_first && sources->n && is_source(sources->list[sources->n - 1], ':') &&
	       !is_source(word, 0);
}

void events_add(struct strings *sources, char *words)
{
	char *word;

	for (bool is_first = true; (word = strsep(&words, ",")); is_first = false) {
		if (!strcmp(word, "list"))
			list_sources();
		if (strchr(word, ':') || is_source(word, 0))
			strings_add(sources, word);
		else if (is_argument(sources, word, is_first))
			word[-1] = ','; /* joins the words again */
		else
			refuse_word(word);
	}
}

void probes_add(struct strings *sources, const char *kind, const char *probe)
{
	static struct strings kept; /* until the exit, like the arguments of the program */
	char *spec;

	if (asprintf(&spec, "%s:%s", kind, probe) < 0) {
		cli_error("out of memory");
		exit(CLI_FAILED);
	}
	strings_add(&kept, spec);
	strings_add(sources, spec);
}
