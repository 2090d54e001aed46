// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writes traces that no recording would write, for odd.sh: `odd KIND DIR`. The kinds are:
 *
 *  - raw: one record of a known type, one of an unknown type
 *  - twins: two records of one type, which has two ids
 *  - unordered: the second record has an earlier time than the first
 *  - huge: a packet that claims 12 GiB, in a sparse file of that size
 *  - large: the same with 800 MiB, which a packet may have
 *  - misplaced: five losses in the packet before the one in which they happened
 *  - late-loss: the same, but allowed, because that packet ends with a late record
 *  - gap: two packets with seven events are missing before the third record
 *  - past: records of 1969
 *  - far: records of 2262, from a host whose uptime in ns exceeds what a double can count
 */
#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <libdeflate.h>
#include "base/bits.h"
#include "base/trace_files.h"
#include "packet/end.h"
#include "packet/metadata.h"
#include "trace_writer.h"

#define HEAD	    sizeof(struct nr_packet_head)
#define HUGE_BYTES  (12ull << 30)
#define LARGE_BYTES (800ull << 20)

static void need(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static struct nr_types *make_types(void)
{
	struct btf *btf = btf__new_empty();
	struct nr_types *types = NULL;
	int u32 = btf__add_int(btf, "unsigned int", 4, 0);
	int known = btf__add_struct(btf, "known", 4);

	need(!btf__add_field(btf, "x", u32, 0, 0), "field");
	need(!nr_types_new(&types, NULL, NULL), "types");
	need(!nr_types_add(types, 1, "known", btf, known), "type");
	need(!nr_types_add(types, 2, "other", btf, known), "type");
	need(!nr_types_add(types, 3, "known", btf, known), "type");
	btf__free(btf);
	return types;
}

static uint16_t second_id(const char *what)
{
	if (!strcmp(what, "raw"))
		return 999;
	return !strcmp(what, "twins") ? 3 : 1;
}

/* The CPU's next record says that the CPU has lost five. */
static void write_loss(struct writer *writer)
{
	const struct nr_record rec = { .ts = 5000, .id = 1, .lost = 5 };
	const uint32_t x = 0;
	const struct nr_event ev = { .rec = &rec, .data = &x, .size = 4, .ts = rec.ts };

	need(!writer_append(writer, &ev, 1), "append");
	need(!writer_commit(writer, 6000, 5), "commit");
}

static void write_gap(struct writer *writer)
{
	const struct nr_record rec = { .ts = 5000, .id = 1 };
	const uint32_t x = 0;
	const struct nr_event ev = { .rec = &rec, .data = &x, .size = 4, .ts = rec.ts };

	need(!writer_miss(writer, 2, 7), "miss");
	need(!writer_append(writer, &ev, 1), "append");
	need(!writer_commit(writer, 6000, 0), "commit");
}

static void write_trace(const char *dir, const char *what)
{
	bool gap = !strcmp(what, "gap");
	bool late = !strcmp(what, "late-loss"), far = !strcmp(what, "far");
	bool losses = late || !strcmp(what, "misplaced");
	uint64_t written = gap ? 10 : losses ? 3 : 2, lost = 5 * losses;
	const struct writer_opts opts = {
		.start = 1000,
		.clock_offset = far			? INT64_MAX
				: !strcmp(what, "past") ? -2000
							: 0,
	};
	const struct nr_record recs[] = {
		{ .ts = far ? 1ull << 53 : 1500, .id = 1 },
		{ .ts = far ? (1ull << 53) + 1 : 2000, .id = second_id(what) },
	};
	const struct nr_account account = { .end = recs[1].ts + (gap ? 6000 : 2000),
					    .reserved = written,
					    .written = written,
					    .late = late,
					    .lost_total = lost,
					    .n_lost = 1,
					    .lost = &lost };
	const uint32_t x = 0x04030201;
	struct nr_types *types = make_types();
	struct writer *writer = NULL;

	need(!writer_open(&writer, dir, types, &opts), "open");
	for (unsigned i = 0; i < 2; i++) {
		const struct nr_event ev = {
			.rec = &recs[i],
			.data = &x,
			.size = 4,
			.flags = late && i ? NR_EVENT_LATE : 0,
			.ts = late && i ? 2500 : recs[i].ts,
		};

		need(!writer_append(writer, &ev, 1), "append");
	}
	need(!writer_commit(writer, recs[1].ts + 1000, lost), "commit");
	if (losses)
		write_loss(writer);
	if (gap)
		write_gap(writer);
	need(!writer_finish(writer, &account), "end mark");
	need(!writer_close(writer), "close");
	nr_types_free(types);
}

/* The second packet of the stream; the first one is only a head. */
static size_t load(int fd, unsigned char *packet, size_t size)
{
	const struct nr_packet_head *head = (void *)packet;

	need(pread(fd, packet, size, HEAD) > (ssize_t)HEAD, "read");
	need(head->packet_bits / 8 < size, "a small packet");
	return head->packet_bits / 8;
}

static void swap_times(int fd)
{
	unsigned char packet[4096];
	size_t size = load(fd, packet, sizeof(packet));
	struct nr_packet_head *head = (void *)packet;
	const __u64 late = 2000, early = 1500;

	memcpy(packet + HEAD, &late, sizeof(late));
	memcpy(packet + HEAD + 24, &early, sizeof(early));
	head->crc = 0;
	head->crc = libdeflate_crc32(0, packet, size);
	need(pwrite(fd, packet, size, HEAD) == (ssize_t)size, "write");
}

static void claim(int fd, unsigned long long bytes)
{
	unsigned char packet[4096];
	struct nr_packet_head *head = (void *)packet;

	load(fd, packet, sizeof(packet));
	head->packet_bits = head->content_bits = bytes * 8;
	need(pwrite(fd, packet, HEAD, HEAD) == HEAD, "write");
	need(!ftruncate(fd, HEAD + bytes), "a large file");
}

int main(int argc, char **argv)
{
	char path[4096];
	int fd;

	need(argc == 3, "usage");
	write_trace(argv[2], argv[1]);
	snprintf(path, sizeof(path), "%s/stream", argv[2]);
	fd = open(path, O_RDWR | O_CLOEXEC);
	need(fd >= 0, path);
	if (!strcmp(argv[1], "unordered"))
		swap_times(fd);
	else if (!strcmp(argv[1], "huge"))
		claim(fd, HUGE_BYTES);
	else if (!strcmp(argv[1], "large"))
		claim(fd, LARGE_BYTES);
	close(fd);
	return 0;
}
