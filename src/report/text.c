// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include "duration.h"
#include "memory.h"

#define NSEC  1000000000ll
#define WIDTH 100

struct text safe_text(const char *name)
{
	struct text t = {};

	for (unsigned i = 0; i < sizeof(t.s) - 1 && name[i]; i++)
		t.s[i] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '?';
	return t;
}

struct text name_text(const char *name, int64_t id)
{
	struct text t = safe_text(name);
	size_t len = strlen(t.s);

	if (id)
		snprintf(t.s + len, sizeof(t.s) - len, ":%" PRId64, id);
	return t;
}

struct text task_text(const char *comm, int32_t tid)
{
	return tid ? name_text(*comm ? comm : "?", tid) : (struct text){ "idle" };
}

static bool has_nodes(const struct report_env *env)
{
	for (unsigned i = 1; i < env->n_cpus; i++)
		if (report_node(env, i) != report_node(env, 0))
			return true;
	return false;
}

struct text cpu_text(const struct report_env *env, unsigned cpu)
{
	int node = report_node(env, cpu);
	struct text t;

	if (node < 0 || !has_nodes(env))
		snprintf(t.s, sizeof(t.s), "CPU %u", cpu);
	else
		snprintf(t.s, sizeof(t.s), "CPU %u of node %d", cpu, node);
	return t;
}

struct text time_text(const struct report_env *env, uint64_t ts)
{
	int64_t utc = (int64_t)ts + env->clock_offset;
	time_t second = utc / NSEC;
	struct text t = {};
	struct tm tm;

	localtime_r(&second, &tm);
	snprintf(t.s, sizeof(t.s), "%02d:%02d:%02d.%06d", tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (int)(utc % NSEC / 1000));
	return t;
}

struct text count_text(uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	struct text t = {};
	char *p = t.s;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*p++ = ',';
		*p++ = digits[i];
	}
	return t;
}

struct text counted_text(uint64_t n, const char *noun)
{
	struct text t;

	snprintf(t.s, sizeof(t.s), "%.26s %.24s%s", count_text(n).s, noun, n == 1 ? "" : "s");
	return t;
}

void print_more(FILE *out, unsigned n, unsigned shown)
{
	if (n > shown)
		fprintf(out, "and %u more\n", n - shown);
}

FILE *text_open(char **text)
{
	static size_t size;

	*text = NULL;
	return memory_check(open_memstream(text, &size));
}

/* Up to the next place where a line may end: not between a number and its unit. */
static size_t piece(const char *text)
{
	size_t len = strcspn(text, " ");

	while (len && text[len] && text[len - 1] >= '0' && text[len - 1] <= '9')
		len += 1 + strcspn(text + len + 1, " ");
	return len;
}

void print_wrapped(FILE *out, const char *text, unsigned column, unsigned indent)
{
	for (bool first = true; *text; first = false) {
		size_t len = piece(text);

		if (!first && column + 1 + len > WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (!first) {
			fputc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", (int)len, text);
		column += len;
		text += len;
		text += *text == ' ';
	}
	fputc('\n', out);
}

void print_line(FILE *out, const char *fmt, ...)
{
	char *text;
	FILE *line = text_open(&text);
	va_list args;

	va_start(args, fmt);
	vfprintf(line, fmt, args);
	va_end(args);
	fclose(line);
	print_wrapped(out, memory_check(text), 0, 0);
	free(text);
}

static void write_pairs(FILE *out, const struct pairs *p, const struct hist *h, const char *noun)
{
	fputs(counted_text(h->n, noun).s, out);
	if (h->n)
		fprintf(out, ": half of them up to %s, 99 %% up to %s",
			duration(hist_quantile(h, 500)).s, duration(hist_quantile(h, 990)).s);
	if (p->left_out)
		fprintf(out, "; %s left out because of losses", count_text(p->left_out).s);
	if (p->split)
		fprintf(out,
			"; %s left out because the task ran meanwhile and this was not recorded",
			count_text(p->split).s);
	if (p->late)
		fprintf(out, "; %s loss%s showed too late to say which are affected",
			count_text(p->late).s, p->late == 1 ? "" : "es");
}

void print_pairs(FILE *out, const struct pairs *p, const struct hist *h, const char *noun)
{
	char *text;
	FILE *line = text_open(&text);

	write_pairs(line, p, h, noun);
	fclose(line);
	print_wrapped(out, memory_check(text), 0, 0);
	free(text);
}

static char *text_of(void (*print)(const void *what, FILE *out), const void *what)
{
	char *text;
	FILE *f = text_open(&text);

	print(what, f);
	fclose(f);
	return memory_check(text);
}

void print_paragraph(FILE *out, void (*print)(const void *what, FILE *out), const void *what)
{
	char *text = text_of(print, what);

	print_wrapped(out, text, 0, 0);
	free(text);
}

json_t *text_json(void (*print)(const void *what, FILE *out), const void *what)
{
	char *text = text_of(print, what);
	json_t *string = json_string(text);

	free(text);
	return string;
}

void json_pairs(json_t *o, const struct pairs *p)
{
	json_object_set_new(o, "left_out", json_integer(p->left_out));
	json_object_set_new(o, "split", json_integer(p->split));
	json_object_set_new(o, "late_losses", json_integer(p->late));
}
