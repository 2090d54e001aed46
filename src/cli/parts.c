// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "parts.h"
#include "report/duration.h"

void parts_put_duration(struct put *p, uint64_t ns)
{
	put_str(p, duration(ns).s);
}

void parts_put_value(struct put *p, const struct nr_event *ev, const struct nr_field_info *field)
{
	int n = nr_event_format(ev, field, NR_FORMAT_TEXT, p->buf + p->len, p->size - p->len);

	if (n < 0)
		return;
	if ((size_t)n >= p->size - p->len) {
		if (!put_room(p, (size_t)n + 1))
			return;
		nr_event_format(ev, field, NR_FORMAT_TEXT, p->buf + p->len, p->size - p->len);
	}
	p->len += n;
}

static bool is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
			return false;
	return true;
}

void parts_put_text(struct put *p, const struct nr_event *ev, const struct nr_field_info *field)
{
	size_t len, begin = p->len;
	const char *text = nr_event_text(ev, field, &len);

	if (is_plain(text, len)) {
		put_bytes(p, text, len);
		return;
	}
	parts_put_value(p, ev, field); /* escapes, and adds quotes */
	if (p->len < begin + 2)
		return;
	memmove(p->buf + begin, p->buf + begin + 1, p->len - begin - 2);
	p->len -= 2;
}

void parts_put_enum(struct put *p, const struct nr_event *ev, const struct nr_field_info *field)
{
	uint64_t value = nr_event_int(ev, field);
	const char *name = nr_field_enum_name(field, value);

	if (name)
		put_str(p, name);
	else if (field->kind == NR_FIELD_INT)
		put_int(p, value);
	else
		put_uint(p, value);
}

static void put_ids(struct put *p, uint64_t pid, uint64_t tid)
{
	put_bytes(p, ":", 1);
	if (pid != tid) {
		put_int(p, pid);
		put_bytes(p, "/", 1);
	}
	put_int(p, tid);
}

void parts_put_who(struct put *p, const struct nr_event *ev, const struct nr_field_info *comm,
		   const struct nr_field_info *pid, const struct nr_field_info *tid)
{
	parts_put_text(p, ev, comm);
	put_ids(p, nr_event_int(ev, pid), nr_event_int(ev, tid));
}

void parts_put_task(struct put *p, const struct nr_event *ev, const struct parts_task *task)
{
	uint64_t tid = nr_event_int(ev, &task->tid);

	parts_put_text(p, ev, &task->comm);
	put_ids(p, task->has_pid ? nr_event_int(ev, &task->pid) : tid, tid);
}
