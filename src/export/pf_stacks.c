// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pf_stacks.h"

#include <inttypes.h>
#include <string.h>
#include <uthash.h>

#define KERNEL	   "[kernel]"
#define FRAMES_MAX 512

/* Something that has a number, by its bytes. */
struct pf_known {
	UT_hash_handle hh;
	uint64_t iid;
	char key[];
};

static void forget(struct pf_known **all)
{
	struct pf_known *k, *next;

	HASH_ITER(hh, *all, k, next)
	{
		HASH_DEL(*all, k);
		free(k);
	}
}

void pf_stacks_close(struct pf_stacks *s)
{
	forget(&s->frames);
	forget(&s->stacks);
	forget(&s->files);
}

/* The number of what has this key; *is_new: it has just got it. */
static uint64_t number(struct pf_known **all, struct pf_out *o, const void *key, size_t size,
		       bool *is_new)
{
	struct pf_known *k;

	HASH_FIND(hh, *all, key, size, k);
	*is_new = !k;
	if (k)
		return k->iid;
	k = memory_new(1, sizeof(*k) + size);
	k->iid = ++o->iids;
	memcpy(k->key, key, size);
	HASH_ADD_KEYPTR(hh, *all, k->key, size, k);
	return k->iid;
}

/* A file, or the kernel, as a mapping of all addresses. */
static uint64_t mapping(struct pf_stacks *s, struct pf_out *o, const char *path)
{
	Pf__InternedData data = PF__INTERNED_DATA__INIT;
	Pf__Mapping m = PF__MAPPING__INIT, *list = &m;
	uint64_t path_iid;
	bool is_new;

	m.has_iid = m.has_start = m.has_end = true;
	m.iid = number(&s->files, o, path, strlen(path) + 1, &is_new);
	if (!is_new)
		return m.iid;
	path_iid = pf_intern(o, PF_PATH, path);
	m.end = UINT64_MAX;
	m.path_string_ids = &path_iid;
	m.n_path_string_ids = 1;
	data.mappings = &list;
	data.n_mappings = 1;
	pf_out_interned(o, &data);
	return m.iid;
}

static void put_frame(struct pf_out *o, uint64_t iid, uint64_t function, uint64_t map,
		      uint64_t address)
{
	Pf__InternedData data = PF__INTERNED_DATA__INIT;
	Pf__Frame f = PF__FRAME__INIT, *list = &f;

	f.has_iid = f.has_function_name_id = f.has_mapping_id = f.has_rel_pc = true;
	f.iid = iid;
	f.function_name_id = function;
	f.mapping_id = map;
	f.rel_pc = address;
	data.frames = &list;
	data.n_frames = 1;
	pf_out_interned(o, &data);
}

/* The function of an address, without the offset in it; without a function, the file and the
 * offset in it, or the address. */
static const char *function_of(const struct nr_symbol *symbol, uint64_t address, char *buf,
			       size_t size)
{
	if (symbol->name)
		return symbol->name;
	if (symbol->module)
		snprintf(buf, size, "%s+0x%" PRIx64, symbol->module, symbol->offset);
	else
		snprintf(buf, size, "0x%" PRIx64, address);
	return buf;
}

static uint64_t frame(struct pf_stacks *s, struct pf_out *o, const struct nr_stack *stack,
		      unsigned i)
{
	bool kernel = i < stack->n_kernel, back = i && i != stack->n_kernel;
	uint64_t address = stack->addresses[i];
	struct {
		uint64_t address, pid;
	} key = { address, kernel ? 0 : stack->pid };
	struct nr_symbol symbol = { .sz = sizeof(symbol) };
	char text[256];
	const char *function, *path;
	bool is_new;
	uint64_t iid = number(&s->frames, o, &key, sizeof(key), &is_new), map;

	if (!is_new)
		return iid;
	if ((!kernel && address >> 63) || nr_symbols_find(s->symbols, stack->pid, stack->ts,
							  address - (back && address), &symbol))
		symbol = (struct nr_symbol){};
	function = function_of(&symbol, address, text, sizeof(text));
	path = kernel	     ? symbol.module ? symbol.module : KERNEL
	       : symbol.path ? symbol.path
			     : "[unknown]";
	map = mapping(s, o, pf_text(o, path, strlen(path)));
	put_frame(o, iid, pf_intern(o, PF_FUNCTION, pf_text(o, function, strlen(function))), map,
		  address);
	return iid;
}

static void put_stack(struct pf_out *o, uint64_t iid, uint64_t *frames, unsigned n)
{
	Pf__InternedData data = PF__INTERNED_DATA__INIT;
	Pf__Callstack c = PF__CALLSTACK__INIT, *list = &c;

	c.has_iid = true;
	c.iid = iid;
	c.frame_ids = frames;
	c.n_frame_ids = n;
	data.callstacks = &list;
	data.n_callstacks = 1;
	pf_out_interned(o, &data);
}

uint64_t pf_stacks_get(struct pf_stacks *s, struct pf_out *o, const struct nr_stack *stack)
{
	unsigned n = stack->n < FRAMES_MAX ? stack->n : FRAMES_MAX;
	unsigned first = stack->n_kernel <= n ? nr_stack_begin(s->symbols, stack) : 0;
	uint64_t frames[FRAMES_MAX];
	bool is_new;
	uint64_t iid;

	if (s->round != o->round)
		pf_stacks_close(s);
	s->round = o->round;
	if (first >= n)
		return 0;
	for (unsigned i = first; i < n; i++)
		frames[n - 1 - i] = frame(s, o, stack, i);
	iid = number(&s->stacks, o, frames, (n - first) * sizeof(*frames), &is_new);
	if (is_new)
		put_stack(o, iid, frames, n - first);
	return iid;
}
