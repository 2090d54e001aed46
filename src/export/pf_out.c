// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pf_out.h"

#include <errno.h>
#include <string.h>
#include <uthash.h>

#define SEQUENCE    1
#define CLEARED	    1 /* of sequence_flags */
#define NEEDS	    2
#define REALTIME    1 /* of clock_id */
#define MONOTONIC   3
#define FLUSH	    (256u << 10)
#define EVENT_BYTES 256u /* of a packet with an event but without arguments, at most */
#define ARG_BYTES   40u	 /* of an argument without its text, at most */

struct pf_string {
	UT_hash_handle hh;
	uint64_t iid;
	char key[]; /* its use, and the text */
};

static void *chunk(size_t size)
{
	return memory_new(1, size);
}

#define obstack_chunk_alloc chunk
#define obstack_chunk_free  free

/* ---- bytes ---- */

static void flush(struct pf_out *o)
{
	if (o->len && fwrite(o->buf, 1, o->len, o->file) != o->len)
		o->failed = true;
	o->len = 0;
}

static uint8_t *room(struct pf_out *o, size_t bytes)
{
	if (o->len >= FLUSH)
		flush(o);
	if (o->len + bytes > o->size) {
		o->size = 2 * (o->len + bytes);
		o->buf = memory_grow(o->buf, o->size, 1);
	}
	return o->buf + o->len;
}

static void put(struct pf_out *o, Pf__TracePacket **packets, unsigned n, size_t bytes)
{
	Pf__Trace trace = PF__TRACE__INIT;

	trace.packet = packets;
	trace.n_packet = n;
	o->len += pf__trace__pack(&trace, room(o, bytes));
}

static Pf__TracePacket new_packet(unsigned flags)
{
	Pf__TracePacket p = PF__TRACE_PACKET__INIT;

	p.has_trusted_packet_sequence_id = true;
	p.trusted_packet_sequence_id = SEQUENCE;
	p.has_sequence_flags = true;
	p.sequence_flags = flags;
	return p;
}

/* A packet that is rare. */
static void put_packet(struct pf_out *o, Pf__TracePacket *p)
{
	put(o, &p, 1, pf__trace_packet__get_packed_size(p) + 16);
}

/* ---- the sequence ---- */

static void free_strings(struct pf_out *o)
{
	struct pf_string *s, *next;

	HASH_ITER(hh, o->strings, s, next)
	{
		HASH_DEL(o->strings, s);
		free(s);
	}
}

static void begin_sequence(struct pf_out *o)
{
	Pf__TracePacketDefaults defaults = PF__TRACE_PACKET_DEFAULTS__INIT;
	Pf__TracePacket p = new_packet(CLEARED);

	free_strings(o);
	o->n_interned = 0;
	o->round++;
	defaults.has_timestamp_clock_id = true;
	defaults.timestamp_clock_id = MONOTONIC;
	p.trace_packet_defaults = &defaults;
	put_packet(o, &p);
}

static Pf__ClockSnapshot__Clock clock_at(uint32_t id, uint64_t now)
{
	Pf__ClockSnapshot__Clock c = PF__CLOCK_SNAPSHOT__CLOCK__INIT;

	c.has_clock_id = c.has_timestamp = true;
	c.clock_id = id;
	c.timestamp = now;
	return c;
}

static void put_clocks(struct pf_out *o, int64_t offset, uint64_t now)
{
	Pf__ClockSnapshot__Clock monotonic = clock_at(MONOTONIC, now);
	Pf__ClockSnapshot__Clock utc = clock_at(REALTIME, now + offset);
	Pf__ClockSnapshot__Clock *clocks[] = { &monotonic, &utc };
	Pf__ClockSnapshot snapshot = PF__CLOCK_SNAPSHOT__INIT;
	Pf__TracePacket p = PF__TRACE_PACKET__INIT;

	snapshot.clocks = clocks;
	snapshot.n_clocks = 2;
	snapshot.has_primary_trace_clock = true;
	snapshot.primary_trace_clock = MONOTONIC;
	p.clock_snapshot = &snapshot;
	p.has_trusted_packet_sequence_id = true;
	p.trusted_packet_sequence_id = SEQUENCE;
	put_packet(o, &p);
}

void pf_out_open(struct pf_out *o, FILE *file, int64_t clock_offset, uint64_t now)
{
	*o = (struct pf_out){ .file = file };
	obstack_init(&o->arena);
	o->arena_begin = obstack_alloc(&o->arena, 1);
	for (unsigned i = 0; i < 2; i++) {
		pf__track_event__init(&o->events[i]);
		o->events[i].has_type = o->events[i].has_track_uuid = true;
		o->packets[i] = new_packet(NEEDS);
		o->packets[i].has_timestamp = true;
		o->packets[i].track_event = &o->events[i];
	}
	put_clocks(o, clock_offset, now);
	begin_sequence(o);
}

void pf_out_close(struct pf_out *o)
{
	free_strings(o);
	obstack_free(&o->arena, NULL);
	free(o->buf);
}

void pf_out_next(struct pf_out *o)
{
	obstack_free(&o->arena, o->arena_begin);
	o->arena_begin = obstack_alloc(&o->arena, 1);
	if (o->n_interned > PF_INTERNED_MAX)
		begin_sequence(o);
}

int pf_out_flush(struct pf_out *o)
{
	flush(o);
	return o->failed ? -EIO : 0;
}

/* ---- strings ---- */

void pf_out_interned(struct pf_out *o, Pf__InternedData *data)
{
	Pf__TracePacket p = new_packet(NEEDS);

	p.interned_data = data;
	o->n_interned++;
	put_packet(o, &p);
}

static void put_name(struct pf_out *o, enum pf_use use, uint64_t iid, char *text)
{
	Pf__InternedData data = PF__INTERNED_DATA__INIT;
	Pf__InternedName name = PF__INTERNED_NAME__INIT, *names = &name;

	name.has_iid = true;
	name.iid = iid;
	name.name = text;
	if (use == PF_EVENT) {
		data.event_names = &names;
		data.n_event_names = 1;
	} else {
		data.debug_annotation_names = &names;
		data.n_debug_annotation_names = 1;
	}
	pf_out_interned(o, &data);
}

static void put_string(struct pf_out *o, enum pf_use use, uint64_t iid, char *text)
{
	Pf__InternedData data = PF__INTERNED_DATA__INIT;
	Pf__InternedString string = PF__INTERNED_STRING__INIT, *strings = &string;

	string.has_iid = string.has_str = true;
	string.iid = iid;
	string.str = (ProtobufCBinaryData){ strlen(text), (uint8_t *)text };
	if (use == PF_FUNCTION) {
		data.function_names = &strings;
		data.n_function_names = 1;
	} else {
		data.mapping_paths = &strings;
		data.n_mapping_paths = 1;
	}
	pf_out_interned(o, &data);
}

uint64_t pf_intern(struct pf_out *o, enum pf_use use, const char *string)
{
	size_t len = strlen(string) + 1;
	char key[1 + len];
	struct pf_string *s;

	key[0] = (char)use;
	memcpy(key + 1, string, len);
	HASH_FIND(hh, o->strings, key, sizeof(key), s);
	if (s)
		return s->iid;
	s = memory_new(1, sizeof(*s) + sizeof(key));
	s->iid = ++o->iids;
	memcpy(s->key, key, sizeof(key));
	HASH_ADD_KEYPTR(hh, o->strings, s->key, sizeof(key), s);
	(use == PF_EVENT || use == PF_ARG ? put_name : put_string)(o, use, s->iid, s->key + 1);
	return s->iid;
}

/* Bytes of the UTF-8 character there; 0: there is none. */
static unsigned utf8(const unsigned char *p, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned n = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;
	uint32_t c = n == 1 ? *p : *p & (0x7fu >> n);

	if (n > len)
		return 0;
	for (unsigned i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	return n && c >= least[n] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) ? n : 0;
}

char *pf_text(struct pf_out *o, const char *text, size_t len)
{
	char *to = obstack_alloc(&o->arena, 4 * len + 1), *at = to;

	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		n = utf8((const unsigned char *)text + i, len - i);
		if (n)
			at = mempcpy(at, text + i, n);
		else
			at += sprintf(at, "\\x%02x", (unsigned char)text[i]);
	}
	*at = '\0';
	return to;
}

/* ---- arguments ---- */

static void grow(struct pf_out *o, struct pf_args *args)
{
	unsigned room = args->room ? 2 * args->room : 8;
	Pf__DebugAnnotation **list = obstack_alloc(&o->arena, room * sizeof(*list));

	if (args->n)
		memcpy(list, args->list, args->n * sizeof(*list));
	args->list = list;
	args->room = room;
}

Pf__DebugAnnotation *pf_arg(struct pf_out *o, struct pf_args *args, uint64_t name_iid)
{
	static const Pf__DebugAnnotation init = PF__DEBUG_ANNOTATION__INIT;
	Pf__DebugAnnotation *arg = obstack_alloc(&o->arena, sizeof(*arg));

	*arg = init;
	arg->has_name_iid = name_iid;
	arg->name_iid = name_iid;
	if (args->n == args->room)
		grow(o, args);
	args->list[args->n++] = arg;
	args->bytes += ARG_BYTES;
	return arg;
}

void pf_arg_uint(struct pf_out *o, struct pf_args *args, const char *name, uint64_t value)
{
	Pf__DebugAnnotation *arg = pf_arg(o, args, pf_intern(o, PF_ARG, name));

	arg->has_uint_value = true;
	arg->uint_value = value;
}

void pf_arg_int(struct pf_out *o, struct pf_args *args, const char *name, int64_t value)
{
	Pf__DebugAnnotation *arg = pf_arg(o, args, pf_intern(o, PF_ARG, name));

	arg->has_int_value = true;
	arg->int_value = value;
}

void pf_set_text(struct pf_args *args, Pf__DebugAnnotation *arg, char *text)
{
	arg->string_value = text;
	args->bytes += strlen(text);
}

void pf_arg_text(struct pf_out *o, struct pf_args *args, const char *name, const char *value)
{
	Pf__DebugAnnotation *arg = pf_arg(o, args, pf_intern(o, PF_ARG, name));

	pf_set_text(args, arg, pf_text(o, value, strlen(value)));
}

/* ---- tracks ---- */

static void put_track(struct pf_out *o, Pf__TrackDescriptor *track, uint64_t uuid, uint64_t parent)
{
	Pf__TracePacket p = new_packet(NEEDS);

	track->has_uuid = true;
	track->uuid = uuid;
	track->has_parent_uuid = parent;
	track->parent_uuid = parent;
	p.track_descriptor = track;
	put_packet(o, &p);
}

uint64_t pf_track(struct pf_out *o, uint64_t parent, const char *name, int rank)
{
	Pf__TrackDescriptor track = PF__TRACK_DESCRIPTOR__INIT;

	track.name = (char *)name;
	track.has_child_ordering = true;
	track.child_ordering = PF__TRACK_DESCRIPTOR__ORDERING__BY_RANK;
	track.has_sibling_order_rank = true;
	track.sibling_order_rank = rank;
	put_track(o, &track, ++o->uuids, parent);
	return o->uuids;
}

void pf_process(struct pf_out *o, uint64_t uuid, int32_t pid, const char *name)
{
	Pf__TrackDescriptor track = PF__TRACK_DESCRIPTOR__INIT;
	Pf__ProcessDescriptor process = PF__PROCESS_DESCRIPTOR__INIT;

	process.has_pid = true;
	process.pid = pid;
	process.process_name = (char *)name;
	track.process = &process;
	put_track(o, &track, uuid, 0);
}

void pf_thread(struct pf_out *o, uint64_t uuid, uint64_t parent, int32_t pid, int32_t tid,
	       const char *name)
{
	Pf__TrackDescriptor track = PF__TRACK_DESCRIPTOR__INIT;
	Pf__ThreadDescriptor thread = PF__THREAD_DESCRIPTOR__INIT;

	thread.has_pid = thread.has_tid = true;
	thread.pid = pid;
	thread.tid = tid;
	thread.thread_name = (char *)name;
	track.thread = &thread;
	track.has_child_ordering = true;
	track.child_ordering = PF__TRACK_DESCRIPTOR__ORDERING__BY_RANK;
	put_track(o, &track, uuid, parent);
}

/* ---- events ---- */

static void set_flow(Pf__TrackEvent *event, uint64_t *flow, bool begins)
{
	event->n_flow_ids = *flow && begins;
	event->flow_ids = flow;
	event->n_terminating_flow_ids = *flow && !begins;
	event->terminating_flow_ids = flow;
}

static void put_event(struct pf_out *o, const struct pf_event *e, Pf__TrackEvent__Type type)
{
	Pf__TracePacket *packets[] = { &o->packets[0], &o->packets[1] };
	Pf__TrackEvent *event = &o->events[0];
	bool slice = type == PF__TRACK_EVENT__TYPE__SLICE_BEGIN;
	uint64_t flow = e->flow;

	packets[0]->timestamp = e->begin;
	event->type = type;
	event->track_uuid = e->track;
	event->has_name_iid = true;
	event->name_iid = e->name;
	event->has_callstack_iid = e->callstack;
	event->callstack_iid = e->callstack;
	event->n_debug_annotations = e->args ? e->args->n : 0;
	event->debug_annotations = e->args ? e->args->list : NULL;
	set_flow(event, &flow, !slice);
	if (slice) {
		packets[1]->timestamp = e->end;
		o->events[1].type = PF__TRACK_EVENT__TYPE__SLICE_END;
		o->events[1].track_uuid = e->track;
	}
	put(o, packets, 1 + slice, EVENT_BYTES + (e->args ? e->args->bytes : 0));
}

void pf_slice(struct pf_out *o, const struct pf_event *e)
{
	put_event(o, e, PF__TRACK_EVENT__TYPE__SLICE_BEGIN);
}

void pf_instant(struct pf_out *o, const struct pf_event *e)
{
	put_event(o, e, PF__TRACK_EVENT__TYPE__INSTANT);
}

void pf_sample(struct pf_out *o, const struct pf_sample *s)
{
	Pf__PerfSample sample = PF__PERF_SAMPLE__INIT;
	Pf__TracePacket p = new_packet(NEEDS);

	sample.has_cpu = sample.has_pid = sample.has_tid = true;
	sample.cpu = s->cpu;
	sample.pid = s->pid;
	sample.tid = s->tid;
	sample.has_callstack_iid = s->callstack;
	sample.callstack_iid = s->callstack;
	sample.has_cpu_mode = true;
	sample.cpu_mode = s->in_kernel ? 1 : 2;
	p.has_timestamp = true;
	p.timestamp = s->ts;
	p.perf_sample = &sample;
	put_packet(o, &p);
}
