/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One record, with memory as weak as arm64's: a thread does its accesses in any order that the barriers, acquire,
 * release and dependencies of the code allow. A store is visible to all other threads at once, as Armv8 demands.
 * A clock reading is one of the accesses. Each NO_... removes one ordering; README.md lists what then happens.
 *
 * The program reserves, reads its clock, fills, commits. The consumer reads its clock and the position, then the
 * header, the payload, and gives the room back. Then a later program writes over the record.
 */
#define MAXT 2
#define EMPTY 0
#define BUSY 1
#define COMMITTED 2

#define OLD 0
#define RIGHT 1
#define OVERWRITTEN 2

byte now = 0;

/* memory */
byte header = EMPTY, payload = OLD;
bit produced = 0, consumed = 0;

/* what was read */
byte ts, T, seen_header, seen_payload;
bit P;

bit late = 0, torn = 0;

/* done bits */
bit p_header, p_produced, p_clock, p_filled, p_committed;
bit c_clock, c_produced, c_header, c_payload, c_consumed;

#ifdef NO_RELEASE_PRODUCED
#define RELEASE_PRODUCED true
#else
#define RELEASE_PRODUCED p_header
#endif
#ifdef NO_FENCE
#define FENCE true
#else
#define FENCE p_produced
#endif
#ifdef NO_COMMIT_BARRIER
#define COMMIT_BARRIER true
#else
#define COMMIT_BARRIER (p_produced && p_filled)
#endif
#ifdef NO_CLOCK_BARRIER
#define CLOCK_BARRIER true
#else
#define CLOCK_BARRIER c_clock
#endif
#ifdef NO_ACQUIRE_PRODUCED
#define ACQUIRE_PRODUCED true
#else
#define ACQUIRE_PRODUCED c_produced
#endif
#ifdef NO_ACQUIRE_HEADER
#define ACQUIRE_HEADER true
#else
#define ACQUIRE_HEADER c_header
#endif
#ifdef NO_RELEASE_CONSUMED
#define RELEASE_CONSUMED true
#else
#define RELEASE_CONSUMED c_payload
#endif

active proctype clock()
{
	do
	:: now < MAXT -> now++
	:: true -> break
	od
}

/* The time is part of what is filled in. Stores to the header stay in order, as to any one address. */
active proctype program()
{
	do
	:: atomic { !p_header -> header = BUSY; p_header = 1 }
	:: atomic { !p_produced && RELEASE_PRODUCED -> produced = 1; p_produced = 1 }
	:: atomic { !p_clock && FENCE -> ts = now; p_clock = 1 }
	:: atomic { !p_filled && p_clock -> payload = RIGHT; p_filled = 1 }
	:: atomic { !p_committed && p_header && p_clock && COMMIT_BARRIER -> header = COMMITTED; p_committed = 1 }
	:: p_produced && p_filled && p_committed -> break
	od
}

/* Loads may be done early, even if a branch later makes them useless. The store of consumed may not: a branch on
 * the header comes before it. */
active proctype consumer()
{
	do
	:: atomic { !c_clock -> T = now; c_clock = 1 }
	:: atomic { !c_produced && CLOCK_BARRIER -> P = produced; c_produced = 1 }
	:: atomic { !c_header && ACQUIRE_PRODUCED -> seen_header = header; c_header = 1 }
	:: atomic { !c_payload && ACQUIRE_HEADER -> seen_payload = payload; c_payload = 1 }
	:: atomic {
		!c_consumed && c_produced && c_header && RELEASE_CONSUMED ->
		c_consumed = 1;
		if
		:: P && seen_header == COMMITTED -> consumed = 1
		:: else
		fi
	   }
	:: c_clock && c_payload && c_consumed -> break
	od;
	torn = P && (seen_header == EMPTY || (seen_header == COMMITTED && seen_payload != RIGHT));
	assert(!torn);
	if
	:: !P -> p_clock; late = ts < T; assert(!late)
	:: else
	fi
}

/* The load of consumed decides whether it writes, so the store cannot come first. */
active proctype next_program()
{
	if
	:: atomic { consumed -> payload = OVERWRITTEN }
	:: true
	fi
}
