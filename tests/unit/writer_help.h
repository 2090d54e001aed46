/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One trace at a time: written, then read with our own reader and with babeltrace2. */
#ifndef NR_TESTS_WRITER_HELP_H
#define NR_TESTS_WRITER_HELP_H

#include "types_help.h"

extern struct nr_types *types;
extern struct writer *writer;
extern const char *dir;

void open_trace(const char *name, struct writer_opts opts);
void close_trace(void);
void drop_trace(void);
int append_late(uint64_t ts, uint64_t was, uint16_t id, const void *data, uint32_t size);
void append(uint64_t ts, uint16_t id, const void *data, uint32_t size);
void append_point(uint64_t ts, uint32_t x);
void commit(uint64_t watermark, uint64_t lost);
struct nr_trace *read_trace(void);
int try_open(void);
/* The next event is a point with this x. */
void expect_point(struct nr_trace *trace, uint64_t ts, uint32_t x);
void expect_end(struct nr_trace *trace);
void expect_silent_babeltrace(unsigned events);

#endif
