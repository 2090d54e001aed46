/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Options of a command, and values of a configuration: a row of a table for each says where in a
 * struct it goes, and what it may be. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
	OPTION_FLAG,	/* bool */
	OPTION_TEXT,	/* const char *, as it is given */
	OPTION_WORD,	/* char[OPTION_WORD_SIZE], if is_valid says so */
	OPTION_COUNT,	/* uint64_t in `number`; "10k" is 10000 */
	OPTION_BYTES,	/* the same; "64K" is 65536 */
	OPTION_SECONDS, /* double up to 3600, rounded as %g prints it; "0.5s" */
	OPTION_CHOICE,	/* unsigned: which of three */
	OPTION_PARSED,	/* by parse, which knows the struct */
};

#define OPTION_WORD_SIZE 24

struct opt {
	const char *name;
	int key;	 /* a letter; 0: --NAME only */
	const char *arg; /* what the help calls the value */
	const char *help;
	enum option_kind kind;
	size_t offset;
	bool (*is_valid)(const char *s);
	int (*parse)(void *base, const char *s); /* -EINVAL */
	struct {
		uint64_t least, most, multiple; /* multiple 0: any; of seconds: least in ms */
		bool or_zero;
	} number;
	const char *choices[3];
	int group; /* of the help */
};

#define OPTIONS(table) .options = table, .n_options = sizeof(table) / sizeof((table)[0])

struct command_line {
	const char *doc, *args_doc;
	const struct opt *options;
	unsigned n_options;
	void *base; /* the struct */
	const char **words;
	unsigned least_words, most_words; /* arguments without a dash */
};

/* Ends the process with status 2 if something is wrong, or with 0 after --help. */
void options_parse(const struct command_line *line, int argc, char **argv);

int option_set(const struct opt *o, void *base, const char *s); /* -EINVAL */
/* The value as option_set takes it, into buf; returns buf. Not of flags and PARSED. */
char *option_get(const struct opt *o, const void *base, char *buf, size_t size);
/* One sentence to stderr: why the value will not do. */
void option_refuse(const struct opt *o, const char *s);

/* "10k" is 10000; -EINVAL. */
int parse_count(const char *s, uint64_t *out);

#endif
