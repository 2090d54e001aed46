// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Fuzzes the readers of the files that give addresses names. The first byte chooses: the mappings, the
 * stacks of ids, the kernel's symbols as a file has them, or their text, which the fuzzer compresses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "names/kallsyms.h"
#include "names/mappings.h"
#include "names/stack_ids.h"

static void read_mappings(const uint8_t *data, size_t size)
{
	struct nr_mappings *m = nr_mappings_new();
	char *text = malloc(size + 1);
	unsigned line;

	memcpy(text, data, size);
	text[size] = 0;
	nr_mappings_add(m, text, size, &line);
	for (uint64_t i = 0; i < 64; i++) {
		const struct nr_mapping *found = nr_mappings_find(m, i % 4, i / 4 * 100, i * 0x800);

		if (found && (!*found->id || !*found->path))
			abort();
	}
	nr_mappings_free(m);
}

static void read_stacks(const uint8_t *data, size_t size)
{
	struct nr_stack_ids *s = nr_stack_ids_new();
	char *text = malloc(size + 1);
	unsigned line;

	memcpy(text, data, size);
	text[size] = 0;
	nr_stack_ids_add(s, text, size, &line);
	free(text);
	for (uint32_t i = 0; i < 64; i++) {
		const struct nr_stack_id *found =
			nr_stack_ids_find(s, i % 4, i & 4 ? "a_stack_id" : "stack_id", i / 8);

		if (found && (found->id != i / 8 || (found->n && !found->addresses)))
			abort();
	}
	nr_stack_ids_free(s);
}

static void read_kernel(const void *data, size_t size)
{
	struct nr_kallsyms *k = NULL;
	const char *module = NULL;
	uint64_t start = 0;

	if (nr_kallsyms_parse(&k, data, size))
		return;
	for (uint64_t i = 0; i < 64; i++) {
		uint64_t address = i << 58 | i * 16;
		const char *name = nr_kallsyms_find(k, address, &start, &module);

		if (name && (!*name || start > address || (module && strlen(module) > size * 100)))
			abort();
	}
	nr_kallsyms_free(k);
}

static void read_kernel_text(const uint8_t *data, size_t size)
{
	size_t cap = ZSTD_compressBound(size), n;
	void *packed = malloc(cap);

	n = ZSTD_compress(packed, cap, data, size, 1);
	if (!ZSTD_isError(n))
		read_kernel(packed, n);
	free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (*data == 'm')
		read_mappings(data + 1, size - 1);
	else if (*data == 's')
		read_stacks(data + 1, size - 1);
	else if (*data == 'k')
		read_kernel_text(data + 1, size - 1);
	else
		read_kernel(data + 1, size - 1);
	return 0;
}
