/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One record in a lane, with memory as weak as in weak.pml: a thread does its accesses in any order that the barriers,
 * acquire, release and dependencies of the code allow. Each NO_... removes one ordering; README.md lists what then
 * happens.
 *
 * The consumer grants a block that an earlier lap has used: it clears the commit byte, names the block in the slot,
 * raises the limit. The program loads the limit, swaps the head, loads the slot, reads its clock, fills, commits. The
 * consumer reads its clock and the head, then the commit byte, the payload, and gives the block to another lane, whose
 * program writes over the record.
 */
#define MAXT 2
#define BUSY 0
#define COMMITTED 1

#define OLD 0
#define RIGHT 1
#define OVERWRITTEN 2

byte now = 0;

/* memory; the slot names the block of the earlier lap or the granted one */
byte commit = COMMITTED, payload = OLD;
bit slot = OLD, limit = 0, head = 0, other_limit = 0;

/* what was read */
byte ts, T, seen_commit, seen_payload;
bit P, room, block;

bit late = 0, torn = 0, overwritten = 0, stalled = 0;

/* done bits */
bit p_limit, p_head, p_slot, p_clock, p_filled, p_committed;
bit g_clear, g_slot, g_limit;
bit c_clock, c_head, c_commit, c_payload, c_freed;

#ifdef NO_FENCE
#define FENCE p_limit
#else
#define FENCE p_head
#endif
#ifdef NO_BARRIER_SLOT
#define BARRIER_SLOT true
#else
#define BARRIER_SLOT p_head
#endif
#ifdef NO_COMMIT_BARRIER
#define COMMIT_BARRIER true
#else
#define COMMIT_BARRIER p_filled
#endif
#ifdef NO_RELEASE_CLEAR
#define RELEASE_CLEAR true
#else
#define RELEASE_CLEAR g_clear
#endif
#ifdef NO_RELEASE_SLOT
#define RELEASE_SLOT true
#else
#define RELEASE_SLOT g_slot
#endif
#ifdef NO_CLOCK_BARRIER
#define CLOCK_BARRIER true
#else
#define CLOCK_BARRIER c_clock
#endif
#ifdef NO_ACQUIRE_COMMIT
#define ACQUIRE_COMMIT true
#else
#define ACQUIRE_COMMIT c_commit
#endif
#ifdef NO_RELEASE_FREED
#define RELEASE_FREED true
#else
#define RELEASE_FREED c_payload
#endif

active proctype clock()
{
	do
	:: now < MAXT -> now++
	:: true -> break
	od
}

/* Stores come behind the branch on the limit, and behind the load of the slot, on which their addresses depend. */
active proctype program()
{
	do
	:: atomic { !p_limit -> room = limit; p_limit = 1 }
	:: atomic { !p_slot && BARRIER_SLOT -> block = slot; p_slot = 1 }
	:: atomic { p_limit && room && !p_head -> head = 1; p_head = 1 }
	:: atomic { room && !p_clock && FENCE -> ts = now; p_clock = 1 }
	:: atomic {
		!p_filled && p_head && p_slot && p_clock ->
		overwritten = block == OLD;
		assert(!overwritten);
		payload = RIGHT;
		p_filled = 1
	   }
	:: atomic { !p_committed && p_head && p_slot && COMMIT_BARRIER -> commit = COMMITTED; p_committed = 1 }
	:: p_limit && !room -> break
	:: p_filled && p_committed -> break
	od
}

/* The load of the commit byte comes behind the store that cleared it, as with any one address. It needs no order with
 * the load of the head. */
active proctype consumer()
{
	do
	:: atomic { !g_clear -> commit = BUSY; g_clear = 1 }
	:: atomic { !g_slot -> slot = RIGHT; g_slot = 1 }
	:: atomic { !g_limit && RELEASE_CLEAR && RELEASE_SLOT -> limit = 1; g_limit = 1 }
	:: atomic { !c_clock -> T = now; c_clock = 1 }
	:: atomic { !c_head && CLOCK_BARRIER -> P = head; c_head = 1 }
	:: atomic { !c_commit && g_clear -> seen_commit = commit; c_commit = 1 }
	:: atomic { !c_payload && ACQUIRE_COMMIT -> seen_payload = payload; c_payload = 1 }
	:: atomic {
		!c_freed && c_head && c_commit && RELEASE_FREED ->
		c_freed = 1;
		if
		:: P && seen_commit == COMMITTED -> other_limit = 1
		:: else
		fi
	   }
	:: g_limit && c_payload && c_freed -> break
	od;
	torn = P && seen_commit == COMMITTED && seen_payload != RIGHT;
	assert(!torn);
	if
	:: P -> (p_filled && p_committed); stalled = commit == BUSY; assert(!stalled)
	:: p_clock -> late = !P && ts < T; assert(!late)
	:: p_limit && !room
	fi
}

/* The limit of the other lane decides whether this program writes. */
active proctype next_program()
{
	if
	:: atomic { other_limit -> payload = OVERWRITTEN }
	:: true
	fi
}
