/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An expression on its way from a text to a program for each event type:
 *
 *	context.c	memory and messages
 *	lex.c		text -> tokens
 *	text.c		a text in quotes, and what it matches
 *	parse.c		tokens -> tree
 *	names.c		what the name on the left of a comparison means
 *	near.c		the nearest right name, for messages
 *	place.c		where the field of a name is in the payload of a type
 *	match.c		which values of this field the comparison accepts
 *	ranges.c	the same for integers
 *	check.c		is each comparison possible for some type?
 *	generate.c	the tree of one type -> tests with jumps
 *	compile.c	tests -> program
 *	run.c		program and event -> yes or no
 *	tests.c		tests -> struct nr_test, for BPF programs
 */
#ifndef NR_QUERY_QUERY_H
#define NR_QUERY_QUERY_H

#include <numaring/query.h>
#include "base/log.h"
#include "types/types.h"

#define NR_QUERY_MAX_TEXT  8192 /* bytes of an expression */
#define NR_QUERY_MAX_DEPTH 64	/* of parentheses and ! */

/* Without a sign, which is a token of its own. */
struct nr_number {
	bool is_whole;
	uint64_t whole; /* if is_whole; else rounded down */
	double real;
};

/* A text in double quotes. */
struct nr_text {
	const char *bytes; /* without quotes and escapes, terminated */
	uint32_t n_bytes;
	bool is_glob;	       /* has * ? or [...] that are not escaped */
	uint32_t n_prefix;     /* bytes before the first of these */
	bool is_prefix;	       /* the first of these is a * at the end */
	const uint16_t *elems; /* [n_elems]: a byte, or one of enum nr_glob */
	uint32_t n_elems;
	const struct nr_byte_set *sets;
};

enum nr_glob {
	NR_GLOB_ANY = 256, /* ?: one byte */
	NR_GLOB_STAR,	   /* *: any bytes */
	NR_GLOB_SET,	   /* and above: sets[elem - NR_GLOB_SET] */
};

struct nr_byte_set {
	uint64_t bits[4];
};

enum nr_token_kind {
	NR_TOKEN_END,
	NR_TOKEN_WORD, /* a name, with dots, colons and [N] */
	NR_TOKEN_NUMBER,
	NR_TOKEN_TEXT,
	NR_TOKEN_AND,
	NR_TOKEN_OR,
	NR_TOKEN_NOT,
	NR_TOKEN_OPEN,
	NR_TOKEN_CLOSE,
	NR_TOKEN_LIST,
	NR_TOKEN_LIST_END,
	NR_TOKEN_COMMA,
	NR_TOKEN_MINUS,
	NR_TOKEN_EQ,
	NR_TOKEN_NE,
	NR_TOKEN_LT,
	NR_TOKEN_LE,
	NR_TOKEN_GT,
	NR_TOKEN_GE,
};

struct nr_token {
	enum nr_token_kind kind;
	const char *at; /* in the text of the query */
	uint32_t len;
	struct nr_number number;
	struct nr_text text;
};

/* A constant: a number, a text, or a word (the name of an enum's value, true, false). */
struct nr_item {
	const struct nr_token *low, *high; /* the same token unless it is a range */
	bool low_negative, high_negative;
};

enum nr_op {
	NR_OP_SET, /* no operator: is it not 0? */
	NR_OP_EQ,
	NR_OP_NE,
	NR_OP_LT,
	NR_OP_LE,
	NR_OP_GT,
	NR_OP_GE,
	NR_OP_IN,
	NR_OP_NOT_IN,
};

enum nr_subject {
	NR_SUBJECT_FIELD, /* path, of one type or of all */
	NR_SUBJECT_CPU,
	NR_SUBJECT_NODE,
	NR_SUBJECT_TYPE,
	NR_SUBJECT_PID,
	NR_SUBJECT_TID,
	NR_SUBJECT_COMM,
	NR_SUBJECT_CGROUP,
};

/* A comparison. */
struct nr_term {
	const char *at;	  /* the left side */
	const char *type; /* of TYPE.field; NULL: every type */
	const char *path; /* the field, or the whole name */
	enum nr_subject subject;
	enum nr_op op;
	const char *op_at;
	const struct nr_item *items;
	unsigned n_items;
};

enum nr_node_kind { NR_NODE_AND, NR_NODE_OR, NR_NODE_NOT, NR_NODE_TERM };

struct nr_node {
	enum nr_node_kind kind;
	const char *at;
	struct nr_node *kids, *next; /* AND, OR: two or more; NOT: one */
	struct nr_term *term;
};

/* Where the value of a comparison is in an event. */
struct nr_place {
	struct nr_field leaf; /* offset from the start of the payload, bits; not in layout's tree */
	const struct nr_layout *layout;
	bool is_cpu;  /* it is the CPU of the record, and leaf only says what that is like */
	bool in_tail; /* it is in element tail_index of the tail */
	uint32_t tail_index;
};

/* Integers, each with 2^63 added if the field is signed, so that they compare as unsigned ones. */
struct nr_range {
	uint64_t low, high;
};

struct nr_real_range {
	double low, high;
	bool low_open, high_open; /* without this end */
};

/* The values of a field that a comparison accepts: ranges in ascending order with gaps between
 * them; or one of the texts. */
struct nr_match {
	unsigned n;
	union {
		const struct nr_range *ranges;
		const struct nr_real_range *reals;
		const struct nr_text *const *texts;
	};
};

/* Targets of jumps besides the numbers of tests. */
#define NR_ACCEPT 0xffffu
#define NR_REJECT 0xfffeu

enum nr_load {
	NR_LOAD_8,
	NR_LOAD_16,
	NR_LOAD_32,
	NR_LOAD_64,
	NR_LOAD_S8,
	NR_LOAD_S16,
	NR_LOAD_S32,
	NR_LOAD_S64,
	NR_LOAD_CPU,
	NR_LOAD_BITS,
	NR_LOAD_REAL,
	NR_LOAD_TEXT,
};

/* A test with its jumps. */
struct nr_insn {
	uint8_t load;
	bool is_one; /* integers: one range, low to low + span */
	uint16_t yes, no;
	uint32_t offset; /* bytes from the start of the payload */
	uint64_t low, span;
	struct nr_match match;
	const struct nr_place *place;
};

struct nr_program {
	const struct nr_insn *code;
	uint32_t entry; /* its first test, or NR_ACCEPT, NR_REJECT */
	uint32_t size;	/* bytes that a payload must have */
};

struct nr_query {
	struct nr_logger log;
	bool quiet; /* errors are not logged */
	const struct nr_types *types;
	struct nr_query_opts opts;
	const char *text;
	struct nr_token *tokens;
	unsigned n_tokens;
	const struct nr_node *root;
	const char *cgroup;
	struct nr_program *programs; /* [types->n_ids] */
	struct nr_program other;     /* for events of no type */
	struct nr_block *blocks;
};

/* Zeroed memory that lives as long as the query; NULL: there is none. */
void *nr_query_alloc(struct nr_query *q, size_t size);
/* Frees what was allocated since blocks was `before`. */
void nr_query_free_after(struct nr_query *q, const struct nr_block *before);
/* Logs "filter, column N: ..." for the place in the text. Returns -EINVAL. */
__attribute__((format(printf, 3, 4))) int nr_query_error(struct nr_query *q, const char *at,
							 const char *format, ...);

int nr_lex(struct nr_query *q);
/* The text between quotes, n bytes. */
int nr_text_parse(struct nr_query *q, struct nr_text *text, const char *inside, size_t n);
bool nr_text_matches(const struct nr_text *text, const char *s, size_t n);
int nr_parse(struct nr_query *q);
/* Finds out what the name of the comparison means. */
int nr_name_resolve(struct nr_query *q, struct nr_term *term);
/* Can each comparison be true for some type, and be checked? */
int nr_check(struct nr_query *q, const struct nr_node *node);
/* Can the whole expression be true for some type? */
int nr_check_possible(struct nr_query *q);
int nr_compile(struct nr_query *q);
bool nr_run(const struct nr_program *program, const struct nr_event *ev);

/* Where a path leads to in a type. -ENOENT: it has no such field; -EINVAL: it leads to no single
 * value, which is an error at `at`. */
int nr_place_find(struct nr_query *q, const char *at, uint16_t id, const char *path,
		  struct nr_place *place);

/* At most so many fields of a type are meant by one name. */
#define NR_MAX_PLACES 3

/* The places that the name of a comparison means in a type, at most NR_MAX_PLACES. Returns their
 * number, or -EINVAL after an error. id NR_NO_TYPE: of an event without a type. */
int nr_name_places(struct nr_query *q, const struct nr_term *term, uint16_t id,
		   struct nr_place *places);
/* The values of the place that the comparison accepts, or those that it does not accept if it has
 * != or !in. */
int nr_match_place(struct nr_query *q, const struct nr_term *term, const struct nr_place *place,
		   struct nr_match *match);
/* Does `type` of this event type fulfil the comparison, apart from a negation? */
int nr_match_type(struct nr_query *q, const struct nr_term *term, const char *name);
/* Do all values match? */
bool nr_match_is_all(const struct nr_place *place, const struct nr_match *match);

static inline bool nr_op_is_negative(enum nr_op op)
{
	return op == NR_OP_NE || op == NR_OP_NOT_IN;
}

/* Integers: the least and the greatest value, with 2^63 added if signed. */
static inline struct nr_range nr_field_limits(const struct nr_field *f)
{
	uint64_t half = 1ull << (f->bits - 1);

	if (f->is_signed)
		return (struct nr_range){ (1ull << 63) - half, (1ull << 63) + half - 1 };
	return (struct nr_range){ 0, half - 1 + half };
}

static inline bool nr_field_is_integer(const struct nr_field *f)
{
	return f->kind == NR_UINT || f->kind == NR_INT || f->kind == NR_BOOL ||
	       f->kind == NR_ENUM || f->kind == NR_PTR;
}

/*
 * Makes tests with jumps of the expression for one type, from the end to the start.
 */
struct nr_generator {
	struct nr_query *query;
	uint16_t id; /* NR_NO_TYPE: for events of no type */
	/*
	 * Adds a test, and returns its number, or the target that it always leads to. upward: to
	 * accept more values of the match can only make the whole expression accept more events;
	 * else only fewer.
	 */
	unsigned (*add)(struct nr_generator *g, const struct nr_place *place,
			const struct nr_match *match, unsigned yes, unsigned no, bool upward);
	int err;
};

/* Returns where the tests of the node begin, or the target that all events lead to. */
unsigned nr_generate(struct nr_generator *g, const struct nr_node *node);

/* The name nearest to what was written. */
struct nr_near {
	const char *want;
	size_t len;
	unsigned distance;
	char name[128]; /* empty: none is near */
};

void nr_near_begin(struct nr_near *near, const char *want, size_t len);
void nr_near_try(struct nr_near *near, const char *name);
/* ": did you mean NAME?", or otherwise. */
const char *nr_near_hint(const struct nr_near *near, const char *otherwise, char *buf, size_t size);

#endif
