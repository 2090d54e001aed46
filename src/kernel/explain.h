/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Explains why a program was refused. libbpf's warnings tell which program it was and quote the
 * verifier's log; for the usual mistakes there is advice. Pure functions of the text.
 */
#ifndef NR_EXPLAIN_H
#define NR_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

/* At most this many lines are shown. */
#define NR_REFUSAL_LINES 15

struct nr_refusal {
	char program[64];   /* empty: no program is named */
	bool from_verifier; /* false: the lines are libbpf's warnings */
	const char *lines;  /* the last ones, inside the text that was read; may be empty */
	size_t len;
};

/* warnings: the text that libbpf warned with. It must outlive r. */
void nr_refusal_read(struct nr_refusal *r, const char *warnings);

/*
 * Returns one sentence that says what to do; NULL: this is no usual mistake. section is the
 * program's, "" if no program is named. If the lines are libbpf's, r->lines shrinks to the one that
 * shows the mistake.
 */
const char *nr_refusal_advice(struct nr_refusal *r, const char *section);

#endif
