// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "text.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "duration.h"
#include "memory.h"

#define NSEC 1000000000ll

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

void print_pairs(FILE *out, const struct pairs *p, const struct hist *h, const char *noun)
{
	fputs(counted_text(h->n, noun).s, out);
	if (h->n)
		fprintf(out, ": half of them up to %s, 99 %% up to %s",
			duration(hist_quantile(h, 500)).s, duration(hist_quantile(h, 990)).s);
	if (p->left_out)
		fprintf(out, "; %s left out because of losses", count_text(p->left_out).s);
	if (p->late)
		fprintf(out, "; %s loss%s showed too late to say which are affected",
			count_text(p->late).s, p->late == 1 ? "" : "es");
}

json_t *text_json(void (*print)(const void *what, FILE *out), const void *what)
{
	char *text = NULL;
	size_t size;
	FILE *f = memory_check(open_memstream(&text, &size));
	json_t *string;

	print(what, f);
	fclose(f);
	string = json_string(memory_check(text));
	free(text);
	return string;
}

void json_pairs(json_t *o, const struct pairs *p)
{
	json_object_set_new(o, "left_out", json_integer(p->left_out));
	json_object_set_new(o, "late_losses", json_integer(p->late));
}
