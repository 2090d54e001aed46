/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The outputs of a recording, from the options -o, --format and --required: traces and JSON lines.
 * The first is required. The others are optional unless --required is given: they hold up nobody,
 * and miss events when they fall behind.
 */
#ifndef NR_CLI_OUTPUTS_H
#define NR_CLI_OUTPUTS_H

#include <numaring/numaring.h>
#include "destination.h"
#include "jsonl.h"

#define OUTPUTS_MAX 8

struct output {
	const char *path;
	bool json_lines; /* not a trace */
	struct destination destination;
	struct jsonl jsonl;
	bool stuck; /* a thread is still in it, so it stays open */
	int error;  /* the negative errno that ended it */
};

struct outputs {
	struct output list[OUTPUTS_MAX];
	unsigned n;
	bool json_lines;     /* the format of the next -o ... */
	bool format_pending; /* ... after a --format that no -o has followed */
	bool format_given;
	bool required; /* all of them */
	bool none;     /* without -o there is none: not even the default one */
	bool force;
	const gid_t *group;	     /* may read them; NULL: only the owner */
	struct nr_output_opts trace; /* how traces are written */
	char default_path[64];	     /* the only output, if -o was not given; "": it was */
};

/* Take the options in their order. They end the program with a message if an option is invalid. */
void outputs_add(struct outputs *all, const char *path);
void outputs_format(struct outputs *all, const char *format);
/* After the last option. -EINVAL after a message. */
int outputs_check(struct outputs *all);

/* Refuses another output, of `option`, that is within a trace or the same file as one of these:
 * -EINVAL after a message. */
int outputs_refuse(const struct outputs *all, const char *option, const struct destination *other);

/* Opens the outputs and adds them to the collector. Waits for the reader of a FIFO until end_fd is
 * readable or wait_ms have passed. Returns 0, or a negative errno after a message. */
int outputs_open(struct outputs *all, struct nr_collector *c, int end_fd, unsigned wait_ms);
int outputs_commit(struct outputs *all);  /* the recording has started: files get their names */
void outputs_remove(struct outputs *all); /* it has not */
void outputs_ending(const struct outputs *all); /* the recording is about to end */
/* After the end. err: of the recording. Outputs that are stuck, as the statistics tell, stay open.
 * Returns err, or the error of an output; a reader that closed its pipe is no error. */
int outputs_close(struct outputs *all, const struct nr_stats *stats, int err);
/* When there was no recording. */
void outputs_destroy(struct outputs *all);

/* A recording whose end nobody has planned must not fill the disk: if it writes to the default path,
 * and the user set no limit, keeps the newest part only. */
void outputs_limit(struct outputs *all);
/* Tells where such a recording writes, how much that may be, and how to end it. */
void outputs_tell(const struct outputs *all);
bool outputs_have_traces(const struct outputs *all);

bool outputs_are_stuck(const struct outputs *all);
bool outputs_use_stdout(const struct outputs *all);
bool outputs_have_lines(const struct outputs *all);
/* Can poll wait for each of them, so that a write never blocks? */
bool outputs_can_wait(const struct outputs *all);
/* The descriptor of the only output, which tells when its reader has closed it; -1: none. */
int outputs_poll_fd(const struct outputs *all);
/* Events that reached the first output. */
uint64_t outputs_delivered(const struct outputs *all, const struct nr_stats *stats);
/* Events that optional outputs missed. */
uint64_t outputs_missed(const struct nr_stats *stats);

#endif
