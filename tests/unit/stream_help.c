// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stream_help.h"

#include <bpf/btf.h>
#include <sys/stat.h>
#include "base/trace_files.h"
#include "packet/end.h"
#include "packet/frame.h"
#include "packet/gap.h"
#include "packet/opening.h"
#include "packet/seek.h"

#define TAIL_MAX (1u << 19)

/* struct event { __u64 number; __u32 data_len; unsigned char data[]; } */
struct event {
	uint64_t number;
	uint32_t data_len;
	uint8_t data[];
};

static struct nr_types *types;

int make_type(void **state)
{
	struct btf *btf = btf__new_empty();
	int u64 = btf__add_int(btf, "unsigned long long", 8, 0);
	int u32 = btf__add_int(btf, "unsigned int", 4, 0);
	int u8 = btf__add_int(btf, "unsigned char", 1, 0);
	int tail = btf__add_array(btf, u32, u8, 0), id;

	if (!access("/dev/shm", W_OK)) /* repair waits for the disk, here some hundred times */
		setenv("TMPDIR", "/dev/shm", 0);
	if (make_scratch(state))
		return -1;
	id = btf__add_struct(btf, "event", 16);
	btf__add_field(btf, "number", u64, 0, 0);
	btf__add_field(btf, "data_len", u32, 64, 0);
	btf__add_field(btf, "data", tail, 96, 0);
	if (nr_types_new(&types, hear, NULL) || nr_types_add(types, 1, "event", btf, id))
		return -1;
	btf__free(btf);
	return 0;
}

int free_type(void **state)
{
	nr_types_free(types);
	return remove_scratch(state);
}

uint64_t number_of(const struct nr_event *ev)
{
	uint64_t number;

	memcpy(&number, ev->data, sizeof(number));
	return number;
}

struct shape random_shape(struct seed *seed)
{
	static const struct shape shapes[] = {
		{ .packets = 10, .events = 5 },
		{ .packets = 300, .events = 30 },
		{ .packets = 30, .events = 20000 },
		{ .packets = 60, .events = 100, .copies = TAIL_MAX },
	};
	struct shape s = shapes[seed_below(seed, 4)];

	s.compressed = seed_next(seed) & 1;
	s.gaps = seed_once_in(seed, 3);
	s.chunks = seed_once_in(seed, 2) ? 0 : 1 + seed_below(seed, 6);
	s.dropped = seed_once_in(seed, 2) ? seed_below(seed, s.chunks + 1) : 0;
	return s;
}

/* ---- a flat, plain trace ---- */

struct maker {
	struct made *made;
	struct seed *seed;
	struct writer *w;
	uint64_t time;
	char stream[600];
};

/* Bytes of the stream so far, which look like packets of this trace, and are. */
static uint32_t copy_stream(struct maker *m, uint8_t *to)
{
	int fd = open(m->stream, O_RDONLY | O_CLOEXEC);
	uint32_t most = m->made->shape.copies;
	ssize_t n;

	assert_true(fd >= 0);
	n = pread(fd, to, 1 + seed_below(m->seed, most), HEAD * seed_below(m->seed, 3));
	close(fd);
	return n > 0 ? n : 0;
}

static void append_event(struct maker *m)
{
	static union {
		struct event event;
		uint8_t bytes[sizeof(struct event) + TAIL_MAX];
	} u;
	struct nr_record rec = { .ts = m->time, .id = 1 };
	struct nr_event ev = { &rec, &u, 16, 0, m->time };
	struct made *made = m->made;

	u.event.number = made->events;
	u.event.data_len = 0;
	if (made->shape.copies && seed_once_in(m->seed, 10))
		u.event.data_len = copy_stream(m, u.event.data);
	ev.size = sizeof(u.event) + u.event.data_len;
	assert_int_equal(writer_append(m->w, &ev, 1), 0);
	if (!(made->events & (made->events - 1)))
		made->times = realloc(made->times, 2 * (made->events + 1) * sizeof(*made->times));
	made->times[made->events++] = m->time;
}

static void append_packet(struct maker *m, uint64_t *lost)
{
	unsigned n = seed_below(m->seed, m->made->shape.events + 1);

	m->time += 1 + seed_below(m->seed, 50);
	for (unsigned i = 0; i < n; i++) {
		m->time += seed_below(m->seed, 3) * seed_below(m->seed, 20);
		append_event(m);
	}
	m->time++; /* a packet never ends between two events of one time (I5) */
	*lost += seed_once_in(m->seed, 5) ? seed_below(m->seed, 9) : 0;
	assert_int_equal(writer_commit(m->w, m->time, *lost), 0);
}

static void make_flat(struct made *made, struct seed *seed)
{
	const struct writer_opts opts = { .start = 1000, .log = hear };
	struct nr_account account = { .end = 5 };
	struct maker m = { .made = made, .seed = seed, .time = 1000 };
	uint64_t lost = 0;

	snprintf(m.stream, sizeof(m.stream), "%s/stream", made->dir);
	assert_int_equal(writer_open(&m.w, made->dir, types, &opts), 0);
	for (unsigned i = 0; i < made->shape.packets; i++) {
		append_packet(&m, &lost);
		if (made->shape.gaps && seed_once_in(seed, 8)) {
			assert_int_equal(writer_miss(m.w, 1 + seed_below(seed, 5), 7), 0);
			account.written += 7;
		}
	}
	account.written += made->events;
	account.lost_total = lost;
	assert_int_equal(writer_finish(m.w, &account), 0);
	assert_int_equal(writer_close(m.w), 0);
}

/* ---- other forms ---- */

const char *stream_of(const struct shape *shape, uint64_t chunk)
{
	static char ring[4][64];
	static unsigned at;
	char *path = ring[at++ % 4], name[NR_CHUNK_NAME];
	const char *file = shape->compressed ? NR_FILE_ZSTD : NR_FILE_STREAM;

	nr_chunk_name(name, chunk);
	if (shape->chunks)
		snprintf(path, sizeof(ring[0]), "%s/%s", name, file);
	else
		snprintf(path, sizeof(ring[0]), "%s", file);
	return path;
}

/* The file that is being written. */
struct target {
	struct made *made;
	uint64_t chunk, pos, packets;
	int fd;
	struct nr_frames *frames;
	uint8_t *frame;
	size_t cap;
	uint8_t *table; /* of seek */
	size_t table_size;
	struct nr_packet_head last; /* not of a mark */
	uint64_t last_seq, events, missed, earlier;
};

static void copy_side_file(const char *dir, const char *to, const char *name)
{
	char path[1200];
	size_t size;
	char *text;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	text = load_file(path, &size);
	assert_non_null(text);
	snprintf(path, sizeof(path), "%s/%s", to, name);
	save_file(path, text, size);
	free(text);
}

static void begin_file(struct target *t, uint64_t chunk)
{
	const struct shape *shape = &t->made->shape;
	char path[1200], name[NR_CHUNK_NAME];

	t->chunk = chunk;
	t->pos = t->packets = t->table_size = 0;
	if (shape->chunks) {
		nr_chunk_name(name, chunk);
		snprintf(path, sizeof(path), "%s/%s", t->made->dir, name);
		assert_int_equal(mkdir(path, 0700), 0);
		copy_side_file(t->made->dir, path, NR_FILE_METADATA);
		copy_side_file(t->made->dir, path, NR_FILE_BTF);
	}
	snprintf(path, sizeof(path), "%s/%s", t->made->dir, stream_of(shape, chunk));
	t->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(t->fd >= 0);
}

static void add_entry(struct target *t, const uint8_t *frame)
{
	t->table = realloc(t->table, t->table_size + 64);
	t->table_size += nr_seek_entry(t->table + t->table_size, (const void *)frame);
}

static void put(struct target *t, const uint8_t *packet, size_t size)
{
	struct made *made = t->made;
	const uint8_t *bytes = packet;
	struct written *w;

	made->packets = realloc(made->packets, (made->n + 1) * sizeof(*made->packets));
	w = &made->packets[made->n++];
	if (made->shape.compressed) {
		assert_int_equal(nr_frame_make(t->frames, packet, size, &t->frame, &t->cap, &size),
				 0);
		bytes = t->frame;
		add_entry(t, bytes);
	}
	assert_int_equal(pwrite(t->fd, bytes, size, t->pos), size);
	*w = (struct written){ .chunk = t->chunk, .offset = t->pos, .bytes = size };
	memcpy(&w->head, packet, HEAD);
	w->first = t->events;
	t->pos += size;
	t->packets++;
	t->events += w->head.events;
	w->written = t->events + t->missed;
	if (nr_is_end_mark(&w->head))
		return;
	t->last = w->head;
	t->last_seq = w->head.seq;
	if (nr_is_gap_mark(&w->head)) {
		struct nr_gap gap;

		assert_int_equal(nr_gap_read(&gap, packet, size), 0);
		t->last_seq += gap.packets;
		t->missed += gap.events;
	}
}

static void end_file(struct target *t)
{
	uint8_t piece[NR_SEEK_PIECE];
	size_t n;

	if (t->made->shape.compressed) {
		n = nr_seek_begin(piece, t->packets);
		assert_int_equal(pwrite(t->fd, piece, n, t->pos), n);
		t->table_size += nr_seek_end(t->table + t->table_size, t->packets);
		assert_int_equal(pwrite(t->fd, t->table, t->table_size, t->pos + n), t->table_size);
	}
	close(t->fd);
}

static void put_mark(struct target *t, struct nr_account account, uint64_t seq)
{
	uint8_t *packet;
	size_t size;

	account.chunk = t->chunk;
	account.earlier = t->earlier;
	assert_int_equal(nr_end_packet(&packet, &size, t->last.uuid, seq, &account), 0);
	put(t, packet, size);
	free(packet);
}

/* Ends this chunk and begins the next one. */
static void rotate(struct target *t, const struct nr_packet_head *next)
{
	struct nr_packet_head opening, before = t->last;
	const struct nr_account account = {
		.end = t->last.end,
		.rotated = true,
		.written = t->events + t->missed,
		.lost_total = t->last.lost,
	};

	before.seq = t->last_seq;
	put_mark(t, account, t->last_seq);
	end_file(t);
	t->earlier = t->events + t->missed;
	begin_file(t, t->chunk + 1);
	nr_opening_fill(&opening, &before, next->begin);
	put(t, (void *)&opening, sizeof(opening));
	t->last_seq = opening.seq;
}

/* As a budget removes the oldest chunks. */
static void drop_chunks(struct made *made)
{
	uint64_t last = made->packets[made->n - 1].chunk, drop = made->shape.dropped, written = 0;
	size_t keep = 0;

	drop = drop < last ? drop : last;
	for (uint64_t c = 0; c < drop; c++) {
		char path[1200], name[NR_CHUNK_NAME];

		nr_chunk_name(name, c);
		snprintf(path, sizeof(path), "%s/%s", made->dir, name);
		remove_tree(path);
	}
	for (; made->packets[keep].chunk < drop; keep++)
		written = made->packets[keep].written;
	made->n -= keep;
	memmove(made->packets, made->packets + keep, made->n * sizeof(*made->packets));
	made->first = made->packets[0].first;
	made->earlier = written;
}

static void remake(struct made *made, struct seed *seed, const uint8_t *stream, size_t size)
{
	struct target t = { .made = made };
	struct nr_packet_head h;
	struct nr_end end = {};
	size_t chunks = made->shape.chunks, packets = made->shape.packets + 2, i = 0;

	assert_int_equal(nr_frames_new(&t.frames, 1), 0);
	begin_file(&t, 0);
	for (size_t pos = 0; pos < size; pos += h.packet_bits / 8, i++) {
		memcpy(&h, stream + pos, HEAD);
		if (!nr_is_end_mark(&h)) {
			if (chunks > 1 && i && !nr_is_gap_mark(&h) &&
			    seed_below(seed, packets) < made->shape.chunks && --chunks)
				rotate(&t, &h);
			put(&t, stream + pos, h.packet_bits / 8);
			continue;
		}
		assert_int_equal(nr_end_read(&end, stream + pos, h.packet_bits / 8), 0);
		put_mark(&t, end.account, h.seq);
		nr_end_free(&end);
	}
	end_file(&t);
	nr_frames_free(t.frames);
	free(t.frame);
	free(t.table);
}

struct made make_trace(const char *name, struct shape shape, struct seed *seed)
{
	struct made made = { .dir = strdup(in_scratch("%s", name)), .shape = shape };
	char path[600];
	uint8_t *stream;
	size_t size;

	remove_tree(made.dir); /* of a test that failed */
	make_flat(&made, seed);
	snprintf(path, sizeof(path), "%s/stream", made.dir);
	stream = (uint8_t *)load_file(path, &size);
	unlink(path);
	remake(&made, seed, stream, size);
	if (shape.chunks) {
		snprintf(path, sizeof(path), "%s/metadata", made.dir);
		unlink(path);
		snprintf(path, sizeof(path), "%s/.btf", made.dir);
		unlink(path);
		drop_chunks(&made);
	}
	free(stream);
	return made;
}

void free_made(struct made *made)
{
	remove_tree(made->dir);
	free((char *)made->dir);
	free(made->packets);
	free(made->times);
	*made = (struct made){};
}
