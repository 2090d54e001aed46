// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>
#include "frame.h"

#define LABEL sizeof(struct nr_label)
#define HEAD  sizeof(struct nr_packet_head)

/* Where the checksum of a label begins. */
#define SEALED offsetof(struct nr_label, zero)

/* Memory that a compressor keeps for its next packet. Only a flood of late records needs more. */
#define KEEP_BYTES (8u << 20)

struct nr_frames {
	ZSTD_CCtx *zstd;
	uint8_t *room; /* for the largest frame that a packet may become */
	size_t cap;
};

/* ---- compressing ---- */

/* zstd's memory runs out, or the parameters are wrong. */
static int error_of(size_t ret)
{
	return ZSTD_getErrorCode(ret) == ZSTD_error_memory_allocation ? -ENOMEM : -EINVAL;
}

/* zstd adds no checksum of its own, unless it is told to: the packet's is enough. */
static int set_level(ZSTD_CCtx *zstd, int level)
{
	size_t ret = ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level);

	return ZSTD_isError(ret) ? error_of(ret) : 0;
}

int nr_frames_level(const char *text, int *level)
{
	char *end;
	long n;

	if (strncmp(text, "zstd", 4))
		return -EINVAL;
	text += 4;
	*level = NR_FRAMES_DEFAULT;
	if (!*text)
		return 0;
	if (*text++ != ':' || !isdigit(text[*text == '-']))
		return -EINVAL;
	n = strtol(text, &end, 10);
	if (*end || n < NR_FRAMES_LEAST || n > NR_FRAMES_MOST)
		return -EINVAL;
	*level = n;
	return 0;
}

int nr_frames_new(struct nr_frames **out, int level)
{
	struct nr_frames *f;
	int err;

	if (level < NR_FRAMES_LEAST || level > NR_FRAMES_MOST)
		return -EINVAL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->zstd = ZSTD_createCCtx();
	err = f->zstd ? set_level(f->zstd, level) : -ENOMEM;
	if (err)
		nr_frames_free(f);
	else
		*out = f;
	return err;
}

void nr_frames_free(struct nr_frames *f)
{
	if (!f)
		return;
	ZSTD_freeCCtx(f->zstd);
	free(f->room);
	free(f);
}

/* Grows *bytes, whose content is lost, to size bytes. */
static int make_room(uint8_t **bytes, size_t *cap, size_t size)
{
	uint8_t *grown;

	if (size <= *cap)
		return 0;
	grown = malloc(size);
	if (!grown)
		return -ENOMEM;
	free(*bytes);
	*bytes = grown;
	*cap = size;
	return 0;
}

static void add_label(uint8_t *to, const uint8_t *packet, size_t frame_size)
{
	struct nr_label label = {
		.magic = htole32(NR_LABEL_MAGIC),
		.size = htole32(LABEL - offsetof(struct nr_label, crc)),
		.frame_size = frame_size,
	};

	memcpy(&label.head, packet, HEAD);
	label.crc = libdeflate_crc32(0, (uint8_t *)&label + SEALED, LABEL - SEALED);
	memcpy(to, &label, LABEL);
}

/* What a packet may become is ten times what it becomes. So the frame is made in the compressor's
 * memory, and the packet's has the size of the frame. */
static int make(struct nr_frames *f, const uint8_t *packet, size_t size, uint8_t **out, size_t *cap,
		size_t *used)
{
	size_t ret;
	int err = make_room(&f->room, &f->cap, ZSTD_compressBound(size));

	if (err)
		return err;
	ret = ZSTD_compress2(f->zstd, f->room, f->cap, packet, size);
	if (ZSTD_isError(ret))
		return error_of(ret);
	err = make_room(out, cap, LABEL + ret);
	if (err)
		return err;
	add_label(*out, packet, ret);
	memcpy(*out + LABEL, f->room, ret);
	*used = LABEL + ret;
	return 0;
}

int nr_frame_make(struct nr_frames *f, const uint8_t *packet, size_t size, uint8_t **out,
		  size_t *cap, size_t *used)
{
	int err = make(f, packet, size, out, cap, used);

	if (f->cap > KEEP_BYTES) {
		free(f->room);
		f->room = NULL;
		f->cap = 0;
	}
	return err;
}

/* ---- reading ---- */

/* The smallest frame has 4 bytes of magic, a byte each of description and size, and a block's head. */
#define FRAME_MIN 9

static bool is_possible(uint64_t packet_bits, uint64_t frame_size)
{
	return packet_bits >= HEAD * 8 && packet_bits <= NR_PACKET_MAX * 8 && !(packet_bits % 64) &&
	       frame_size >= FRAME_MIN && frame_size <= ZSTD_compressBound(packet_bits / 8);
}

bool nr_label_is_valid(const struct nr_label *label)
{
	return label->magic == htole32(NR_LABEL_MAGIC) &&
	       label->size == htole32(LABEL - offsetof(struct nr_label, crc)) &&
	       label->crc == libdeflate_crc32(0, (const uint8_t *)label + SEALED, LABEL - SEALED) &&
	       label->head.magic == NR_CTF_MAGIC &&
	       is_possible(label->head.packet_bits, label->frame_size);
}

/* zstd itself would take any number of frames, also some to skip. */
int nr_frame_read(uint8_t *packet, size_t size, const uint8_t *frame, size_t frame_size)
{
	size_t ret;

	if (ZSTD_getFrameContentSize(frame, frame_size) != size ||
	    ZSTD_findFrameCompressedSize(frame, frame_size) != frame_size)
		return -EBADMSG;
	ret = ZSTD_decompress(packet, size, frame, frame_size);
	if (ZSTD_isError(ret) && error_of(ret) == -ENOMEM)
		return -ENOMEM;
	return ret == size ? 0 : -EBADMSG;
}
