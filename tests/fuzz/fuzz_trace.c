// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Fuzzes the code that reads traces (BTF, packets, records) and formats their events.
 *
 * Input: a mode byte, then either a metadata text (mode 2), or 32 bits with the length of .btf,
 * .btf, stream. Wrong checksums would hide all code behind them, so mode 1 corrects them. Mode 4
 * compresses the packets of the stream, mode 8 takes the stream as it is for a compressed one. Mode 16
 * makes a series: the byte before the stream says how many percent of it are in the first chunk. With
 * mode 32, damage is skipped, and times are looked for.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libdeflate.h>
#include <sys/stat.h>
#include <bpf/libbpf.h>
#include <numaring/trace.h>
#include "base/bits.h"
#include "base/trace_files.h"
#include "packet/end.h"
#include "packet/frame.h"
#include "packet/metadata.h"

#define MODE_SEAL     1
#define MODE_METADATA 2
#define MODE_COMPRESS 4
#define MODE_ZSTD     8
#define MODE_SERIES   16
#define MODE_SKIP     32
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

static void save_in(const char *chunk, const char *name, const void *data, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "%s%s", chunk, name);
	save(path, data, size);
}

/* The size of the packet at p, if it is possible; else 0. */
static size_t packet_at(const uint8_t *p, size_t size, struct nr_packet_head *h)
{
	if (size < sizeof(*h))
		return 0;
	memcpy(h, p, sizeof(*h));
	return h->packet_bits / 8 < sizeof(*h) || h->packet_bits / 8 > size ? 0
									    : h->packet_bits / 8;
}

static void seal_packets(uint8_t *p, size_t size)
{
	struct nr_packet_head h;

	for (size_t n; (n = packet_at(p, size, &h)); p += n, size -= n) {
		h.magic = NR_CTF_MAGIC;
		memset(h.uuid, 0, sizeof(h.uuid));
		h.crc = 0;
		memcpy(p, &h, sizeof(h));
		h.crc = libdeflate_crc32(0, p, n);
		memcpy(p, &h, sizeof(h));
	}
}

/* A compressed stream of the packets at p; what is left at the end is appended as it is. */
static uint8_t *compress(const uint8_t *p, size_t size, size_t *out_size)
{
	static struct nr_frames *frames;
	uint8_t *out = NULL, *frame = NULL;
	struct nr_packet_head h;
	size_t cap = 0, used, at = 0;

	if (!frames && nr_frames_new(&frames, 1))
		abort();
	for (size_t n; (n = packet_at(p, size, &h)); p += n, size -= n) {
		if (nr_frame_make(frames, p, n, &frame, &cap, &used))
			abort();
		out = realloc(out, at + used);
		memcpy(out + at, frame, used);
		at += used;
	}
	out = realloc(out, at + size + 1);
	memcpy(out + at, p, size);
	free(frame);
	*out_size = at + size;
	return out;
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

static void note_damage(void *ctx, const struct nr_damage *damage)
{
	(void)ctx;
	looked_at += strlen(damage->file) + strlen(damage->what) + damage->packets;
}

static void read_events(struct nr_trace *trace)
{
	uint64_t last = 0;
	struct nr_event ev;

	for (int i = 0; i < MAX_EVENTS && nr_trace_next(trace, &ev) > 0; i++) {
		if (ev.ts < last && !(ev.flags & NR_EVENT_LATE) && ev.rec->ts < last)
			looked_at++; /* times in a packet may go back, those of packets may not */
		last = ev.ts;
		show(nr_trace_types(trace), &ev);
	}
	add_up(trace);
}

/* An event at this time or later, whatever the damage. */
static void look_for(struct nr_trace *trace, uint64_t ns)
{
	struct nr_event ev;

	if (!nr_trace_seek(trace, ns) && nr_trace_next(trace, &ev) > 0 && ev.ts < ns)
		abort();
}

static void read_trace(bool skip)
{
	struct nr_trace_opts opts = { .sz = sizeof(opts), .log = say_nothing };
	struct nr_trace *trace = NULL;
	uint64_t begin, end;

	opts.skip_damaged = skip;
	opts.damage = skip ? note_damage : NULL;
	if (nr_trace_open(&trace, dir, &opts))
		return;
	read_events(trace);
	if (skip && !nr_trace_span(trace, &begin, &end)) {
		look_for(trace, begin);
		look_for(trace, begin + (end - begin) / 2);
		look_for(trace, end);
		read_events(trace);
	}
	nr_trace_close(trace);
}

/* Metadata that the reader accepts for these types; types that libbpf refuses do not matter. */
static void write_metadata(const char *chunk, const uint8_t *btf, uint32_t size)
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
	save_in(chunk, NR_FILE_METADATA, text, len);
	free(text);
	nr_types_free(types);
}

static void fuzz_metadata(const uint8_t *data, size_t size)
{
	struct nr_logger log = { say_nothing, NULL };
	struct nr_metadata md = {};
	char *text = malloc(size + 32);

	memcpy(text, data, size);
	snprintf(text + size, 32, "/* crc32 0x%08x */\n",
		 (uint32_t)libdeflate_crc32(0, data, size));
	nr_metadata_read(&md, text, size + strlen(text + size), &log);
	nr_metadata_destroy(&md);
	free(text);
}

static const char *const chunks[] = { "", "000000/", "000001/" };

static void remove_files(void)
{
	static const char *const files[] = { NR_FILE_METADATA, NR_FILE_BTF, NR_FILE_STREAM,
					     NR_FILE_ZSTD };
	char path[128];

	for (size_t c = 0; c < NR_ARRAY_SIZE(chunks); c++)
		for (size_t i = 0; i < NR_ARRAY_SIZE(files); i++) {
			snprintf(path, sizeof(path), "%s/%s%s", dir, chunks[c], files[i]);
			unlink(path);
		}
}

static void forget(void)
{
	remove_files();
	for (size_t c = NR_ARRAY_SIZE(chunks); c-- > 0;) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", dir, chunks[c]);
		rmdir(path);
	}
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
	for (size_t c = 1; c < NR_ARRAY_SIZE(chunks); c++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", dir, chunks[c]);
		if (mkdir(path, 0700))
			abort();
	}
	atexit(forget);
	libbpf_set_print(hush);
}

static void make_chunk(uint8_t mode, const char *chunk, const uint8_t *btf, uint32_t btf_size,
		       const uint8_t *stream, size_t size)
{
	uint8_t *copy = malloc(size + 1), *frames;

	write_metadata(chunk, btf, btf_size);
	save_in(chunk, NR_FILE_BTF, btf, btf_size);
	memcpy(copy, stream, size);
	if (mode & MODE_SEAL)
		seal_packets(copy, size);
	if (mode & MODE_COMPRESS) {
		frames = compress(copy, size, &size);
		free(copy);
		copy = frames;
	}
	save_in(chunk, mode & (MODE_COMPRESS | MODE_ZSTD) ? NR_FILE_ZSTD : NR_FILE_STREAM, copy,
		size);
	free(copy);
}

static void make_trace(uint8_t mode, const uint8_t *btf, uint32_t btf_size, const uint8_t *stream,
		       size_t size)
{
	size_t first;

	if (!(mode & MODE_SERIES) || !size) {
		make_chunk(mode, "", btf, btf_size, stream, size);
		return;
	}
	first = (size - 1) * (*stream % 101) / 100 / 8 * 8;
	stream++;
	make_chunk(mode, chunks[1], btf, btf_size, stream, first);
	make_chunk(mode, chunks[2], btf, btf_size, stream + first, size - 1 - first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t btf_size;
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
	remove_files();
	make_trace(mode, data, btf_size, data + btf_size, size - btf_size);
	read_trace(mode & MODE_SKIP);
	return 0;
}
