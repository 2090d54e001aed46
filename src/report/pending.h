/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests of block devices that are issued and not complete. */
#ifndef NR_REPORT_PENDING_H
#define NR_REPORT_PENDING_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include "feed.h"
#include "report.h"

#define PENDING_DEVICE 16
#define PENDING_MAX    65536 /* more are not followed */
#define PENDING_CHAINS 16384
/* Younger ones are left out at the end, ns: some always are on their way, and the programs that record
 * completions may be detached so much earlier than those that record issues. */
#define PENDING_LEAST 200000000ull

struct pending_request {
	uint32_t next; /* in its chain, or of those that are free: index in list + 1; 0: none */
	uint32_t major, minor;
	int32_t tid;
	uint64_t issued, sector;
	int64_t op;
	const char *op_name;
	char device[PENDING_DEVICE], comm[FEED_COMM];
};

/* A zeroed struct is empty. */
struct pending {
	struct pending_request *list; /* [used]; after pending_end [n], the oldest first */
	uint32_t n, used, room, free;
	uint32_t chains[PENDING_CHAINS]; /* by device, operation and sector: index in list + 1 */
	uint64_t doubtful; /* after pending_end: completed, perhaps, but lost or not recorded */
};

void pending_close(struct pending *p);
/* A request that is issued again, after the device did not take it, keeps its first time: unless records
 * are missing since then, before lost_until. */
void pending_add(struct pending *p, const struct pending_request *request, uint64_t lost_until);
/* The request with the same device, operation and sector is complete. */
void pending_remove(struct pending *p, const struct pending_request *request);
/* No more requests. Those before lost_until may be complete. */
void pending_end(struct pending *p, uint64_t lost_until, uint64_t end);

/* After the end: "2 requests were not seen to complete, the oldest for 12.1 s: READ on sda of dd:123." */
void pending_print_verdict(const struct pending *p, uint64_t end, FILE *out);
/* The oldest ones. */
void pending_print(const struct pending *p, const struct report_env *env, uint64_t end, FILE *out);
json_t *pending_json(const struct pending *p, uint64_t end);

#endif
