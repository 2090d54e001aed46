/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Messages to people. They quote names of files and types, which others may have chosen. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli.h"
#include "timed_write.h"

/* A control character, or one that changes the direction of text. Newline and tab are allowed. */
static bool is_control(unsigned c)
{
	return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c <= 0x9f) || c == 0x61c ||
	       c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* A character of 1 to 4 bytes is at least first[bytes - 1], or it has a shorter form. Surrogates
 * are not characters. */
static bool is_character(unsigned c, unsigned bytes)
{
	static const unsigned first[] = { 0, 0x80, 0x800, 0x10000 };

	return c >= first[bytes - 1] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

/* The length of the UTF-8 character at p in bytes; 0: invalid. */
static unsigned decode(const unsigned char *p, unsigned *c)
{
	unsigned more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;

	if ((*p >= 0x80 && *p < 0xc0) || *p >= 0xf8)
		return 0;
	*c = more ? *p & (0x3f >> more) : *p;
	for (unsigned i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	return is_character(*c, more + 1) ? more + 1 : 0;
}

char *cli_escape(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	char *out = malloc(4 * strlen(text) + 1), *to = out;
	unsigned n, c = 0;

	for (; out && *p; p += n) {
		n = decode(p, &c);
		if (n && !is_control(c)) {
			to = mempcpy(to, p, n);
			continue;
		}
		n = n ?: 1;
		for (unsigned i = 0; i < n; i++)
			to += sprintf(to, "\\x%02x", p[i]);
	}
	if (out)
		*to = 0;
	return out;
}

void cli_error(const char *fmt, ...)
{
	char *text = NULL, *safe;
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	safe = text ? cli_escape(text) : NULL;
	cli_eprintf("numaring: %s\n", safe ?: strerror(ENOMEM));
	free(safe);
	free(text);
	errno = err;
}

void cli_eprintf(const char *fmt, ...)
{
	int err = errno;
	FILE *out = timed_stream(STDERR_FILENO);
	va_list ap;

	va_start(ap, fmt);
	if (out) {
		vfprintf(out, fmt, ap);
		fclose(out);
	}
	va_end(ap);
	errno = err;
}

void cli_log(void *ctx, enum nr_log_level level, const char *text)
{
	int verbosity = ctx ? *(int *)ctx : 0;

	if ((int)level <= (int)NR_LOG_WARN + verbosity)
		cli_error("%s%s", level == NR_LOG_WARN ? "warning: " : "", text);
}
