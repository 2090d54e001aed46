// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the checks of numaring doctor share. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "doctor.h"

void doctor_say(struct doctor *d, const char *name, enum verdict verdict, const char *remedy,
		const char *format, ...)
{
	struct check *c = &d->checks[d->n++];
	va_list args;

	*c = (struct check){ .name = name, .verdict = verdict, .remedy = remedy ?: "" };
	va_start(args, format);
	vsnprintf(c->text, sizeof(c->text), format, args);
	va_end(args);
}

bool doctor_read(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");
	bool done = f && fgets(line, size, f);

	if (f)
		fclose(f);
	line[done ? strcspn(line, "\n") : 0] = 0;
	return done;
}

const char *doctor_sysctl(const char *name)
{
	static char value[32];
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	return doctor_read(path, value, sizeof(value)) ? value : "unknown";
}

bool doctor_is_initial(const char *namespace, unsigned inode)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", namespace);
	return stat(path, &st) || st.st_ino == inode;
}

bool doctor_read_field(const char *path, const char *name, uint64_t *value)
{
	FILE *f = fopen(path, "re");
	size_t len = strlen(name);
	bool found = false;
	char line[256];

	while (f && !found && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, len) && strchr(": \t", line[len])) {
			*value = strtoull(line + len + 1, NULL, 10);
			found = true;
		}
	if (f)
		fclose(f);
	return found;
}

void doctor_format(char *buf, size_t size, uint64_t bytes)
{
	if (bytes >> 30)
		snprintf(buf, size, "%.1f GiB", bytes / (double)(1 << 30));
	else
		snprintf(buf, size, "%.1f MiB", bytes / (double)(1 << 20));
}
