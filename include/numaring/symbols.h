/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stacks, and the names of the addresses in them.
 *
 *	struct nr_symbols *symbols;
 *	struct nr_stack stack = { .sz = sizeof(stack) };
 *	char text[512];
 *
 *	nr_symbols_open(&symbols, "dir", NULL);
 *	for (unsigned k = 0; !nr_event_stack(symbols, types, ev, k, &stack); k++)
 *		for (unsigned i = 0; i < stack.n; i++) {
 *			nr_stack_text(symbols, &stack, i, text, sizeof(text));
 *			puts(text);
 *		}
 *	nr_symbols_close(symbols);
 *
 * A trace with stacks has the kernel's symbols, and says which files the processes had mapped. Names of
 * a process come from these files, if they are still there and unchanged, and from /usr/lib/debug.
 *
 * Conventions: see plan.h. Only one thread at a time may use a struct nr_symbols.
 */
#ifndef NUMARING_SYMBOLS_H
#define NUMARING_SYMBOLS_H

#include <numaring/event.h>
#include <numaring/log.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A stack in an event. Fields of an event are stacks if they are
 * - an array of 64-bit addresses whose name ends in "stack". Of a tail, the event's field "n_kernel" says
 *   how many of the addresses are the kernel's. Otherwise, these are the first ones in the upper half;
 * - an integer of 32 or 64 bits whose name ends in "stack_id": what bpf_get_stackid returned.
 * The kernel's addresses come first. Each part is from the inside out. The event's field "pid" says whose
 * the other addresses are.
 */
struct nr_stack {
	size_t sz; /* sizeof(struct nr_stack), set by the caller; the library fills in no more bytes */
	uint32_t pid; /* the process, with the host's PID */
	unsigned n, n_kernel;
	uint64_t ts;		   /* CLOCK_MONOTONIC ns */
	const uint64_t *addresses; /* [n]; valid as long as the event, and the struct nr_symbols */
	const char *field;	   /* name of the field; valid as long as the types */
	/* Of a stack id: why n is 0. -ENODATA: the trace does not have this stack; -ESTALE: another
	 * stack may have had this id at this time; another one: from bpf_get_stackid, such as -EEXIST or
	 * -EFAULT. 0: none of this. */
	int error;
	int64_t id; /* of a stack id: the value of the field; else 0 */
};

/* Is this field, of the event itself, an array of addresses that is a stack? */
NR_API bool nr_field_is_stack(const struct nr_field_info *field);

/* The first field that has a stack, without stack ids. -ENOENT: events of this type have none; -EINVAL:
 * sz is not set. */
NR_API int nr_stack_of(const struct nr_types *types, const struct nr_event *ev,
		       struct nr_stack *stack);

struct nr_symbols;

/* Stack i of an event, from 0. s has the stacks of ids; NULL: ids are no stacks. -ENOENT: there are no
 * more; -EINVAL: sz is not set; -ENOMEM. */
NR_API int nr_event_stack(struct nr_symbols *s, const struct nr_types *types,
			  const struct nr_event *ev, unsigned i, struct nr_stack *stack);

struct nr_symbols_opts {
	size_t sz;
	nr_log_fn log; /* gets which file of the trace is damaged */
	void *log_ctx;
};

/* dir: of a trace, flat or a series, or of a chunk. Its files are read when they are first needed. A
 * trace without them, or with damaged ones, has no names. -ENOMEM; an error of open. */
NR_API int nr_symbols_open(struct nr_symbols **out, const char *dir,
			   const struct nr_symbols_opts *opts);
NR_API void nr_symbols_close(struct nr_symbols *s); /* takes NULL */

/* Reads all files of the trace and its chunks at once. 0, also if there are none; -EBADMSG: at least one
 * is damaged, and the log says which; -ENOMEM. Call it before any other function. */
NR_API int nr_symbols_check(struct nr_symbols *s);

struct nr_symbol {
	size_t sz; /* sizeof(struct nr_symbol), set by the caller; the library fills in no more bytes */
	bool kernel;
	const char *name; /* of the function; NULL: unknown */
	/* Of the address in the function; without a name, in the file as its symbols count. */
	uint64_t offset;
	const char
		*module;  /* the kernel module, NULL: the kernel itself; or the file's last name */
	const char *path; /* of the file when it was mapped; NULL: of the kernel */
	const char *build_id; /* of the file, hexadecimal; NULL: unknown */
};

/* What an address was in a process at a time (CLOCK_MONOTONIC ns). s NULL: nothing has a name. The strings are valid until
 * nr_symbols_close. -ENOENT: unknown; -EINVAL: sz is not set; -ENOMEM. */
NR_API int nr_symbols_find(struct nr_symbols *s, uint32_t pid, uint64_t ts, uint64_t address,
			   struct nr_symbol *symbol);

/*
 * Writes address i of a stack to buf, as snprintf does, safe on a terminal: "vfs_read+0x1b",
 * "nft_do_chain+0x2f [nf_tables]", "main+0x1c (prog)", "prog+0x11c9" without symbols, "0x7f..." without
 * a file. An address where a call returns to belongs to the function that called.
 */
NR_API int nr_stack_text(struct nr_symbols *s, const struct nr_stack *stack, unsigned i, char *buf,
			 size_t size);

/* The index of a stack's first address that belongs to the code which was recorded: those of a tracepoint
 * begin with the functions of BPF and of the tracepoint itself. */
NR_API unsigned nr_stack_begin(struct nr_symbols *s, const struct nr_stack *stack);

#ifdef __cplusplus
}
#endif
#endif
