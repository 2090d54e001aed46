// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <libdeflate.h>
#include <sys/utsname.h>
#include "base/trace_files.h"
#include "metadata.h"
#include "nodes.h"

#define CRC_LINE   "/* crc32 0x%08" PRIx32 " */\n"
#define CRC_LENGTH 23
#define NSEC	   1000000000ll

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE_ORDER_NAME "le"
#else
#define BYTE_ORDER_NAME "be"
#endif

static void put_uuid(FILE *out, const __u8 *u)
{
	for (int i = 0; i < 16; i++)
		fprintf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
}

/* On one line. */
static void put_string(FILE *out, const char *s)
{
	putc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putc('\\', out);
		putc((unsigned char)*s >= ' ' ? *s : ' ', out);
	}
	putc('"', out);
}

/* ---- fields ---- */

static void put_int(FILE *out, uint32_t bits, uint32_t align, bool is_signed, const char *more)
{
	fprintf(out, "integer { size = %u; align = %u; signed = %s;%s }", bits, align,
		is_signed ? "true" : "false", more);
}

/*
 * Maps C names to CTF names one to one. Every name gets an underscore in front, so that it is no
 * keyword. Readers remove it, and babeltrace2 2.0 compares the result with the unchanged names that
 * follow. So a second underscore must not follow: such a name gets "numaring_c" in front. A name
 * that starts with "numaring" gets it too, because "numaring_pad" is padding.
 */
static void put_name(FILE *out, const char *name)
{
	bool reserved = *name == '_' || !strncmp(name, "numaring", 8);

	fprintf(out, "_%s%s", reserved ? "numaring_c" : "", name);
}

static void put_padding(FILE *out, uint32_t bits, unsigned depth, unsigned *n)
{
	for (; bits; bits -= bits > 64 ? 64 : bits) {
		fprintf(out, "%*s", 2 * depth, "");
		put_int(out, bits > 64 ? 64 : bits, 1, false, " base = 16;");
		fprintf(out, " _numaring_pad%u;\n", (*n)++);
	}
}

static void put_enum(FILE *out, const struct nr_field *f)
{
	fprintf(out, "enum : ");
	put_int(out, f->bits, f->align, f->is_signed, "");
	fprintf(out, " { ");
	for (unsigned i = 0; i < f->n_values; i++)
		fprintf(out, f->is_signed ? "%s\"%s\" = %" PRId64 : "%s\"%s\" = %" PRIu64,
			i ? ", " : "", f->values[i].name, f->values[i].value);
	fprintf(out, " }");
}

static void put_struct(FILE *out, const struct nr_field *st, unsigned depth);

static void put_type(FILE *out, const struct nr_field *f, unsigned depth)
{
	switch (f->kind) {
	case NR_UINT:
	case NR_INT:
	case NR_BOOL:
		put_int(out, f->bits, f->align, f->is_signed, "");
		break;
	case NR_PTR:
		put_int(out, f->bits, f->align, false, " base = 16;");
		break;
	case NR_ENUM:
		if (f->n_values)
			put_enum(out, f);
		else
			put_int(out, f->bits, f->align, f->is_signed, "");
		break;
	case NR_FLOAT:
		fprintf(out, "floating_point { exp_dig = %u; mant_dig = %u; align = %u; }",
			f->bits == 32 ? 8 : 11, f->bits == 32 ? 24 : 53, f->align);
		break;
	case NR_TEXT:
		put_int(out, 8, 8, false, " encoding = UTF8;");
		break;
	case NR_BYTES:
		put_int(out, 8, 8, false, " base = 16;");
		break;
	case NR_STRUCT:
		fprintf(out, "struct {\n");
		put_struct(out, f, depth + 1);
		fprintf(out, "%*s} align(%u)", 2 * depth, "", f->align);
		break;
	case NR_ARRAY:
		put_type(out, f->kids, depth);
		break;
	}
}

/* Writes "[4][16]" after the name, outermost first as in C. */
static void put_dimensions(FILE *out, const struct nr_field *f)
{
	for (; f; f = f->kids) {
		if (f->kind != NR_ARRAY && f->kind != NR_TEXT && f->kind != NR_BYTES)
			return;
		if (!f->tail) {
			fprintf(out, "[%u]", f->count);
		} else { /* put_name treats NAME and NAME_len alike */
			putc('[', out);
			put_name(out, f->name);
			fprintf(out, "_len]");
		}
		if (f->kind != NR_ARRAY)
			return;
	}
}

static void put_struct(FILE *out, const struct nr_field *st, unsigned depth)
{
	unsigned n_pads = 0;

	for (unsigned i = 0; i < st->n_kids; i++) {
		const struct nr_field *f = &st->kids[i];

		put_padding(out, f->pad, depth, &n_pads);
		fprintf(out, "%*s", 2 * depth, "");
		put_type(out, f, depth);
		putc(' ', out);
		put_name(out, f->name);
		put_dimensions(out, f);
		fprintf(out, ";\n");
	}
	put_padding(out, st->last_pad, depth, &n_pads);
}

static void put_class(FILE *out, const char *name, unsigned id, const struct nr_layout *layout)
{
	bool late = id & NR_LATE_ID;

	fprintf(out, "event {\n  name = \"%s%s\";\n  id = %u;\n  stream_id = %u;\n", name,
		late ? ":late" : "", id, NR_CTF_STREAM);
	if (late)
		fprintf(out, "  context := struct { u64 _late_ts; };\n");
	fprintf(out, "  fields := struct {\n");
	if (layout)
		put_struct(out, &layout->root, 2);
	else
		fprintf(out, "    u16 _id;\n    u16 _reserved;\n    u32 _data_len;\n"
			     "    x8 _data[_data_len];\n");
	fprintf(out, "  };\n};\n\n");
}

/* ---- the rest ---- */

static void put_trace(FILE *out, const struct nr_metadata *md)
{
	fprintf(out,
		"typealias integer { size = 8; align = 8; signed = false; base = 16; } := x8;\n"
		"typealias integer { size = 16; align = 8; signed = false; } := u16;\n"
		"typealias integer { size = 32; align = 8; signed = false; } := u32;\n"
		"typealias integer { size = 64; align = 8; signed = false; } := u64;\n\n"
		"trace {\n  major = 1;\n  minor = 8;\n  uuid = \"");
	put_uuid(out, md->uuid);
	fprintf(out,
		"\";\n  byte_order = " BYTE_ORDER_NAME ";\n"
		"  packet.header := struct {\n"
		"    u32 magic;\n    integer { size = 8; align = 8; signed = false; } uuid[16];\n"
		"    u32 stream_id;\n  };\n};\n\n");
}

static void put_env(FILE *out, const struct nr_metadata *md)
{
	struct utsname uts = { 0 };

	uname(&uts);
	fprintf(out, "env {\n  hostname = ");
	put_string(out, uts.nodename);
	fprintf(out, ";\n  sysname = ");
	put_string(out, uts.sysname);
	fprintf(out, ";\n  kernel_release = ");
	put_string(out, uts.release);
	fprintf(out, ";\n  machine = ");
	put_string(out, uts.machine);
	fprintf(out,
		";\n  tracer_name = \"numaring\";\n  tracer_major = %u;\n  tracer_minor = %u;\n"
		"  btf_crc32 = %" PRIu32 ";\n",
		NR_FORMAT_MAJOR, NR_FORMAT_MINOR, md->btf_crc);
	if (md->filter) {
		fprintf(out, "  filter = ");
		put_string(out, md->filter);
		fprintf(out, ";\n");
	}
	if (md->cpu_nodes) {
		fprintf(out, "  cpu_nodes = \"");
		nr_nodes_write(out, md->cpu_nodes, md->n_cpus);
		fprintf(out, "\";\n");
	}
	fprintf(out, "};\n\n");
}

static void put_clock(FILE *out, const struct nr_metadata *md)
{
	int64_t sec = md->clock_offset / NSEC, ns = md->clock_offset % NSEC;

	if (ns < 0) { /* in CTF the fraction is unsigned */
		ns += NSEC;
		sec--;
	}
	fprintf(out, "clock {\n  name = \"monotonic\";\n  uuid = \"");
	put_uuid(out, md->clock_uuid);
	fprintf(out,
		"\";\n  description = \"CLOCK_MONOTONIC\";\n  freq = %lld;\n"
		"  offset_s = %" PRId64 ";\n  offset = %" PRId64 ";\n  absolute = true;\n};\n\n"
		"typealias integer { size = 64; align = 8; signed = false;\n"
		"  map = clock.monotonic.value; } := clock_ns;\n"
		"typealias integer { size = 64; align = 64; signed = false;\n"
		"  map = clock.monotonic.value; } := record_ns;\n\n",
		NSEC, sec, ns);
}

static void put_stream(FILE *out)
{
	fprintf(out,
		"stream {\n  id = %u;\n  packet.context := struct {\n"
		"    clock_ns timestamp_begin;\n    clock_ns timestamp_end;\n"
		"    u64 content_size;\n    u64 packet_size;\n    u64 packet_seq_num;\n"
		"    u64 events_discarded;\n    u64 watermark;\n    u32 events;\n    u32 "
		"checksum;\n"
		"  };\n"
		"  event.header := struct { record_ns timestamp; u16 id; };\n"
		"  event.context := struct { u16 cpu; u32 lost; };\n};\n\n",
		NR_CTF_STREAM);
}

static void put_all(FILE *out, const struct nr_types *types, const struct nr_metadata *md)
{
	fprintf(out, NR_METADATA_BEGIN "\n");
	put_trace(out, md);
	put_env(out, md);
	put_clock(out, md);
	put_stream(out);
	for (unsigned late = 0; late <= NR_LATE_ID; late += NR_LATE_ID) {
		for (uint32_t id = 0; id < types->n_ids; id++)
			if (types->by_id[id].name)
				put_class(out, types->by_id[id].name, id | late,
					  types->by_id[id].layout);
		put_class(out, NR_RAW_NAME, NR_RAW_ID | late, NULL);
	}
}

int nr_metadata_write(char **out, size_t *len, const struct nr_types *types,
		      const struct nr_metadata *md)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	bool bad;

	if (!f)
		return -ENOMEM;
	put_all(f, types, md);
	bad = fflush(f) || ferror(f);
	if (!bad)
		fprintf(f, CRC_LINE, libdeflate_crc32(0, text, size));
	bad |= ferror(f);
	if (fclose(f) || bad) {
		free(text);
		return -ENOMEM;
	}
	*out = text;
	*len = size;
	return 0;
}

/* ---- reading it back ---- */

/* Finds the value in "  key = VALUE;" after the line that opens the block. */
static const char *find(const char *text, const char *block, const char *key)
{
	char line[64];
	const char *p, *end;

	snprintf(line, sizeof(line), "\n%s {\n", block);
	p = strstr(text, line);
	end = p ? strstr(p, "\n};") : NULL;
	if (!end)
		return NULL;
	snprintf(line, sizeof(line), "\n  %s = ", key);
	p = strstr(p, line);
	return p && p < end ? p + strlen(line) : NULL;
}

static bool find_int(const char *text, const char *block, const char *key, int64_t *value)
{
	const char *p = find(text, block, key);
	char *end;

	if (!p)
		return false;
	errno = 0;
	*value = strtoll(p, &end, 10);
	return end != p && *end == ';' && !errno;
}

static bool find_uuid(const char *text, const char *block, __u8 *uuid)
{
	const char *p = find(text, block, "uuid");
	int n = 0;

	if (!p || *p != '"')
		return false;
	for (p++; n < 16; n++, p += 2) {
		unsigned byte;

		p += *p == '-';
		if (sscanf(p, "%2x", &byte) != 1)
			return false;
		uuid[n] = byte;
	}
	return *p == '"';
}

/* Sets *value to a string in the block, malloc'ed; NULL: there is none. 0 or -ENOMEM. */
static int find_string(const char *text, const char *block, const char *key, const char **value)
{
	const char *p = find(text, block, key);
	char *copy, *to;

	*value = NULL;
	if (!p || *p != '"')
		return 0;
	copy = to = strdup(p + 1);
	if (!copy)
		return -ENOMEM;
	for (p++; *p && *p != '"'; *to++ = *p++)
		p += *p == '\\' && p[1];
	*to = 0;
	*value = copy;
	return 0;
}

/* A line of another form is one of a later version. */
static int find_nodes(struct nr_metadata *md, const char *text)
{
	const char *line;
	uint32_t *nodes;
	unsigned n_cpus;
	int err = find_string(text, "env", "cpu_nodes", &line);

	md->cpu_nodes = NULL;
	md->n_cpus = 0;
	if (err || !line)
		return err;
	err = nr_nodes_read(line, &nodes, &n_cpus);
	free((char *)line);
	if (!err) {
		md->cpu_nodes = nodes;
		md->n_cpus = n_cpus;
	}
	return err == -ENOMEM ? err : 0;
}

static int check_crc(const char *text, size_t len)
{
	char line[CRC_LENGTH + 1];

	if (len < CRC_LENGTH)
		return -EBADMSG;
	len -= CRC_LENGTH;
	snprintf(line, sizeof(line), CRC_LINE, libdeflate_crc32(0, text, len));
	return memcmp(line, text + len, CRC_LENGTH) ? -EBADMSG : 0;
}

int nr_metadata_read(struct nr_metadata *md, const char *text, size_t len,
		     const struct nr_logger *log)
{
	int64_t major, minor, sec, ns, crc;
	int err;

	if (len < sizeof(NR_METADATA_BEGIN) - 1 ||
	    memcmp(text, NR_METADATA_BEGIN, sizeof(NR_METADATA_BEGIN) - 1)) {
		nr_log(log, NR_LOG_ERROR,
		       "numaring did not write the file metadata: read this trace with "
		       "babeltrace2");
		return -EPROTO;
	}
	if (!find_int(text, "env", "tracer_major", &major) || major != NR_FORMAT_MAJOR) {
		nr_log(log, NR_LOG_ERROR,
		       "the trace has an unknown format version, and this numaring reads only "
		       "version %d: read the trace with babeltrace2",
		       NR_FORMAT_MAJOR);
		return -EPROTO;
	}
	if (check_crc(text, len) || !find_uuid(text, "trace", md->uuid) ||
	    !find_uuid(text, "clock", md->clock_uuid) ||
	    !find_int(text, "env", "tracer_minor", &minor) || minor < 0 || minor > UINT16_MAX ||
	    !find_int(text, "env", "btf_crc32", &crc) ||
	    !find_int(text, "clock", "offset_s", &sec) || !find_int(text, "clock", "offset", &ns) ||
	    __builtin_mul_overflow(sec, NSEC, &sec) ||
	    __builtin_add_overflow(sec, ns, &md->clock_offset)) {
		nr_log(log, NR_LOG_ERROR, "the file metadata is damaged, or was changed by hand");
		return -EBADMSG;
	}
	md->btf_crc = crc;
	md->minor = minor;
	err = find_nodes(md, text) ?: find_string(text, "env", "filter", &md->filter);
	if (err)
		nr_metadata_destroy(md);
	return err;
}

void nr_metadata_destroy(struct nr_metadata *md)
{
	free((char *)md->filter);
	free((uint32_t *)md->cpu_nodes);
	md->filter = NULL;
	md->cpu_nodes = NULL;
	md->n_cpus = 0;
}
