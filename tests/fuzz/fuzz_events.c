// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Fuzzes the code that reads a BPF object's BTF: its table of events, their types, its constants.
 *
 * Input: 32 bits with the length of the types, the types, the strings. The fuzzer makes the header
 * itself, because libbpf 1.1 trusts it. (The collector uses a child process to test what libbpf
 * does with an object.)
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>
#include "kernel/events.h"

static void say_nothing(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	if (!text[0])
		abort();
}

static struct btf *make_btf(const uint8_t *data, size_t size)
{
	struct btf_header h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h) };
	struct btf *btf;
	uint8_t *raw;

	if (size < sizeof(h.type_len))
		return NULL;
	memcpy(&h.type_len, data, sizeof(h.type_len));
	size -= sizeof(h.type_len);
	if (h.type_len > size || h.type_len % 4)
		return NULL;
	h.str_off = h.type_len;
	h.str_len = size - h.type_len;
	raw = malloc(sizeof(h) + size);
	memcpy(raw, &h, sizeof(h));
	memcpy(raw + sizeof(h), data + sizeof(h.type_len), size);
	btf = btf__new(raw, sizeof(h) + size);
	free(raw);
	return btf;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct nr_logger log = { say_nothing, NULL };
	struct btf *btf = make_btf(data, size);
	struct nr_types *types = NULL;

	if (!btf || nr_types_new(&types, say_nothing, NULL))
		goto out;
	nr_events_register("object", btf, 256, types, &log);
	nr_events_register("again", btf, 512, types, &log);
	nr_constant_find(btf, "nr_id_base");
out:
	nr_types_free(types);
	btf__free(btf);
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	libbpf_set_print(NULL);
	return 0;
}
