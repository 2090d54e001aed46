// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Fuzzes the code that reads traces (BTF, packets, records) and formats their events.
 *
 * Input: a mode byte, then either a metadata text (mode 2), or 32 bits with the length of .btf,
 * .btf, stream. Wrong checksums would hide all code behind them, so mode 1 corrects them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libdeflate.h>
#include <bpf/libbpf.h>
#include <numaring/trace.h>
#include "base/bits.h"
#include "base/trace_files.h"
#include "packet/end.h"
#include "packet/metadata.h"

#define MODE_SEAL     1
#define MODE_METADATA 2
#define MAX_EVENTS    200

static char dir[64];

static void say_nothing(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	if (!text[0])
		abort();
}

static void save(const char *name, const void *data, size_t size)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

static void seal_packets(uint8_t *p, size_t size)
{
	struct nr_packet_head h;

	for (uint64_t seq = 0; size >= sizeof(h); seq++) {
		memcpy(&h, p, sizeof(h));
		if (h.packet_bits / 8 < sizeof(h) || h.packet_bits / 8 > size)
			return;
		h.magic = NR_CTF_MAGIC;
		memset(h.uuid, 0, sizeof(h.uuid));
		h.crc = 0;
		memcpy(p, &h, sizeof(h));
		h.crc = libdeflate_crc32(0, p, h.packet_bits / 8);
		memcpy(p, &h, sizeof(h));
		p += h.packet_bits / 8;
		size -= h.packet_bits / 8;
	}
}

/* Reads every byte of the output, so that ASan checks its source. */
static void show(const struct nr_types *types, const struct nr_event *ev)
{
	char *buf = malloc(256);

	for (int format = NR_FORMAT_TEXT; format <= NR_FORMAT_CSV; format++) {
		int len = nr_types_format(types, ev, format, buf, 256);

		if (len >= 0 && strlen(buf) != (size_t)(len < 255 ? len : 255))
			abort();
	}
	nr_types_csv_header(types, ev->rec->id, buf, 256);
	if (ev->size && ((const uint8_t *)ev->data)[ev->size - 1] == 1)
		buf[0] = 0;
	free(buf);
}

static volatile uint64_t looked_at;

/* Reads every number of the account. */
static void add_up(const struct nr_trace *trace)
{
	struct nr_account a = { .sz = sizeof(a) };

	if (nr_trace_end(trace, &a))
		return;
	for (unsigned i = 0; i < a.n_lost; i++)
		looked_at += a.lost[i];
	for (unsigned i = 0; i < a.n_misfits; i++)
		looked_at += a.misfits[i].id + a.misfits[i].longer + a.misfits[i].shorter;
	if (!strerror(-a.error))
		abort();
}

static void read_trace(void)
{
	struct nr_trace_opts opts = { .sz = sizeof(opts), .log = say_nothing };
	struct nr_trace *trace = NULL;
	struct nr_event ev;

	if (nr_trace_open(&trace, dir, &opts))
		return;
	for (int i = 0; i < MAX_EVENTS && nr_trace_next(trace, &ev) > 0; i++)
		show(nr_trace_types(trace), &ev);
	add_up(trace);
	nr_trace_close(trace);
}

/* Metadata that the reader accepts for these types; types that libbpf refuses do not matter. */
static void write_metadata(const uint8_t *btf, uint32_t size)
{
	struct nr_metadata md = { .btf_crc = libdeflate_crc32(0, btf, size) };
	struct nr_types *types = NULL, *given = NULL;
	char *text = NULL;
	size_t len;

	if (!nr_types_from_raw(&given, btf, size, say_nothing, NULL)) {
		if (nr_metadata_write(&text, &len, given, &md)) /* must accept any layout */
			abort();
		free(text);
		nr_types_free(given);
	}
	if (nr_types_new(&types, NULL, NULL) || nr_metadata_write(&text, &len, types, &md))
		abort();
	save(NR_FILE_METADATA, text, len);
	free(text);
	nr_types_free(types);
}

static void fuzz_metadata(const uint8_t *data, size_t size)
{
	struct nr_logger log = { say_nothing, NULL };
	struct nr_metadata md;
	char *text = malloc(size + 32);

	memcpy(text, data, size);
	snprintf(text + size, 32, "/* crc32 0x%08x */\n",
		 (uint32_t)libdeflate_crc32(0, data, size));
	nr_metadata_read(&md, text, size + strlen(text + size), &log);
	free(text);
}

static void forget(void)
{
	static const char *const files[] = { NR_FILE_METADATA, NR_FILE_BTF, NR_FILE_STREAM };
	char path[128];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
}

/* Silences libbpf's messages about hostile BTF. */
static int hush(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

static void begin(void)
{
	/* In memory if possible, because every input rewrites the files. */
	snprintf(dir, sizeof(dir), "%s/nr-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) ? "." : "/dev/shm");
	if (!mkdtemp(dir))
		abort();
	atexit(forget);
	libbpf_set_print(hush);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t btf_size;
	uint8_t *stream;
	uint8_t mode;

	if (!*dir)
		begin();
	if (size < 5)
		return 0;
	mode = *data++;
	size--;
	if (mode & MODE_METADATA) {
		fuzz_metadata(data, size);
		return 0;
	}
	memcpy(&btf_size, data, sizeof(btf_size));
	data += sizeof(btf_size);
	size -= sizeof(btf_size);
	if (btf_size > size)
		return 0;
	write_metadata(data, btf_size);
	save(NR_FILE_BTF, data, btf_size);
	stream = malloc(size - btf_size + 1);
	memcpy(stream, data + btf_size, size - btf_size);
	if (mode & MODE_SEAL)
		seal_packets(stream, size - btf_size);
	save(NR_FILE_STREAM, stream, size - btf_size);
	free(stream);
	read_trace();
	return 0;
}
