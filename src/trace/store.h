/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What writer and reader of the stream share: where things are in the file (docs/format.md), and
 * the way from an id to a type.
 */
#ifndef NR_TRACE_STORE_H
#define NR_TRACE_STORE_H

#include <linux/types.h>
#include <numaring/trace.h>
#include "layout.h"
#include "types.h"

#define NR_FORMAT_MAJOR 1 /* a reader of another major version refuses the trace */
#define NR_FORMAT_MINOR 1

#define NR_FILE_STREAM	 "stream"
#define NR_FILE_METADATA "metadata"
#define NR_FILE_BTF	 ".btf"		  /* a leading dot, or it would be taken for a stream */
#define NR_FILE_LOCK	 ".numaring.lock" /* while it is recorded; locked for writing */

#define NR_CTF_MAGIC  0xc1fc1fc1u
#define NR_CTF_STREAM 0u

/* Id of the container for a record that does not fit its type: an unknown id, or a payload too
 * short. It keeps the record as it came. */
#define NR_RAW_ID   0x7fffu
#define NR_RAW_NAME "numaring:raw"

/* The largest packet. Packets are cut at 1 MiB, but only where the time changes: a flood of late
 * records, which all stand at one time, makes them larger. Readers take no larger one for true. */
#define NR_PACKET_MAX (1ull << 30)

/* Watermark of the end mark: nothing more will come. */
#define NR_WATERMARK_END UINT64_MAX

/* Head of every packet: CTF's packet header and packet context. */
struct nr_packet_head {
	__u32 magic;
	__u8 uuid[16];
	__u32 stream_id;
	__u64 begin, end;
	__u64 content_bits; /* up to the end of the last field of the last record */
	__u64 packet_bits;
	__u64 seq;
	__u64 lost;
	__u64 watermark;
	__u32 events;
	__u32 crc; /* crc32 of zlib over the packet, this field taken as 0 */
};
_Static_assert(sizeof(struct nr_packet_head) == 88, "records must start at a multiple of 8");
_Static_assert(sizeof(struct nr_record) == 16, "record header of the file");

/* Head of the container's payload; the payload of the record it keeps follows. */
struct nr_raw {
	__u16 id;
	__u16 reserved;
	__u32 data_len;
};

/* The account in the end mark, behind the packet's head, where other readers see padding. Arrays
 * follow at size bytes from its start: losses by cause (u64), then struct nr_end_misfits. */
struct nr_end_head {
	__u32 size; /* of this struct: later minor versions append to it */
	__u32 flags;
	__s32 error;
	__u32 n_lost;
	__u32 n_misfits;
	__u32 zero;
	__u64 reserved, written, discarded, malformed, unwritten, unaccounted, late;
};
_Static_assert(sizeof(struct nr_end_head) == 80, "size in the file");

#define NR_END_REPAIRED                                                                            \
	1u /* written, late and the head's events_discarded are all that is known                  \
	    */

struct nr_end_misfits {
	__u16 id;
	__u16 zero[3];
	__u64 longer, shorter;
};
_Static_assert(sizeof(struct nr_end_misfits) == 24, "size in the file");

static inline bool nr_is_end_mark(const struct nr_packet_head *h)
{
	return h->watermark == NR_WATERMARK_END && !h->events;
}

static inline uint64_t nr_round8(uint64_t v)
{
	return (v + 7) & ~7ull;
}

struct nr_type {
	char *name;
	struct nr_layout *layout;
};

struct nr_types {
	struct btf *btf;
	struct nr_type *by_id; /* [n_ids], name NULL: no such type */
	uint32_t n_ids;
	struct nr_logger log;
};

static inline const struct nr_layout *nr_types_layout(const struct nr_types *types, uint16_t id)
{
	return id < types->n_ids ? types->by_id[id].layout : NULL;
}

/* What the metadata says beside the event types. */
struct nr_metadata {
	__u8 uuid[16];
	__u8 clock_uuid[16]; /* the same for all traces of one boot: their clock is the same */
	int64_t clock_offset;
	uint32_t btf_crc;
	unsigned minor; /* of the format; set by nr_metadata_read */
};

/* Text of the file metadata, malloc'ed. */
int nr_metadata_write(char **out, size_t *len, const struct nr_types *types,
		      const struct nr_metadata *md);
/* Reads it back from what nr_metadata_write wrote. -EPROTO: another tool or version; -EBADMSG. */
int nr_metadata_read(struct nr_metadata *md, const char *text, size_t len,
		     const struct nr_logger *log);
/* True if text is the beginning of a metadata file of ours, of any version. */
bool nr_metadata_is_ours(const char *text, size_t len);

/* What an end mark says; the account's arrays are its own. */
struct nr_end {
	struct nr_account account;
	uint64_t *lost;
	struct nr_type_stats *misfits;
};

/* The end mark as a packet, malloc'ed. 0 or -ENOMEM. */
int nr_end_packet(uint8_t **out, size_t *size, const __u8 *uuid, uint64_t seq,
		  const struct nr_account *account);
/* From a packet of size bytes, at least a head. *end is freed with nr_end_free. -EBADMSG, -ENOMEM.
 */
int nr_end_read(struct nr_end *end, const uint8_t *packet, size_t size);
void nr_end_free(struct nr_end *end);

/* The checksum of a packet, from its bytes. */
uint32_t nr_packet_crc(const uint8_t *packet, size_t size);

#endif
