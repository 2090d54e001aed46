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
#define PENDING_MAX    8192 /* more are not followed: devices have fewer at a time */

struct pending_request {
	uint64_t issued;
	uint32_t major, minor;
	uint64_t sector;
	int64_t op;
	const char *op_name;
	int32_t tid;
	char device[PENDING_DEVICE], comm[FEED_COMM];
};

/* A zeroed struct is empty. */
struct pending {
	struct pending_request *list; /* [n], the oldest first */
	unsigned n, room;
};

void pending_close(struct pending *p);
/* A request that is issued again, after the device did not take it, keeps its first time. */
void pending_add(struct pending *p, const struct pending_request *request);
/* The request with the same device, operation and sector is complete. */
void pending_remove(struct pending *p, const struct pending_request *request);

/* At the end: "2 requests are not complete, the oldest after 12.1 s: READ on sda of dd:123." */
void pending_print_verdict(const struct pending *p, uint64_t end, FILE *out);
/* The oldest ones. */
void pending_print(const struct pending *p, const struct report_env *env, uint64_t end, FILE *out);
json_t *pending_json(const struct pending *p, uint64_t end);

#endif
