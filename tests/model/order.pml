/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The order protocol, from the reservation in the kernel to the emitted stream (I1-I4).
 *
 * Memory is x86-TSO: a store goes into its CPU's first-in-first-out store buffer and reaches memory
 * at any later time; a locked instruction waits until the buffer of its CPU is empty. The release of
 * the ring's lock is a plain store, so it does not empty the buffer. Consumer and merge communicate
 * only through release/acquire pairs, which are program order in this model.
 *
 * The clock is one number that all CPUs share. A producer's reading may or may not advance it, so
 * readings can tie. It stops at MAXT: only the order of readings matters, not their distance.
 *
 * Layouts (one is defined):
 *	SHARED	all CPUs share ring 0; ring 1 is an idle shard, to which nobody writes
 *	SPLIT	ring c belongs to CPU c
 *	REPLACE	one shard; ring 1 replaces ring 0 while ring 0 is in use and drains
 * Watermark: RCU (I3), otherwise the fence (I2).
 * FINE splits the steps of consumer and merge at each access to shared data. Without it, steps are as
 * large as possible without losing an outcome.
 * Each of NO_... and BAD_... breaks one rule; ./run lists the violation that must follow.
 *
 * Bounds, all settable with -D:
 */
#ifndef NREC
#define NREC 2 /* records per producer */
#endif
#ifndef SLOTS
#define SLOTS 4 /* records that a ring holds; with fewer than NCPU * NREC it wraps and fills up */
#endif
#ifndef MAXT
#define MAXT 3 /* the clock shows 0..MAXT; ties are allowed */
#endif
#ifndef EPS
#define EPS 0 /* the epsilon of I4; 0 is exact here, because one clock serves all CPUs */
#endif
#ifndef NCPU
#define NCPU 2 /* producers, each on its own CPU with its own store buffer */
#endif
#define NRING 2
#define DEPTH 3 /* a record makes three stores before it drains the buffer, so the buffer never fills up */

#define MAXPOS	    (NCPU * NREC)    /* positions count records, not bytes */
#define END	    (MAXT + EPS + 1) /* the clock after every producer has ended */
#define INF	    255
#define AT(r, pos)  ((r) * SLOTS + (pos) % SLOTS)
#define REC(r, pos) ((r) * MAXPOS + (pos))
#define ALLDONE	    (ended == NCPU)

/* The rings: the state that the kernel and the consumers share. */
#define BUSY	  1
#define COMMITTED 2
#define DISCARDED 3
byte hdr[NRING * SLOTS];
byte stamp[NRING * SLOTS];
byte ppos[NRING]; /* producer_pos */
byte cpos[NRING]; /* consumer_pos */
bit lock[NRING];

/* Store buffers. They only hold stores of the CPU's current record, which determines the place and
 * value of each store. The stamp is not in them: nobody reads it before the locked instruction that
 * commits the record. */
#define ST_HDR	  1 /* hdr = BUSY */
#define ST_PPOS	  2 /* producer_pos = pos + 1 */
#define ST_UNLOCK 3 /* lock = 0 */
chan sb[NCPU] = [DEPTH] of { byte };
byte my_ring[NCPU];
byte my_pos[NCPU];

byte clk;
byte ended;	  /* producers that have ended */
bit inprog[NCPU]; /* the CPU runs a BPF program: a read-side section */
byte gen[NCPU];	  /* programs the CPU has ended */
byte grace_T;	  /* the time that the grace thread publishes */

/* From consumer to merge. */
chan q[NRING] = [MAXPOS] of { byte, byte }; /* ts, position */
byte W[NRING];
byte cons_ended;

/* REPLACE: the ring that the map's element names; whether the merge has the new ring; whether the
 * old ring has no writers any more. */
byte cur;
bit added;
bit quiet;

#ifdef FINE
#define CUT                                                                                        \
	}                                                                                          \
	d_step                                                                                     \
	{
#else
#define CUT
#endif

/* For the properties only. The protocol does not use these. */
#define UNSEEN 0
#define HELD   1
#define QUEUED 2
#define DONE   3
byte rec[NRING * MAXPOS];
byte W_used;
byte accounted;	     /* written, lost to a full ring, discarded */
bit late;	     /* a record below a W already used was seen */
bit unordered;	     /* the stream stepped back */
bit twice;	     /* a record was emitted twice */
bit overwritten;     /* a slot was reserved again before its old record was emitted */
bit stalled;	     /* every producer has committed, but a walk does not reach P */
bit all_written = 1; /* at the end: written + lost + discarded = attempts */
bit finished;

#define NREADER NCPU
#define ENDED(c, g) (!inprog[c] || gen[c] != g)
#include "clock.pml"

proctype store_buffer(byte c)
{
	byte what;
end:
	do
	:: d_step {
		sb[c]?what;
		if
		:: what == ST_HDR -> hdr[AT(my_ring[c], my_pos[c])] = BUSY
		:: what == ST_PPOS -> ppos[my_ring[c]] = my_pos[c] + 1
		:: what == ST_UNLOCK -> lock[my_ring[c]] = 0
		fi;
		what = 0
	   }
	od
}

/* The wait for a grace period must know which CPUs are inside a program. */
#if defined(RCU) || defined(REPLACE)
#define READERS
#endif

/* The ring that a program finds in the map. */
#if defined(SPLIT)
#define RING_OF(c) c
#elif defined(REPLACE)
#define RING_OF(c) cur
#else
#define RING_OF(c) 0
#endif

inline end_program()
{
	inprog[c] = 0;
	gen[c]++;
	t = 0;
	r = 0
}

inline reserve()
{
	/* takes the lock: a locked instruction, so the buffer is empty afterwards */
	atomic {
#ifdef READERS
		empty(sb[c]) && !lock[r] ->
#else
		empty(sb[c]) && !lock[RING_OF(c)] ->
		r = RING_OF(c);
#endif
		lock[r] = 1;
		my_ring[c] = r;
		my_pos[c] = ppos[r];
		no_room = ppos[r] - cpos[r] >= SLOTS;
		if
		:: no_room -> accounted++; sb[c]!ST_UNLOCK; end_program()
		:: else ->
			overwritten = ppos[r] >= SLOTS && rec[REC(r, ppos[r] - SLOTS)] != DONE;
			assert(!overwritten);
			/* nobody sees the buffer, so three stores in one step lose nothing */
			sb[c]!ST_HDR;
			sb[c]!ST_PPOS;
			sb[c]!ST_UNLOCK
		fi
	}
}

/* A swap of the header, a locked instruction; then the program ends. */
inline submit()
{
	atomic {
#ifdef BAD_NEVER_COMMITS
		c != 0 ->
#endif
		empty(sb[c]) ->
		stamp[AT(r, my_pos[c])] = t;
		if
		:: hdr[AT(r, my_pos[c])] = COMMITTED
#ifdef DISCARD
		:: hdr[AT(r, my_pos[c])] = DISCARDED; accounted++
#endif
		fi;
		my_pos[c] = 0;
		my_ring[c] = 0;
		end_program()
	}
}

proctype producer(byte c)
{
	byte r, t;
	bit no_room;

	do
	:: gen[c] < NREC ->
#ifdef READERS
		atomic { inprog[c] = 1; r = RING_OF(c) }; /* the program begins */
#endif
#ifdef BAD_CLOCK_FIRST
		producer_clock(t); /* breaks I1 */
#endif
		reserve();
		if
		:: no_room
		:: else ->
#ifndef BAD_CLOCK_FIRST
			atomic {
#ifndef NO_FENCE
				empty(sb[c]); /* fetch_add: a locked instruction (I2) */
#endif
				producer_clock(t)
			};
#endif
			submit()
		fi
	:: else -> break
	od;
	ended++
}

#ifdef RCU
/* I3: reads T, waits for a grace period, then publishes T to the consumers, which read P after
 * that. */
proctype grace()
{
	byte T, c, g;

	do
	:: T != END ->
#ifdef BAD_T_AFTER_GRACE
		wait_grace();
		rising_clock(T, grace_T);
#else
		rising_clock(T, grace_T);
#ifndef NO_GRACE
		wait_grace();
#endif
#endif
		grace_T = (T > grace_T -> T : grace_T)
	:: else -> break
	od
}
#endif

inline consumer_clock()
{
#ifdef RCU
	atomic { grace_T > T_old -> T = grace_T }
#else
	rising_clock(T, T_old)
#endif
}

/* Indexes the committed records from pos on, up to P at most. Headers only change from BUSY to
 * committed, so reading them all in one step finds everything that reading them one by one can
 * find. */
inline walk()
{
	do
	:: pos < P && hdr[AT(r, pos)] != BUSY ->
		if
		:: hdr[AT(r, pos)] == DISCARDED -> rec[REC(r, pos)] = DONE
		:: else ->
			late = late || stamp[AT(r, pos)] < W_used;
			rec[REC(r, pos)] = HELD
		fi;
		news = 1;
		pos++
	:: else -> break
	od
}

/* Records below limit go into the queue by (ts, position); the others wait for the next pass. */
inline publish()
{
	do
	:: best = INF; i = 0;
	   do
	   :: i < pos ->
		if
		:: rec[REC(r, i)] == HELD && stamp[AT(r, i)] < limit &&
		   (best == INF || stamp[AT(r, i)] < stamp[AT(r, best)]) -> best = i
		:: else
		fi;
		i++
	   :: else -> break
	   od;
	   if
	   :: best == INF -> break
	   :: else ->
		late = late || stamp[AT(r, best)] < W_used;
		q[r]!stamp[AT(r, best)], best;
		stamp[AT(r, best)] = 0;
		rec[REC(r, best)] = QUEUED
	   fi
	od;
	best = 0;
	i = 0
}

/* Subtracts epsilon before the run is cut. If only the merge subtracted it, the queue could hold a
 * record of [T - EPS, T) and get an earlier one of the same interval later. */
#define ABOVE(x, y) ((x) > (y) -> (x) - (y) : 0)
#ifdef BAD_EPS_IN_MERGE
#define LIMIT(T) T
#define EPS_IN_MERGE EPS
#else
#define LIMIT(T) ABOVE(T, EPS)
#define EPS_IN_MERGE 0
#endif

inline publish_watermark()
{
	W[r] = (limit > W[r] -> limit : W[r])
}

inline read_P()
{
	if
	:: pending
	:: else -> P = ppos[r]
	fi
}

inline pass_ends()
{
	if
	:: pending
	:: else -> T_old = T; T = 0; P = 0
	fi;
	news = 0;
	limit = 0
}

proctype consumer(byte r)
{
	byte T, T_old, P, pos, limit, best, i;
	bit pending, news, last, over;

#ifdef REPLACE
	(r == 0 || added);
#endif
	do
	:: !last || pending ->
		/* a new (T, P), unless a BUSY record below P holds the old one */
		if
		:: pending
		:: else ->
#ifdef REPLACE
			last = r == 0 && quiet; /* read before P; if it is set, P is the old ring's last position */
			if
			:: last -> T = T_old
			:: else -> consumer_clock()
			fi;
#else
#ifdef BAD_P_FIRST
			d_step { over = ALLDONE; read_P() }; /* the last pass sees every record */
#endif
			consumer_clock();
#endif
			last = last || T == END
		fi;
		d_step {
#ifndef BAD_P_FIRST
			read_P();
#endif
			CUT
			walk();
			assert(!late);
			pending = pos < P;
			stalled = pending && ALLDONE;
			assert(!stalled);
#ifdef BAD_BUSY_IGNORED
			pending = 0;
#endif
			limit = (pending -> 0 : LIMIT(T));
#ifdef BAD_IDLE_SILENT
			limit = (news -> limit : 0);
#endif
#ifdef REPLACE
			/* the records that the old ring held back leave as a whole: nothing comes
			 * after them */
			limit = (!pending && last && r == 0 -> INF : limit);
#endif
			CUT
#ifdef BAD_W_FIRST
			publish_watermark();
		};
		d_step {
#endif
			publish();
			assert(!late);
			CUT
			publish_watermark();
			pass_ends()
		}
	:: else -> break
	od;
	cons_ended++
}

/* The smallest head of all queues, by (ts, ring). Each queue is in order of (ts, position). */
inline least_head()
{
	r = INF;
	ts = INF;
	i = 0;
	do
	:: i < NRING ->
		if
		:: nempty(q[i]) ->
			q[i]?<t, p>;
			if
			:: t < ts -> r = i; ts = t; pos = p
			:: else
			fi
		:: empty(q[i])
		fi;
		i++
	:: else -> break
	od
}

/* It follows from !late that the stream does not step back from one call to the next. */
inline emit_below()
{
	do
	:: least_head();
	   if
	   :: ts >= w -> break
	   :: else
	   fi;
	   q[r]?t, p;
	   late = late || ts < W_used;
	   unordered = unordered ||
		ts < last_ts || ts == last_ts && (r < last_r || r == last_r && pos < last_pos);
	   twice = twice || rec[REC(r, pos)] == DONE;
	   rec[REC(r, pos)] = DONE;
	   accounted++;
	   last_ts = ts; last_r = r; last_pos = pos
	od;
	i = 0; r = 0; ts = 0; pos = 0; t = 0; p = 0;
	last_ts = 0; last_r = 0; last_pos = 0
}

/* consumer_pos moves over the emitted records, without gaps. */
inline release()
{
	i = 0;
	do
	:: i < NRING ->
		do
		:: cpos[i] < MAXPOS && rec[REC(i, cpos[i])] == DONE -> cpos[i] = cpos[i] + 1
		:: else -> break
		od;
		i++
	:: else -> break
	od;
	i = 0
}

#ifdef BAD_NEW_RING_FREE
#define NEW_RING_W INF
#else
#define NEW_RING_W W_used
#endif

proctype merge()
{
	byte w, i, r, ts, pos, t, p;
	byte last_ts, last_r, last_pos;

	do
#ifdef REPLACE
	/* in any round: the new ring starts at the last W used, and only then programs may find
	 * it */
	:: !added -> d_step { W[1] = NEW_RING_W; added = 1 }
#endif
	/* a round that cannot raise W has nothing to emit */
	:: W[0] > W_used + EPS_IN_MERGE && W[1] > W_used + EPS_IN_MERGE ->
		d_step {
			w = W[0];
			CUT
			w = (W[1] < w -> W[1] : w);
			w = ABOVE(w, EPS_IN_MERGE);
			emit_below();
			assert(!late);
			assert(!unordered);
			assert(!twice);
			W_used = w;
			w = 0;
			CUT
			release()
		}
	:: cons_ended == NRING && (W[0] <= W_used + EPS_IN_MERGE || W[1] <= W_used + EPS_IN_MERGE) ->
		break
	od;
	all_written = accounted == NCPU * NREC;
	assert(all_written);
	finished = 1
}

#ifdef REPLACE
/* The work of the map update: swap the element, then wait until no program uses the old ring. */
proctype replace()
{
	byte c, g;

#ifndef BAD_SWAP_FIRST
	added;
#endif
	cur = 1;
#ifndef NO_GRACE
	wait_grace();
#endif
	quiet = 1
}
#endif

init {
	byte c;

	atomic {
#ifdef REPLACE
		W[1] = INF; /* the merge does not have it yet */
		run replace();
#endif
#ifdef RCU
		run grace();
#endif
		do
		:: c < NCPU -> run store_buffer(c); run producer(c); c++
		:: else -> break
		od;
		run consumer(0);
		run consumer(1);
		run merge()
	}
}

#ifdef LIVENESS
/* With a fair scheduler, every record is emitted: W does not stop. */
ltl advances { <> finished }
#endif
