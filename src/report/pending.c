// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pending.h"

#include "duration.h"
#include "memory.h"
#include "text.h"

void pending_close(struct pending *p)
{
	free(p->list);
}

/* The oldest ones complete first, mostly. Returns n if there is none. */
static unsigned find(const struct pending *p, const struct pending_request *request)
{
	unsigned i = 0;

	for (; i < p->n; i++) {
		const struct pending_request *r = &p->list[i];

		if (r->sector == request->sector && r->op == request->op &&
		    r->major == request->major && r->minor == request->minor)
			break;
	}
	return i;
}

void pending_add(struct pending *p, const struct pending_request *request)
{
	if (p->n == PENDING_MAX || find(p, request) < p->n)
		return;
	if (p->n == p->room) {
		p->room = p->room ? 2 * p->room : 64;
		p->list = memory_grow(p->list, p->room, sizeof(*p->list));
	}
	p->list[p->n++] = *request;
}

void pending_remove(struct pending *p, const struct pending_request *request)
{
	unsigned i = find(p, request);

	if (i == p->n)
		return;
	p->n--;
	memmove(p->list + i, p->list + i + 1, (p->n - i) * sizeof(*p->list));
}

void pending_print_verdict(const struct pending *p, uint64_t end, FILE *out)
{
	const struct pending_request *r = p->list;

	if (!p->n)
		return;
	fprintf(out, " %s %s not complete at the end, the oldest after %s: %s on %s of %s.",
		counted_text(p->n, "request").s, p->n == 1 ? "is" : "are",
		duration(end - r->issued).s, r->op_name, safe_text(r->device).s,
		task_text(r->comm, r->tid).s);
}

void pending_print(const struct pending *p, const struct report_env *env, uint64_t end, FILE *out)
{
	if (!p->n)
		return;
	fprintf(out, "\nNot complete at the end:\n%-15s %9s  %-8s %-8s %12s  %s\n", "ISSUED",
		"SINCE", "DEVICE", "OP", "SECTOR", "TASK");
	for (unsigned i = 0; i < p->n && i < env->worst; i++) {
		const struct pending_request *r = &p->list[i];

		fprintf(out, "%s %9s  %-8s %-8s %12llu  %s\n", time_text(env, r->issued).s,
			duration(end - r->issued).s, safe_text(r->device).s, r->op_name,
			(unsigned long long)r->sector, task_text(r->comm, r->tid).s);
	}
	print_more(out, p->n, env->worst);
}

json_t *pending_json(const struct pending *p, uint64_t end)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < p->n; i++) {
		const struct pending_request *r = &p->list[i];

		json_array_append_new(list, json_pack("{s:I, s:I, s:s, s:s, s:I, s:s, s:i}",
						      "issued_ns", (json_int_t)r->issued, "age_ns",
						      (json_int_t)(end - r->issued), "device",
						      safe_text(r->device).s, "op", r->op_name,
						      "sector", (json_int_t)r->sector, "comm",
						      safe_text(r->comm).s, "tid", r->tid));
	}
	return list;
}
