/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes a list of values in Python's pickle format, version 4. A pickle is a program for a machine
 * with a stack; these use only the instructions that make values of the basic types.
 *
 * Words that come often, as names of fields do, are written once and then referred to by their place
 * in the memo.
 */
#ifndef NR_BULK_PICKLE_H
#define NR_BULK_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nr_pickle {
	uint8_t *data;
	size_t size, cap;
	bool failed;	  /* no memory: the rest was left out */
	uint32_t *places; /* [n_words]: place in the memo + 1; 0: not written yet */
	uint32_t n_words, n_places;
};

/* 0 or -ENOMEM. */
int nr_pickle_init(struct nr_pickle *p, uint32_t n_words);
void nr_pickle_free(struct nr_pickle *p);
/* Begins a list, and ends it. */
void nr_pickle_begin(struct nr_pickle *p);
void nr_pickle_end(struct nr_pickle *p);

void nr_pickle_none(struct nr_pickle *p);
void nr_pickle_bool(struct nr_pickle *p, bool v);
void nr_pickle_int(struct nr_pickle *p, uint64_t v, bool is_signed);
void nr_pickle_float(struct nr_pickle *p, double v);
/* n bytes; those that are not UTF-8 become the characters of their numbers. */
void nr_pickle_text(struct nr_pickle *p, const void *text, size_t n);
/* A text of UTF-8 that comes often. number < n_words. */
void nr_pickle_word(struct nr_pickle *p, uint32_t number, const char *text);

/* What is written between belongs to the list, or to the dict: there a word before each value. */
void nr_pickle_open_list(struct nr_pickle *p);
void nr_pickle_close_list(struct nr_pickle *p);
void nr_pickle_open_dict(struct nr_pickle *p);
void nr_pickle_close_dict(struct nr_pickle *p);

#endif
