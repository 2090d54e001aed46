// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Makes traces for window.sh and verify.sh, and damages them:
 *
 *	traces make DIR SEED		a flat trace of 60 s around midnight UTC
 *	traces zstd FILE NEW		the packets of a stream, compressed
 *	traces series DIR NEW N		the packets of a flat trace in chunks of N
 *	traces list FILE		of each packet of a stream: offset, bytes, seq, events, begin,
 *					end, lost
 *	traces arrange FILE I...	leaves these packets in a stream, in this order
 *	traces mark FILE FIELD VALUE	changes a count in a stream's end mark
 *	traces huge DIR GIB		a flat trace of this size in a sparse file: an event every second
 *
 * The recorder's own code makes packets, marks and frames. Which of them stand where is decided here,
 * so the readers are tested against docs/format.md and not against the recorder.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/trace_files.h"
#include "packet/end.h"
#include "packet/frame.h"
#include "packet/gap.h"
#include "packet/opening.h"
#include "packet/seek.h"
#include "seed.h"
#include "trace_writer.h"

#define HEAD	  sizeof(struct nr_packet_head)
#define NSEC	  1000000000ull
#define START	  (5000 * NSEC)
#define EPOCH	  1795910370 /* 2026-11-28T23:59:30Z, the time at START */
#define PACKETS	  60
#define CPUS	  4
#define HUGE_STEP (4ull << 20)

static void need(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

/* ---- events ---- */

static struct nr_types *make_types(void)
{
	struct btf *btf = btf__new_empty();
	struct nr_types *types = NULL;
	int u32 = btf__add_int(btf, "unsigned int", 4, 0);
	int chr = btf__add_int(btf, "char", 1, BTF_INT_CHAR);
	int tail = btf__add_array(btf, u32, chr, 0), number, text;

	number = btf__add_struct(btf, "number", 4);
	need(!btf__add_field(btf, "x", u32, 0, 0), "field");
	text = btf__add_struct(btf, "text", 4);
	need(!btf__add_field(btf, "data_len", u32, 0, 0), "field");
	need(!btf__add_field(btf, "data", tail, 32, 0), "field");
	need(!nr_types_new(&types, NULL, NULL), "types");
	need(!nr_types_add(types, 1, "number", btf, number), "type");
	need(!nr_types_add(types, 2, "text", btf, text), "type");
	btf__free(btf);
	return types;
}

static struct writer *open_writer(const char *dir, struct nr_types *types)
{
	const struct writer_opts opts = {
		.start = START,
		.clock_offset = (int64_t)EPOCH * NSEC - (int64_t)START,
	};
	struct writer *w = NULL;

	need(!writer_open(&w, dir, types, &opts), dir);
	return w;
}

/* What a recording has counted. */
struct counted {
	uint64_t ts;
	uint32_t events;
	uint32_t lost[CPUS], all_lost;
};

static void add_event(struct writer *w, struct seed *seed, struct counted *n)
{
	unsigned cpu = seed_below(seed, CPUS);
	uint32_t x = n->events++;
	struct nr_record rec = { .ts = n->ts, .id = 1, .cpu = cpu };
	struct nr_event ev = { .rec = &rec, .data = &x, .size = sizeof(x), .ts = n->ts };

	if (seed_once_in(seed, 20)) {
		uint32_t more = 1 + seed_below(seed, 100);

		n->lost[cpu] += more;
		n->all_lost += more;
	}
	rec.lost = n->lost[cpu];
	need(!writer_append(w, &ev, 1), "append");
}

/* A packet with up to 60 events, some with the same time, within the next second. */
static void add_packet(struct writer *w, struct seed *seed, struct counted *n)
{
	unsigned events = seed_once_in(seed, 8) ? 0 : 1 + seed_below(seed, 60);
	uint64_t end = n->ts + NSEC;

	for (unsigned i = 0; i < events; i++) {
		n->ts += i && seed_once_in(seed, 5) ? 0 : 1 + seed_below(seed, (end - n->ts) / 4);
		add_event(w, seed, n);
	}
	n->ts = end;
	need(!writer_commit(w, end - 1, n->all_lost), "commit");
}

static void make(const char *dir, uint64_t first)
{
	struct seed seed = { first };
	struct nr_types *types = make_types();
	struct writer *w = open_writer(dir, types);
	struct counted n = { .ts = START };
	struct nr_account account;
	uint64_t causes[4] = {};

	for (unsigned i = 0; i < PACKETS; i++)
		add_packet(w, &seed, &n);
	causes[0] = n.all_lost;
	account = (struct nr_account){
		.end = n.ts,
		.reserved = n.events + 3,
		.discarded = 3,
		.written = n.events,
		.lost_total = n.all_lost,
		.n_lost = 4,
		.lost = causes,
	};
	need(!writer_finish(w, &account), "end mark");
	writer_close(w);
	nr_types_free(types);
}

/* ---- streams in memory ---- */

struct packet {
	uint64_t offset, bytes; /* in the file */
	uint8_t *plain;
	struct nr_packet_head head;
};

struct stream {
	struct packet *packets;
	size_t n;
};

static uint8_t *load(const char *path, size_t *size)
{
	FILE *f = fopen(path, "re");
	struct stat st;
	uint8_t *data;

	need(f && !fstat(fileno(f), &st), path);
	data = malloc(st.st_size + 1);
	*size = fread(data, 1, st.st_size, f);
	need(*size == (size_t)st.st_size, path);
	fclose(f);
	return data;
}

static void save(const char *path, const void *data, size_t size, const char *mode)
{
	FILE *f = fopen(path, mode);

	need(f && fwrite(data, 1, size, f) == size && !fclose(f), path);
}

static void add(struct stream *s, uint64_t offset, uint64_t bytes, uint8_t *plain)
{
	struct packet *p;

	s->packets = reallocarray(s->packets, s->n + 1, sizeof(*p));
	p = &s->packets[s->n++];
	*p = (struct packet){ .offset = offset, .bytes = bytes, .plain = plain };
	memcpy(&p->head, plain, HEAD);
}

static size_t add_frame(struct stream *s, const uint8_t *file, size_t at)
{
	struct nr_label label;
	uint8_t *plain;
	size_t size;

	memcpy(&label, file + at, sizeof(label));
	need(nr_label_is_valid(&label), "label");
	size = nr_label_packet_size(&label);
	plain = malloc(size);
	need(!nr_frame_read(plain, size, file + at + sizeof(label), label.frame_size), "frame");
	add(s, at, sizeof(label) + label.frame_size, plain);
	return sizeof(label) + label.frame_size;
}

/* A whole stream, plain or compressed. */
static struct stream read_stream(const char *path)
{
	struct stream s = {};
	struct nr_packet_head h = {};
	size_t size, at = 0;
	uint8_t *file = load(path, &size);
	__u32 magic = 0;

	while (at + HEAD <= size && !nr_is_end_mark(&h)) {
		memcpy(&magic, file + at, sizeof(magic));
		if (magic == NR_LABEL_MAGIC) {
			at += add_frame(&s, file, at);
		} else {
			memcpy(&h, file + at, HEAD);
			add(&s, at, h.packet_bits / 8, file + at);
			at += h.packet_bits / 8;
		}
		h = s.packets[s.n - 1].head;
	}
	return s;
}

static uint64_t plain_size(const struct packet *p)
{
	return p->head.packet_bits / 8;
}

static void list(const char *path)
{
	const struct stream s = read_stream(path);

	for (size_t i = 0; i < s.n; i++) {
		const struct packet *p = &s.packets[i];

		printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %u %" PRIu64 " %" PRIu64 " %" PRIu64
		       "\n",
		       p->offset, p->bytes, (uint64_t)p->head.seq, p->head.events,
		       (uint64_t)p->head.begin, (uint64_t)p->head.end, (uint64_t)p->head.lost);
	}
}

static void arrange(const char *path, char **places)
{
	const struct stream s = read_stream(path);

	save(path, "", 0, "we");
	for (; *places; places++) {
		size_t i = strtoul(*places, NULL, 10);

		need(i < s.n, "no such packet");
		save(path, s.packets[i].plain, plain_size(&s.packets[i]), "ae");
	}
}

static void change_mark(const char *path, const char *field, uint64_t value)
{
	static const struct {
		const char *name;
		size_t at;
	} fields[] = {
		{ "lost", offsetof(struct nr_packet_head, lost) },
		{ "reserved", HEAD + offsetof(struct nr_end_head, reserved) },
		{ "written", HEAD + offsetof(struct nr_end_head, written) },
		{ "unaccounted", HEAD + offsetof(struct nr_end_head, unaccounted) },
		{ "late", HEAD + offsetof(struct nr_end_head, late) },
		{ "chunk", HEAD + offsetof(struct nr_end_head, chunk) },
		{ "earlier", HEAD + offsetof(struct nr_end_head, earlier) },
		{ "filtered", HEAD + offsetof(struct nr_end_head, filtered) },
	};
	const struct stream s = read_stream(path);
	const struct packet *p = &s.packets[s.n - 1];
	struct nr_packet_head *h = (void *)p->plain;

	need(nr_is_end_mark(h), "an end mark");
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (!strcmp(field, fields[i].name))
			memcpy(p->plain + fields[i].at, &value, sizeof(value));
	h->crc = nr_packet_crc(p->plain, plain_size(p));
	need(!truncate(path, p->offset), path);
	save(path, p->plain, plain_size(p), "ae");
}

/* ---- compressed streams ---- */

static void compress_stream(const char *from, const char *to)
{
	const struct stream s = read_stream(from);
	struct nr_label *labels = calloc(s.n, sizeof(*labels));
	struct nr_frames *frames;
	uint8_t *out = NULL, piece[NR_SEEK_PIECE];
	size_t cap = 0, used;

	need(!nr_frames_new(&frames, NR_FRAMES_DEFAULT), "frames");
	save(to, "", 0, "we");
	for (size_t i = 0; i < s.n; i++) {
		need(!nr_frame_make(frames, s.packets[i].plain, plain_size(&s.packets[i]), &out,
				    &cap, &used),
		     "frame");
		memcpy(&labels[i], out, sizeof(*labels));
		save(to, out, used, "ae");
	}
	nr_frames_free(frames);
	if (!nr_is_end_mark(&labels[s.n - 1].head))
		return;
	save(to, piece, nr_seek_begin(piece, s.n), "ae");
	for (size_t i = 0; i < s.n; i++)
		save(to, piece, nr_seek_entry(piece, &labels[i]), "ae");
	save(to, piece, nr_seek_end(piece, s.n), "ae");
}

/* ---- series ---- */

struct series {
	const char *dir;
	unsigned chunk;
	uint64_t earlier, written; /* events of earlier chunks, and of this one, too */
	char path[4096];	   /* of the chunk's stream */
};

static void copy_file(const char *from, const char *to, const char *name)
{
	char path[4096];
	size_t size;
	uint8_t *data;

	snprintf(path, sizeof(path), "%s/%s", from, name);
	data = load(path, &size);
	snprintf(path, sizeof(path), "%s/%s", to, name);
	save(path, data, size, "we");
	free(data);
}

static void begin_chunk(struct series *s, const char *from)
{
	char name[NR_CHUNK_NAME], path[2048];

	nr_chunk_name(name, s->chunk);
	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	need(!mkdir(path, 0700), path);
	copy_file(from, path, NR_FILE_METADATA);
	copy_file(from, path, NR_FILE_BTF);
	snprintf(s->path, sizeof(s->path), "%s/%s", path, NR_FILE_STREAM);
}

static void put_mark(const struct series *s, const struct nr_account *account, const __u8 *uuid,
		     uint64_t seq)
{
	uint8_t *mark;
	size_t size;

	need(!nr_end_packet(&mark, &size, uuid, seq, account), "mark");
	save(s->path, mark, size, "ae");
	free(mark);
}

/* last: the last packet of the chunk that ends; next: the first one of the next chunk. */
static void rotate(struct series *s, const char *from, const struct nr_packet_head *last,
		   const struct nr_packet_head *next)
{
	const struct nr_account account = {
		.end = last->end,
		.written = s->written,
		.lost_total = last->lost,
		.rotated = true,
		.chunk = s->chunk,
		.earlier = s->earlier,
	};
	struct nr_packet_head opening;

	put_mark(s, &account, last->uuid, last->seq);
	s->earlier = s->written;
	s->chunk++;
	begin_chunk(s, from);
	nr_opening_fill(&opening, last, next->begin);
	save(s->path, &opening, sizeof(opening), "ae");
}

/* The account of the whole recording, in the last chunk. */
static void end_series(const struct series *s, const struct packet *mark)
{
	struct nr_end end;

	need(!nr_end_read(&end, mark->plain, plain_size(mark)), "end mark");
	end.account.chunk = s->chunk;
	end.account.earlier = s->earlier;
	put_mark(s, &end.account, mark->head.uuid, mark->head.seq);
}

static void make_series(const char *from, const char *to, unsigned packets)
{
	struct series s = { .dir = to };
	char path[4096];
	struct stream stream;
	size_t i;

	snprintf(path, sizeof(path), "%s/%s", from, NR_FILE_STREAM);
	stream = read_stream(path);
	need(!mkdir(to, 0700), to);
	begin_chunk(&s, from);
	for (i = 0; i < stream.n - 1; i++) {
		const struct packet *p = &stream.packets[i];

		if (i && i % packets == 0)
			rotate(&s, from, &stream.packets[i - 1].head, &p->head);
		s.written += p->head.events;
		save(s.path, p->plain, plain_size(p), "ae");
	}
	end_series(&s, &stream.packets[i]);
}

/* ---- huge traces ---- */

/* The checksum of such packets is affine in their bits: that of any packet follows from those in
 * which one bit is set. */
struct sums {
	uint32_t none, time[64], seq[64];
};

/* A packet with one event: a long text of zeros. */
static void fill(uint8_t *packet, const struct nr_packet_head *first, uint64_t seq, uint64_t ts)
{
	const struct nr_record rec = { .ts = ts, .id = 2 };
	const uint32_t len = HUGE_STEP - HEAD - sizeof(rec) - sizeof(len);
	struct nr_packet_head h = *first;

	h.begin = h.end = h.watermark = ts;
	h.content_bits = h.packet_bits = HUGE_STEP * 8;
	h.seq = seq;
	h.events = 1;
	h.crc = 0;
	memcpy(packet, &h, HEAD);
	memcpy(packet + HEAD, &rec, sizeof(rec));
	memcpy(packet + HEAD + sizeof(rec), &len, sizeof(len));
}

static void make_sums(struct sums *s, uint8_t *packet, const struct nr_packet_head *first)
{
	fill(packet, first, 0, 0);
	s->none = nr_packet_crc(packet, HUGE_STEP);
	for (unsigned bit = 0; bit < 64; bit++) {
		fill(packet, first, 0, 1ull << bit);
		s->time[bit] = nr_packet_crc(packet, HUGE_STEP) ^ s->none;
		fill(packet, first, 1ull << bit, 0);
		s->seq[bit] = nr_packet_crc(packet, HUGE_STEP) ^ s->none;
	}
}

static uint32_t sum_of(const struct sums *s, uint64_t seq, uint64_t ts)
{
	uint32_t crc = s->none;

	for (unsigned bit = 0; bit < 64; bit++)
		crc ^= (ts >> bit & 1 ? s->time[bit] : 0) ^ (seq >> bit & 1 ? s->seq[bit] : 0);
	return crc;
}

static void write_packets(int fd, const struct nr_packet_head *first, uint64_t packets)
{
	uint8_t *packet = calloc(1, HUGE_STEP);
	struct nr_packet_head *h = (void *)packet;
	struct sums sums;

	make_sums(&sums, packet, first);
	for (uint64_t i = 0; i < packets; i++) {
		uint64_t ts = START + (i + 1) * NSEC;

		fill(packet, first, i + 1, ts);
		h->crc = sum_of(&sums, i + 1, ts);
		need(pwrite(fd, packet, 128, HEAD + i * HUGE_STEP) == 128, "write");
	}
	need(nr_packet_crc(packet, HUGE_STEP) == h->crc, "the right checksum");
	free(packet);
}

static void make_huge(const char *dir, uint64_t gib)
{
	uint64_t packets = (gib << 30) / HUGE_STEP, size = HEAD + packets * HUGE_STEP;
	struct nr_account account = {
		.end = START + (packets + 1) * NSEC,
		.reserved = packets,
		.written = packets,
	};
	struct nr_types *types = make_types();
	struct writer *w = open_writer(dir, types);
	struct nr_packet_head first;
	char path[4096];
	uint8_t *mark;
	size_t n;
	int fd;

	need(!writer_finish(w, &account), "end mark");
	writer_close(w);
	nr_types_free(types);
	snprintf(path, sizeof(path), "%s/%s", dir, NR_FILE_STREAM);
	fd = open(path, O_RDWR | O_CLOEXEC);
	need(fd >= 0 && pread(fd, &first, HEAD, 0) == HEAD && !ftruncate(fd, HEAD), path);
	write_packets(fd, &first, packets);
	need(!nr_end_packet(&mark, &n, first.uuid, packets + 1, &account), "mark");
	need(pwrite(fd, mark, n, size) == (ssize_t)n, "write");
	free(mark);
	close(fd);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	if (!strcmp(what, "make") && argc == 4)
		make(argv[2], strtoull(argv[3], NULL, 0));
	else if (!strcmp(what, "zstd") && argc == 4)
		compress_stream(argv[2], argv[3]);
	else if (!strcmp(what, "series") && argc == 5)
		make_series(argv[2], argv[3], strtoul(argv[4], NULL, 0));
	else if (!strcmp(what, "list"))
		list(argv[2]);
	else if (!strcmp(what, "arrange"))
		arrange(argv[2], argv + 3);
	else if (!strcmp(what, "mark") && argc == 5)
		change_mark(argv[2], argv[3], strtoull(argv[4], NULL, 0));
	else if (!strcmp(what, "huge") && argc == 4)
		make_huge(argv[2], strtoull(argv[3], NULL, 0));
	else
		return 2;
	return 0;
}
