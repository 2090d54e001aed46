// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Compressed packets: label and frame give the packet back, to us and to zstd; damage is found; the
 * bytes do not depend on what was compressed before. */
#include "trace_help.h"

#include <endian.h>
#include <errno.h>
#include <libdeflate.h>
#include <zstd.h>
#include "packet/frame.h"
#include "packet/seek.h"
#include "seed.h"

#define HEAD  sizeof(struct nr_packet_head)
#define LABEL sizeof(struct nr_label)

static struct seed seed;

struct packet {
	uint8_t *bytes;
	size_t size;
};

/* Label and frame. */
struct frame {
	uint8_t *bytes;
	size_t cap, used;
};

/* A packet of records like real ones: times that grow, some ids, small numbers, some noise. */
static struct packet make_packet(size_t size)
{
	struct packet p = { calloc(1, size), size };
	struct nr_packet_head head = {
		.magic = NR_CTF_MAGIC,
		.content_bits = size * 8,
		.packet_bits = size * 8,
		.seq = seed_next(&seed),
		.events = (size - HEAD) / 40,
	};
	unsigned noise = seed_below(&seed, 8);
	uint64_t time = seed_next(&seed) >> 20;

	assert_non_null(p.bytes);
	for (size_t pos = HEAD; pos + 40 <= size; pos += 40) {
		uint64_t record[5] = { time += seed_below(&seed, 1000), seed_below(&seed, 4) };

		record[4] = noise ? seed_next(&seed) >> (8 * noise) : 0;
		memcpy(p.bytes + pos, record, sizeof(record));
	}
	memcpy(p.bytes, &head, HEAD);
	head.crc = nr_packet_crc(p.bytes, size);
	memcpy(p.bytes, &head, HEAD);
	return p;
}

static struct packet random_packet(void)
{
	static const size_t most[] = { 1, 100, 20000, 150000 };
	size_t records = seed_below(&seed, most[seed_below(&seed, 4)]);

	return make_packet(HEAD + 8 * records);
}

static void add_frame(struct nr_frames *frames, const struct packet *p, struct frame *f)
{
	assert_int_equal(nr_frame_make(frames, p->bytes, p->size, &f->bytes, &f->cap, &f->used), 0);
	assert_true(f->used <= f->cap);
	assert_true(f->used > LABEL);
}

static struct nr_frames *make_frames(int level)
{
	struct nr_frames *frames = NULL;

	assert_int_equal(nr_frames_new(&frames, level), 0);
	return frames;
}

static int random_level(void)
{
	return NR_FRAMES_LEAST + (int)seed_below(&seed, NR_FRAMES_MOST - NR_FRAMES_LEAST + 1);
}

static struct nr_label label_of(const struct frame *f)
{
	struct nr_label label;

	memcpy(&label, f->bytes, LABEL);
	return label;
}

/* Reads the frame into memory of the right size, so that a sanitizer sees what goes beyond. */
static int read_frame(const uint8_t *frame, size_t frame_size, uint8_t **packet, size_t size)
{
	uint8_t *copy = malloc(frame_size ?: 1);
	int err;

	*packet = malloc(size ?: 1);
	assert_true(*packet && copy);
	memcpy(copy, frame, frame_size);
	err = nr_frame_read(*packet, size, copy, frame_size);
	free(copy);
	return err;
}

static void expect_packet(const struct frame *f, const struct packet *p)
{
	struct nr_label label = label_of(f);
	uint8_t *bytes;

	assert_true(nr_label_is_valid(&label));
	assert_int_equal(label.frame_size, f->used - LABEL);
	assert_int_equal(nr_label_packet_size(&label), p->size);
	assert_memory_equal(&label.head, p->bytes, HEAD);
	assert_int_equal(read_frame(f->bytes + LABEL, label.frame_size, &bytes, p->size), 0);
	assert_memory_equal(bytes, p->bytes, p->size);
	free(bytes);
}

static void test_round_trip(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		struct nr_frames *frames = make_frames(random_level());
		struct frame f = {};

		for (unsigned n = 1 + seed_below(&seed, 4); n; n--) {
			struct packet p = random_packet();

			add_frame(frames, &p, &f);
			expect_packet(&f, &p);
			free(p.bytes);
		}
		nr_frames_free(frames);
		free(f.bytes);
	}
}

static void test_levels(void **state)
{
	static const char *const wrong[] = { "",
					     "zst",
					     "zstd ",
					     "zstd:",
					     "zstd:-",
					     "zstd: 3",
					     "zstd:+3",
					     "zstd:3k",
					     "zstd:20",
					     "zstd:-8",
					     "zstd:99999999999999999999" };
	struct nr_frames *frames = NULL;
	int level = 5;

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(nr_frames_level(wrong[i], &level), -EINVAL);
	assert_int_equal(nr_frames_level("zstd", &level), 0);
	assert_int_equal(level, NR_FRAMES_DEFAULT);
	assert_int_equal(nr_frames_level("zstd:19", &level), 0);
	assert_int_equal(level, 19);
	assert_int_equal(nr_frames_level("zstd:-7", &level), 0);
	assert_int_equal(level, -7);
	assert_int_equal(nr_frames_new(&frames, NR_FRAMES_LEAST - 1), -EINVAL);
	assert_int_equal(nr_frames_new(&frames, NR_FRAMES_MOST + 1), -EINVAL);
	assert_null(frames);
	nr_frames_free(NULL);
}

/* A packet that a flood of late records made large leaves no memory behind. */
static void test_large(void **state)
{
	struct packet large = make_packet(HEAD + (12u << 20)), small = make_packet(HEAD);
	struct nr_frames *frames = make_frames(NR_FRAMES_DEFAULT);
	struct frame f = {};

	(void)state;
	add_frame(frames, &large, &f);
	expect_packet(&f, &large);
	add_frame(frames, &small, &f);
	expect_packet(&f, &small);
	nr_frames_free(frames);
	free(large.bytes);
	free(small.bytes);
	free(f.bytes);
}

/* I12: a packer's compressor has seen other packets before. */
static void test_same_bytes(void **state)
{
	(void)state;
	for (int level = NR_FRAMES_LEAST; level <= NR_FRAMES_MOST; level++) {
		struct packet p = make_packet(HEAD + 8 * (1 + seed_below(&seed, 130000)));
		struct nr_frames *used = make_frames(level), *fresh = make_frames(level);
		struct frame a = {}, b = {};

		for (unsigned n = 1 + seed_below(&seed, 3); n; n--) {
			struct packet before = random_packet();

			add_frame(used, &before, &a);
			free(before.bytes);
		}
		add_frame(used, &p, &a);
		add_frame(fresh, &p, &b);
		assert_int_equal(a.used, b.used);
		assert_memory_equal(a.bytes, b.bytes, a.used);
		nr_frames_free(used);
		nr_frames_free(fresh);
		free(p.bytes);
		free(a.bytes);
		free(b.bytes);
	}
}

/* ---- damage ---- */

static void damage(uint8_t *bytes, size_t size)
{
	bytes[seed_below(&seed, size)] ^= 1u << seed_below(&seed, 8);
}

static void test_damaged_label(void **state)
{
	struct packet p = make_packet(HEAD + 800);
	struct nr_frames *frames = make_frames(NR_FRAMES_DEFAULT);
	struct frame f = {};

	(void)state;
	add_frame(frames, &p, &f);
	for (size_t bit = 0; bit < LABEL * 8; bit++) {
		struct nr_label label = label_of(&f);

		((uint8_t *)&label)[bit / 8] ^= 1u << bit % 8;
		assert_false(nr_label_is_valid(&label));
	}
	nr_frames_free(frames);
	free(p.bytes);
	free(f.bytes);
}

/* A label whose checksum holds, but which no packet can have. */
static bool is_believed(struct nr_label label, uint64_t packet_bits, uint64_t frame_size)
{
	label.head.packet_bits = packet_bits;
	label.frame_size = frame_size;
	label.crc = libdeflate_crc32(0, &label.zero, LABEL - offsetof(struct nr_label, zero));
	return nr_label_is_valid(&label);
}

static void test_impossible_label(void **state)
{
	struct packet p = make_packet(HEAD + 800);
	struct nr_frames *frames = make_frames(NR_FRAMES_DEFAULT);
	struct frame f = {};
	struct nr_label label;
	uint64_t bits = p.size * 8, size;

	(void)state;
	add_frame(frames, &p, &f);
	label = label_of(&f);
	size = label.frame_size;
	assert_true(is_believed(label, bits, size));
	assert_true(is_believed(label, HEAD * 8, 20));
	assert_true(is_believed(label, NR_PACKET_MAX * 8, size));
	assert_false(is_believed(label, 0, size));
	assert_false(is_believed(label, HEAD * 8 - 64, size));
	assert_false(is_believed(label, bits + 8, size));
	assert_false(is_believed(label, NR_PACKET_MAX * 8 + 64, size));
	assert_false(is_believed(label, UINT64_MAX & ~63ull, size));
	assert_false(is_believed(label, bits, 0));
	assert_false(is_believed(label, bits, ZSTD_compressBound(p.size) + 1));
	assert_false(is_believed(label, bits, UINT64_MAX));
	label.head.magic++;
	assert_false(is_believed(label, bits, size));
	nr_frames_free(frames);
	free(p.bytes);
	free(f.bytes);
}

/* zstd cannot notice all damage. What it takes for a packet, the packet's checksum refuses. */
static void test_damaged_frame(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		struct packet p = make_packet(HEAD + 8 * seed_below(&seed, 300));
		struct nr_frames *frames = make_frames(random_level());
		struct nr_packet_head head;
		struct frame f = {};
		uint8_t *bytes;
		int err;

		add_frame(frames, &p, &f);
		damage(f.bytes + LABEL, f.used - LABEL);
		err = read_frame(f.bytes + LABEL, f.used - LABEL, &bytes, p.size);
		if (err) {
			assert_int_equal(err, -EBADMSG);
		} else if (memcmp(bytes, p.bytes, p.size)) {
			memcpy(&head, bytes, HEAD);
			assert_true(nr_packet_crc(bytes, p.size) != head.crc);
		}
		nr_frames_free(frames);
		free(p.bytes);
		free(f.bytes);
		free(bytes);
	}
}

static void expect_refused(const uint8_t *frame, size_t frame_size, size_t size)
{
	uint8_t *bytes;

	assert_int_equal(read_frame(frame, frame_size, &bytes, size), -EBADMSG);
	free(bytes);
}

static void test_wrong_sizes(void **state)
{
	struct packet p = make_packet(HEAD + 8 * (1 + seed_below(&seed, 300)));
	struct nr_frames *frames = make_frames(random_level());
	struct frame f = {};
	uint8_t *twice;
	size_t size;

	(void)state;
	add_frame(frames, &p, &f);
	size = f.used - LABEL;
	for (size_t n = 0; n < size; n++)
		expect_refused(f.bytes + LABEL, n, p.size);
	expect_refused(f.bytes + LABEL, size, 0);
	expect_refused(f.bytes + LABEL, size, p.size - 8);
	expect_refused(f.bytes + LABEL, size, p.size + 8);
	expect_refused(f.bytes, f.used, p.size); /* the label is a frame of its own */
	twice = malloc(2 * size);
	memcpy(twice, f.bytes + LABEL, size);
	memcpy(twice + size, f.bytes + LABEL, size);
	expect_refused(twice, 2 * size, p.size);
	expect_refused(twice, 2 * size, 2 * p.size);
	memcpy(twice, f.bytes + LABEL, size);
	memcpy(twice + size, "\x50\x2a\x4d\x18\0\0\0\0", 8); /* zstd skips this */
	expect_refused(twice, size + 8, p.size);
	nr_frames_free(frames);
	free(twice);
	free(p.bytes);
	free(f.bytes);
}

static void test_noise(void **state)
{
	uint8_t noise[200];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		size_t size = seed_below(&seed, sizeof(noise));

		for (size_t n = 0; n < sizeof(noise); n++)
			noise[n] = seed_next(&seed);
		if (seed_once_in(&seed, 2))
			memcpy(noise, "\x28\xb5\x2f\xfd", 4); /* zstd's magic */
		expect_refused(noise, size, seed_below(&seed, 1000));
	}
}

/* ---- the stream ---- */

static uint32_t number_at(const uint8_t *p)
{
	uint32_t number;

	memcpy(&number, p, sizeof(number));
	return le32toh(number);
}

static void expect_table(const char *stream, size_t size, unsigned packets)
{
	const uint8_t *table = (const uint8_t *)stream + size - 8 - packets * 16 - 9;
	uint64_t at = 0;

	assert_int_equal(number_at((const uint8_t *)stream + size - 4), 0x8F92EAB1);
	assert_int_equal(stream[size - 5], 0);
	assert_int_equal(number_at((const uint8_t *)stream + size - 9), 2 * packets);
	assert_int_equal(number_at(table), 0x184D2A5E);
	assert_int_equal(number_at(table + 4), packets * 16 + 9);
	for (unsigned i = 0; i < packets; i++) {
		const uint8_t *entry = table + 8 + i * 16;
		struct nr_label label;

		memcpy(&label, stream + at, LABEL);
		assert_true(nr_label_is_valid(&label));
		assert_int_equal(number_at(entry), LABEL);
		assert_int_equal(number_at(entry + 4), 0);
		assert_int_equal(number_at(entry + 8), label.frame_size);
		assert_int_equal(number_at(entry + 12), nr_label_packet_size(&label));
		at += LABEL + label.frame_size;
	}
	assert_int_equal(at, size - 8 - packets * 16 - 9);
}

/* Packets, compressed and plain, and the seek table. Returns how many packets. */
static unsigned write_streams(FILE *zst, FILE *plain)
{
	unsigned packets = 1 + seed_below(&seed, 20);
	struct nr_frames *frames = make_frames(NR_FRAMES_DEFAULT);
	uint8_t piece[NR_SEEK_PIECE], *table = malloc(packets * NR_SEEK_PIECE);
	struct frame f = {};
	size_t used = 0;

	for (unsigned i = 0; i < packets; i++) {
		struct packet p = random_packet();
		struct nr_label label;

		add_frame(frames, &p, &f);
		label = label_of(&f);
		used += nr_seek_entry(table + used, &label);
		fwrite(f.bytes, f.used, 1, zst);
		fwrite(p.bytes, p.size, 1, plain);
		free(p.bytes);
	}
	fwrite(piece, nr_seek_begin(piece, packets), 1, zst);
	fwrite(table, used, 1, zst);
	fwrite(piece, nr_seek_end(piece, packets), 1, zst);
	nr_frames_free(frames);
	free(table);
	free(f.bytes);
	return packets;
}

static int zstd(const char *options)
{
	char command[1200];

	snprintf(command, sizeof(command), "cd %s && zstd -q %s", scratch, options);
	return system(command);
}

static void test_stream(void **state)
{
	FILE *zst = fopen(in_scratch("stream.zst"), "wbe"),
	     *plain = fopen(in_scratch("plain"), "wbe");
	unsigned packets;
	size_t size, plain_size, size_of_plain;
	char *stream, *is, *should;

	(void)state;
	assert_true(zst && plain);
	packets = write_streams(zst, plain);
	assert_true(!fclose(zst) && !fclose(plain));
	stream = load_file(in_scratch("stream.zst"), &size);
	expect_table(stream, size, packets);
	free(stream);
	if (zstd("--version >/dev/null 2>&1")) {
		print_message("skipped: zstd is not installed\n");
		return;
	}
	assert_int_equal(zstd("-d stream.zst"), 0);
	is = load_file(in_scratch("stream"), &size_of_plain);
	should = load_file(in_scratch("plain"), &plain_size);
	assert_int_equal(size_of_plain, plain_size);
	assert_memory_equal(is, should, plain_size);
	free(is);
	free(should);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_levels),
		cmocka_unit_test(test_large),	      cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_damaged_label), cmocka_unit_test(test_impossible_label),
		cmocka_unit_test(test_damaged_frame), cmocka_unit_test(test_wrong_sizes),
		cmocka_unit_test(test_noise),	      cmocka_unit_test(test_stream),
	};

	seed.state = seed_first("frame");
	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
