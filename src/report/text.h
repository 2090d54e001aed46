/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Pieces of text for people: names of tasks, times, counts. */
#ifndef NR_REPORT_TEXT_H
#define NR_REPORT_TEXT_H

#include <stdint.h>
#include "hist.h"
#include "pairs.h"
#include "report.h"

struct text {
	char s[64];
};

/* Bytes that are not printable ASCII become '?': any process can choose its name. */
struct text safe_text(const char *name);
/* "worker:4711"; the name alone if the id is 0. */
struct text name_text(const char *name, int64_t id);
/* The same of a thread; "idle" for tid 0. */
struct text task_text(const char *comm, int32_t tid);
/* "CPU 7", with several nodes "CPU 7 of node 1" */
struct text cpu_text(const struct report_env *env, unsigned cpu);
/* Local time with microseconds: "02:14:07.123456". */
struct text time_text(const struct report_env *env, uint64_t ts);
/* After a table of the first rows: "and 7 more", if there are more. */
void print_more(FILE *out, unsigned n, unsigned shown);
/* "12,345,678" */
struct text count_text(uint64_t n);
/* The same with a noun: "1 wait", "12,345 waits". */
struct text counted_text(uint64_t n, const char *noun);

/* A stream that writes to *text, which is complete after fclose; free it. */
FILE *text_open(char **text);
/* Prints text from this column on, in lines of at most 100 columns, and ends the line. Further lines
 * are indented. */
void print_wrapped(FILE *out, const char *text, unsigned column, unsigned indent);

/* A paragraph of such lines. */
void print_line(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "12,345 waits: half of them up to 4.10 us, 99 % up to 212 us; 17 left out because of losses".
 * noun: one of them. */
void print_pairs(FILE *out, const struct pairs *p, const struct hist *h, const char *noun);
/* What print writes: as such lines; as a string. */
void print_paragraph(FILE *out, void (*print)(const void *what, FILE *out), const void *what);
json_t *text_json(void (*print)(const void *what, FILE *out), const void *what);
/* Adds "left_out" and "late_losses". */
void json_pairs(json_t *o, const struct pairs *p);

#endif
