/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Why a program was refused, read from what libbpf warned of: which program, the end of the
 * verifier's log, and for the usual mistakes what to do. Pure functions of the text.
 */
#ifndef NR_EXPLAIN_H
#define NR_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

/* Of the verifier's log, or of libbpf's warnings if there is none. */
#define NR_REFUSAL_LINES 15

struct nr_refusal {
	char program[64];  /* its name; empty: no program is named */
	bool verified;	   /* the lines are the verifier's */
	const char *lines; /* the last ones; point into the text that was read, and may be empty */
	size_t len;
};

void nr_refusal_read(struct nr_refusal *r, const char *said);

/*
 * One sentence that says what to do; NULL: this is not a usual mistake. section: of the program, ""
 * if no program is named. Of libbpf's warnings only the one that tells remains in r->lines.
 */
const char *nr_refusal_advice(struct nr_refusal *r, const char *section);

#endif
