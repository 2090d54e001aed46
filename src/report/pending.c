// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pending.h"

#include "duration.h"
#include "memory.h"
#include "text.h"

void pending_close(struct pending *p)
{
	free(p->list);
}

static uint32_t *chain(struct pending *p, const struct pending_request *r)
{
	uint64_t key = r->sector ^ (uint64_t)r->major << 52 ^ (uint64_t)r->minor << 40 ^ r->op;

	return &p->chains[(key * 0x9e3779b97f4a7c15ull >> 32) % PENDING_CHAINS];
}

/* The link to the request; to 0 if it is not there. */
static uint32_t *find(struct pending *p, const struct pending_request *request)
{
	uint32_t *link = chain(p, request);

	for (; *link; link = &p->list[*link - 1].next) {
		const struct pending_request *r = &p->list[*link - 1];

		if (r->sector == request->sector && r->op == request->op &&
		    r->major == request->major && r->minor == request->minor)
			break;
	}
	return link;
}

/* Returns the index + 1 of a request that is not used. */
static uint32_t take(struct pending *p)
{
	uint32_t free = p->free;

	if (free) {
		p->free = p->list[free - 1].next;
		return free;
	}
	if (p->used == p->room) {
		p->room = p->room ? 2 * p->room : 64;
		p->list = memory_grow(p->list, p->room, sizeof(*p->list));
	}
	return ++p->used;
}

static void insert(struct pending *p, const struct pending_request *request)
{
	uint32_t i = take(p), *first = chain(p, request);

	p->list[i - 1] = *request;
	p->list[i - 1].next = *first;
	*first = i;
	p->n++;
}

void pending_add(struct pending *p, const struct pending_request *request, uint64_t lost_until)
{
	uint32_t *link = find(p, request);

	if (*link && p->list[*link - 1].issued >= lost_until)
		return;
	if (*link)
		pending_remove(p, request);
	if (p->n < PENDING_MAX)
		insert(p, request);
}

void pending_remove(struct pending *p, const struct pending_request *request)
{
	uint32_t *link = find(p, request), i = *link;

	if (!i)
		return;
	*link = p->list[i - 1].next;
	p->list[i - 1].next = p->free;
	p->free = i;
	p->n--;
}

static int by_age(const void *a, const void *b)
{
	const struct pending_request *x = a, *y = b;

	return (x->issued > y->issued) - (x->issued < y->issued);
}

void pending_end(struct pending *p, uint64_t lost_until, uint64_t end)
{
	struct pending_request *list = memory_new(p->n, sizeof(*list));
	unsigned n = 0;

	for (unsigned c = 0; c < PENDING_CHAINS; c++) {
		for (uint32_t i = p->chains[c]; i; i = p->list[i - 1].next) {
			const struct pending_request *r = &p->list[i - 1];

			if (r->issued < lost_until)
				p->doubtful++;
			else if (r->issued + PENDING_LEAST <= end)
				list[n++] = *r;
		}
	}
	qsort(list, n, sizeof(*list), by_age);
	free(p->list);
	p->list = list;
	p->n = n;
}

void pending_print_verdict(const struct pending *p, uint64_t end, FILE *out)
{
	const struct pending_request *r = p->list;

	if (p->n)
		fprintf(out, " %s %s not seen to complete, the oldest for %s: %s on %s of %s.",
			counted_text(p->n, "request").s, p->n == 1 ? "was" : "were",
			duration(end - r->issued).s, r->op_name, safe_text(r->device).s,
			task_text(r->comm, r->tid).s);
	if (p->doubtful)
		fprintf(out, " The completion of %s may be lost, or not recorded.",
			counted_text(p->doubtful, "request").s);
}

void pending_print(const struct pending *p, const struct report_env *env, uint64_t end, FILE *out)
{
	if (!p->n)
		return;
	fprintf(out, "\nNot seen to complete:\n%-15s %9s  %-8s %-8s %12s  %s\n", "ISSUED", "SINCE",
		"DEVICE", "OP", "SECTOR", "TASK");
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
