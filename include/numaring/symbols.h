/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stacks, and the names of the addresses in them.
 *
 *	struct nr_symbols *symbols;
 *	struct nr_stack stack = { .sz = sizeof(stack) };
 *	char text[512];
 *
 *	nr_symbols_open(&symbols, "dir", NULL);
 *	if (!nr_stack_of(types, ev, &stack))
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

/* The stack in an event: its field "stack", of which the first "n_kernel" addresses are the kernel's,
 * each part from the inside out. */
struct nr_stack {
	size_t sz; /* sizeof(struct nr_stack), set by the caller; the library fills in no more bytes */
	uint32_t pid; /* the process, with the host's PID */
	unsigned n, n_kernel;
	uint64_t ts;		   /* CLOCK_MONOTONIC ns */
	const uint64_t *addresses; /* [n]; valid as long as the event */
};

/* -ENOENT: events of this type have no stack; -EINVAL: sz is not set. */
NR_API int nr_stack_of(const struct nr_types *types, const struct nr_event *ev,
		       struct nr_stack *stack);

struct nr_symbols;

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
