// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Times in a trace of 105 GB: a sparse file of packets, each with one record whose payload is a hole.
 * Finding a time reads a few packets of thousands, and its memory does not grow with the trace.
 */
#include "stream_help.h"

#include <errno.h>
#include <libdeflate.h>
#include <sys/resource.h>

#define PACKET	(4ull << 20)
#define PACKETS 25000ull
#define STEP	1000000ull /* ns between packets */

/* A search reads two packets whole, and looks at some heads. */
#define MOST_BYTES (3 * PACKET)
#define MOST_READS 1000
/* A packet, and what the search reads of the file at a time. */
#ifdef __SANITIZE_ADDRESS__ /* keeps freed memory */
#define MOST_MEMORY (1ull << 30)
#else
#define MOST_MEMORY (PACKET + (2ull << 20))
#endif

static struct seed seed;

static int setup(void **state)
{
	seed.state = seed_first("sparse");
	unsetenv("TMPDIR"); /* a file system with holes, and not in memory */
	return make_type(state);
}

/* What this process has read so far: bytes, and calls of read. */
struct io {
	unsigned long long bytes, reads;
};

static struct io io(void)
{
	struct io io = {};
	FILE *f = fopen("/proc/self/io", "re");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "rchar: %llu wchar: %*u syscr: %llu", &io.bytes, &io.reads), 2);
	fclose(f);
	return io;
}

static struct io io_since(struct io before)
{
	const struct io now = io();

	return (struct io){ now.bytes - before.bytes, now.reads - before.reads };
}

static uint64_t peak(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss * 1024ull;
}

/* ---- the trace ---- */

struct record {
	struct nr_record rec;
	uint64_t number;
	uint32_t data_len;
} __attribute__((packed));

/* CRC-32 behind a run of zeros is affine in the CRC before it. */
struct zeros {
	size_t size;
	uint32_t none, bit[32];
};

static struct zeros make_zeros(size_t size)
{
	uint8_t *bytes = calloc(1, size);
	struct zeros z = { .size = size, .none = libdeflate_crc32(0, bytes, size) };

	for (unsigned i = 0; i < 32; i++)
		z.bit[i] = libdeflate_crc32(1u << i, bytes, size) ^ z.none;
	free(bytes);
	return z;
}

static uint32_t crc_zeros(const struct zeros *z, uint32_t crc)
{
	uint32_t after = z->none;

	for (unsigned i = 0; i < 32; i++)
		after ^= crc >> i & 1 ? z->bit[i] : 0;
	return after;
}

static uint64_t time_of(uint64_t packet)
{
	return 2000 + packet * STEP;
}

/* Packet i has event i. */
static void put_packet(int fd, struct nr_packet_head h, uint64_t i, uint64_t offset,
		       const struct zeros *z)
{
	struct record r = {
		.rec = { .ts = time_of(i), .id = 1 },
		.number = i,
		.data_len = z->size,
	};

	h.seq = i + 1;
	h.begin = h.end = r.rec.ts;
	h.watermark = r.rec.ts + 1;
	h.content_bits = h.packet_bits = PACKET * 8;
	h.events = 1;
	h.crc = 0;
	h.crc = libdeflate_crc32(0, &h, HEAD);
	h.crc = crc_zeros(z, libdeflate_crc32(h.crc, &r, sizeof(r)));
	assert_int_equal(pwrite(fd, &h, HEAD, offset), HEAD);
	assert_int_equal(pwrite(fd, &r, sizeof(r), offset + HEAD), sizeof(r));
}

static void make_huge(void)
{
	const struct shape shape = { .packets = 0, .events = 0 };
	struct made made = make_trace("t", shape, &seed);
	struct zeros z = make_zeros(PACKET - HEAD - sizeof(struct record));
	struct nr_packet_head first;
	uint64_t offset = HEAD;
	int fd = open(in_scratch("t/stream"), O_RDWR | O_CLOEXEC);

	assert_int_equal(pread(fd, &first, HEAD, 0), HEAD);
	for (uint64_t i = 0; i < PACKETS; i++, offset += PACKET)
		put_packet(fd, first, i, offset, &z);
	assert_int_equal(ftruncate(fd, offset), 0); /* killed: no end mark */
	close(fd);
	free((char *)made.dir);
	free(made.packets);
	free(made.times);
}

/* ---- the search ---- */

static void expect_event(struct nr_trace *trace, uint64_t packet)
{
	struct nr_event ev;

	assert_int_equal(nr_trace_seek(trace, time_of(packet) - seed_below(&seed, 1000)), 0);
	assert_int_equal(nr_trace_packet(trace)->seq, packet);
	assert_int_equal(nr_trace_next(trace, &ev), 1);
	assert_int_equal(number_of(&ev), packet);
	assert_int_equal(nr_trace_packet(trace)->seq, packet + 1);
}

static void test_times(void **state)
{
	const struct nr_trace_opts opts = { .sz = sizeof(opts), .log = hear };
	struct nr_trace *trace = NULL;
	struct io before, n, most = {};
	uint64_t memory, begin, end;

	(void)state;
	make_huge();
	assert_int_equal(nr_trace_open(&trace, in_scratch("t"), &opts), 0);
	memory = peak();
	before = io();
	assert_int_equal(nr_trace_span(trace, &begin, &end), 0);
	n = io_since(before);
	printf("span: %.1f MB in %llu reads\n", n.bytes / 1e6, n.reads);
	assert_true(n.bytes < MOST_BYTES && n.reads < MOST_READS);
	assert_int_equal(begin, 1000);
	assert_int_equal(end, time_of(PACKETS - 1));
	for (unsigned i = 0; i < 50; i++) {
		before = io();
		expect_event(trace, i ? seed_below(&seed, PACKETS) : PACKETS - 2);
		n = io_since(before);
		most.bytes = n.bytes > most.bytes ? n.bytes : most.bytes;
		most.reads = n.reads > most.reads ? n.reads : most.reads;
	}
	memory = peak() - memory;
	printf("time: at most %.1f MB in %llu reads; %.1f MB of memory\n", most.bytes / 1e6,
	       most.reads, memory / 1e6);
	assert_true(most.bytes < MOST_BYTES && most.reads < MOST_READS);
	assert_true(memory < MOST_MEMORY);
	nr_trace_close(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests_name("sparse", tests, setup, free_type);
}
