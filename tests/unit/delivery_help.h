/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A delivery without a merge: the test sends packets and takes marks back. Its outputs are fakes that
 * the test holds at a gate, and packers wait for the test, too. Nothing here depends on time: the
 * test waits for what it wants to see, and a wake-up that is lost shows as a test that hangs.
 */
#ifndef NR_TESTS_DELIVERY_HELP_H
#define NR_TESTS_DELIVERY_HELP_H

#include "types_help.h"
#include "deliver/delivery.h"
#include "place_help.h"
#include "seed.h"

#define MAX_OUTPUTS 4
#define MAX_CALLS   512

/* What an output was given: a packet, or a gap. */
struct call {
	struct nr_gap gap; /* packets 0: it was a packet */
	uint64_t seq, events;
};

struct fake {
	struct nr_output output; /* the first member */
	/* Under the stage's lock. */
	bool gated, end_held;	   /* end_held: end does not return */
	unsigned allowed, entered; /* calls of take that may go on, and that came */
	uint64_t fail_at;	   /* packet that it does not take; 0: none */
	int begin_error, miss_error, rotate_error, tick_error;
	struct call call[MAX_CALLS];
	unsigned n;
	unsigned begun, undone, rotated, ended, ticks;
	struct nr_account account;
	pthread_t thread;		/* that called take last */
	void (*in_take)(struct fake *); /* without the lock */
	struct seed *seed;
};

struct rig {
	struct nr_delivery d;
	struct nr_waiter merge;
	struct nr_logger log;
	struct nr_misfits misfits;
	struct nr_types *types;
	struct fake out[MAX_OUTPUTS];
	unsigned n_out;
	uint64_t sent, events; /* packets and events in them */
	uint64_t mark;	       /* the newest that came back: a packet's number */
	struct slots *slots;   /* of all events */
};

/* Memory that runs out, for the calling thread: 0 never, n: at the n-th request from now on. */
extern _Thread_local unsigned fail_calloc, fail_malloc, fail_realloc;

/* Packers. */
extern uint64_t held_packet;  /* its packer waits, under the stage's lock */
extern uint64_t bad_packet;   /* cannot be built: -EINVAL */
extern _Atomic(long) holders; /* references to packets that nobody gave back */

void lock_stage(void);
void unlock_stage(void);

/* Packets 1, 2, ...; start with packers 0 opens none. */
struct rig *new_rig(void);
struct fake *add_fake(struct rig *r, bool optional, bool wants_bytes);
void begin_rig(struct rig *r);
void start_rig(struct rig *r, unsigned packers);
void close_rig(struct rig *r);

struct nr_packet *make_packet(struct rig *r, unsigned n_events);
/* Sends a packet of so many events and returns it, valid while an output has it. */
struct nr_packet *send_packet(struct rig *r, unsigned n_events);
/* Everything that was sent is in the outputs' queues, or was missed. */
void await_handed(struct rig *r);

void hold(struct fake *f);		    /* from now on, calls wait ... */
void allow(struct fake *f, unsigned calls); /* ... but so many */
void let_go(struct fake *f);		    /* ... no longer, nor does end */
void await_entered(struct fake *f, unsigned calls);
void await_taken(struct rig *r, struct fake *f, uint64_t packets);
void await_rotated(struct fake *f, unsigned times);
void await_tick(struct fake *f, unsigned ticks);
void await_failed(struct rig *r, struct fake *f);
void release_packet(void); /* the held one */

/* Is there a new mark? */
bool new_mark(struct rig *r);
/* Waits for marks up to this packet. */
void await_mark(struct rig *r, uint64_t packet);
void await_error(struct rig *r);

int drain(struct rig *r);
/* The account's written is what was sent. */
int end_all(struct rig *r);
struct nr_output_stats stats_of(struct rig *r, const struct fake *f);

/* Call number i was this packet, or this gap. */
void expect_packet(const struct fake *f, unsigned i, uint64_t seq);
void expect_gap(const struct fake *f, unsigned i, uint64_t first, uint64_t last);

#endif
