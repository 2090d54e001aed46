/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One shard of lanes: programs reserve and commit, one consumer merges the lanes and grants blocks.
 *
 * Each CPU has a lane. A lane is a sequence of stretches, each as long as a block of the arena; slot[]
 * names the block of a stretch. The tasks of a CPU share its lane and its store buffer. They stand for
 * programs that interrupt each other and for preempted tasks, and interleave in any way.
 *
 * Memory is x86-TSO, as in order.pml. The compare-and-swap of the head is a locked instruction; the
 * stores of records and commit bytes are plain. The consumer's stores stay in order. While they are
 * delayed, programs see an older limit, so they need no buffer.
 *
 * The consumer grants a free block to any lane at any time, so the model covers every policy. All
 * that comes behind the consumer's queue is the same as for rings; here the merge only makes records
 * safe.
 *
 * Layouts: task k runs on CPU k. With ONE_CPU all tasks run on CPU 0, and lane 1 is idle. With
 * TWO_AND_ONE tasks 0 and 1 run on CPU 0, task 2 on CPU 1.
 * ABANDON: programs may end without a commit; the consumer goes on after a grace period.
 * GIVE_UP=n: n times, at any time, the consumer takes the rest of a block from a lane, to have the block back.
 * FINE splits the consumer's steps at each access to shared data.
 * Each of NO_... and BAD_... breaks one rule; ./run lists the violation that must follow.
 *
 * Bounds, all settable with -D:
 */
#ifndef NTASK
#define NTASK 2
#endif
#ifndef NREC
#define NREC 2 /* records per task */
#endif
#ifdef LARGE_FIRST
#define SIZE(n) (n == 0 -> 2 : 1) /* granules of a task's record n */
#else
#define SIZE(n) (1 + n % 2)
#endif
#ifndef MAXT
#define MAXT 2 /* the clock shows 0..MAXT; ties are allowed */
#endif
#ifndef TRIES
#define TRIES 2 /* compare-and-swaps before a record is lost */
#endif
#define NCPU   2
#define NBLOCK 3 /* blocks of the arena; each lane starts with one */
#define BLOCK  2 /* granules */
#define NSLOT 2 /* slots of a lane */
#define DEPTH 3 /* of a store buffer; a full one makes its CPU wait */

#ifdef ONE_CPU
#define CPU_OF(k) 0
#define MAXPOS	  (2 * NREC * NTASK + 2)
#else
#ifdef TWO_AND_ONE
#define CPU_OF(k) (k / 2)
#define MAXPOS	  (4 * NREC + 2)
#else
#define CPU_OF(k) k
#define MAXPOS	  (2 * NREC + 2) /* each record takes at most 2, with what it skips */
#endif
#endif
#define END	   (MAXT + 1)
#define ALLDONE	   (ended == NTASK && empty(sb[0]) && empty(sb[1]))
#define REC(c, p)  ((c) * MAXPOS + (p))
#define NEXT(p)	   (((p) / BLOCK + 1) * BLOCK) /* the next stretch */
#define SLOT(c, p) slot[(c) * NSLOT + (p) / BLOCK % NSLOT]
#define AT(c, p)   (SLOT(c, p) * BLOCK + (p) % BLOCK)

/* The arena. */
#define COMMITTED 1
#define DISCARDED 2
#define SKIP	  3
byte commit[NBLOCK * BLOCK]; /* 0: busy */
byte data[NBLOCK * BLOCK];   /* 1 + REC of the record that was written there last */

/* The lanes. */
byte head[NCPU];
byte limit[NCPU];
byte slot[NCPU * NSLOT];

/* Store buffers: what, where in the arena, REC of the record or the new head. */
#define ST_SKIP	   1
#define ST_HEADER  2
#define ST_COMMIT  3
#define ST_DISCARD 4
#define ST_HEAD	   5
chan sb[NCPU] = [DEPTH] of { byte, byte, byte };

byte clk;
byte ended;	   /* tasks that have ended */
bit inprog[NTASK]; /* the task runs a BPF program: a read-side section */
byte gen[NTASK];   /* programs the task has ended */

/* The consumer. */
byte walked[NCPU];
byte to[NCPU]; /* heads that this pass has read */
byte P[NCPU];  /* heads that the watermark waits for */
byte W;
byte unsafe[NBLOCK];  /* walked records of the block that are not safe */
byte stuck[NCPU]; /* the head when a busy record stopped the walk */
byte dead[NCPU];  /* this head was read before a grace period: programs below it have ended */
bit cons_ended;

#ifdef FINE
#define CUT                                                                                        \
	}                                                                                          \
	d_step                                                                                     \
	{
#else
#define CUT
#endif

/* The consumer's index, and what only the properties use. */
#define UNSEEN 0
#define HELD   1
#define QUEUED 2
byte rec[NCPU * MAXPOS];
byte stamp[NCPU * MAXPOS];
byte size[NCPU * MAXPOS];
byte at[NCPU * MAXPOS];
byte queued;
byte owner[NBLOCK];  /* 1 + REC of the begin of the stretch that lies there */
byte accounted;	     /* safe, discarded, abandoned, lost */
bit late;	     /* a record below W was seen */
bit torn;	     /* a record in the arena is not what its program wrote */
bit overwritten;     /* a program writes to a block that its stretch does not own */
bit stalled;	     /* all programs have ended, but a walk does not reach P */
bit all_written = 1; /* at the end: all records are accounted for */
bit finished;

#define NREADER NTASK
#define ENDED(c, g) ((!inprog[c] || gen[c] != g) && empty(sb[CPU_OF(c)]))
#include "clock.pml"

/* r is REC of a record that is written at a. */
#define OWNED(r, a) (owner[(a) / BLOCK] == 1 + (r) - (r) % MAXPOS % BLOCK)

inline store_record(what)
{
	overwritten = overwritten || !OWNED(r, a);
	data[a] = 1 + r;
	if
	:: size[r] == 2 ->
		data[a + 1] = 1 + r;
#ifdef BAD_COMMIT_IN_DATA
		commit[a + 1] = COMMITTED /* a payload can have any value */
#endif
	:: else
	fi;
	commit[a] = what
}

proctype store_buffer(byte c)
{
	byte what, a, r;
end:
	do
	:: d_step {
		sb[c]?what, a, r;
		if
		:: what == ST_SKIP -> commit[a] = SKIP
		:: what == ST_HEADER -> overwritten = overwritten || !OWNED(r, a); data[a] = 1 + r
		:: what == ST_COMMIT -> store_record(COMMITTED)
		:: what == ST_DISCARD -> store_record(DISCARDED)
		:: what == ST_HEAD -> head[c] = r
		fi;
		what = 0; a = 0; r = 0;
		assert(!overwritten)
	   }
	od
}

/* Without the fence the head is stored like anything else; its own CPU sees it at once. */
#ifdef NO_FENCE
byte my_head[NCPU];
#define HEAD my_head[c]
#else
#define HEAD head[c]
#endif

#ifdef BAD_NO_LAP
#define SAME_HEAD (HEAD % (NSLOT * BLOCK) == h % (NSLOT * BLOCK))
#else
#ifdef BAD_NO_COMPARE
#define SAME_HEAD true
#else
#define SAME_HEAD (HEAD == h)
#endif
#endif

/* A record that does not fit into the rest of a stretch goes to the next one. */
inline look()
{
#ifdef ABANDON
	inprog[k] = 1;
#endif
	h = HEAD;
	start = (h % BLOCK + SIZE(n) > BLOCK -> NEXT(h) : h);
#ifndef BAD_LIMIT_LATE
#ifdef BAD_NO_RECHECK
	no_room = tries == 0 && start + SIZE(n) > limit[c]
#else
	no_room = start + SIZE(n) > limit[c]
#endif
#endif
}

/* What a compare-and-swap does that has found the head as it was. */
inline take()
{
#ifdef BAD_NO_LAP
	start = start + HEAD - h; /* the head may be a lap further */
	h = HEAD;
#endif
#ifdef NO_FENCE
	my_head[c] = start + SIZE(n);
	sb[c]!ST_HEAD, 0, my_head[c];
#else
	head[c] = start + SIZE(n);
#endif
#ifdef BAD_LIMIT_LATE
	no_room = start + SIZE(n) > limit[c];
#endif
	a = AT(c, start);
	old = (start > h -> AT(c, h) : 0);
	size[REC(c, start)] = SIZE(n)
}

/* tries == TRIES: the record is lost. */
inline reserve()
{
	do
	:: atomic { look(); if :: no_room -> break :: else fi };
#ifdef BAD_SKIP_FIRST
	   if
	   :: start > h -> sb[c]!ST_SKIP, AT(c, h), 0
	   :: else
	   fi;
#endif
	   atomic {
#ifndef NO_FENCE
		empty(sb[c]) ->
#endif
		if
		:: SAME_HEAD -> take(); break
		:: else ->
			tries++;
			if
			:: tries == TRIES -> no_room = 1; break
			:: else
			fi
		fi
	   }
	od;
#if !defined(BAD_NO_SKIP) && !defined(BAD_SKIP_FIRST)
	if
	:: !no_room && start > h -> sb[c]!ST_SKIP, old, 0
	:: else
	fi
#endif
}

inline end_program()
{
#ifdef ABANDON
	inprog[k] = 0;
	gen[k]++;
#endif
	n++;
	h = 0; start = 0; t = 0; a = 0; old = 0; tries = 0; no_room = 0
}

/* A plain store behind the record's bytes. The stamp is not in the buffer: nobody reads it before the
 * commit is visible. */
inline submit()
{
	atomic {
		stamp[REC(c, start)] = t;
		if
		:: sb[c]!ST_COMMIT, a, REC(c, start)
#ifdef DISCARD
		:: sb[c]!ST_DISCARD, a, REC(c, start); accounted++
#endif
#ifdef ABANDON
		:: true
#endif
		fi;
		end_program()
	}
}

proctype task(byte k)
{
	byte n, c, h, start, t, a, old, tries;
	bit no_room;

	c = CPU_OF(k);
	do
	:: n < NREC ->
#ifdef BAD_CLOCK_FIRST
		producer_clock(t);
#endif
		reserve();
		if
		:: no_room -> atomic { accounted++; end_program() }
		:: else ->
#ifndef BAD_CLOCK_FIRST
			producer_clock(t);
#endif
#ifdef ABANDON
			sb[c]!ST_HEADER, a, REC(c, start);
#endif
			submit()
		fi
	:: atomic { else -> ended++; break }
	od
}

#ifdef ABANDON
/* Waits for a grace period whenever a record stops a walk. */
proctype grace()
{
	byte c, g, lane, pos;
end:
	do
	:: atomic {
		if
		:: stuck[0] > dead[0] -> lane = 0
		:: stuck[1] > dead[1] -> lane = 1
		fi;
		pos = stuck[lane]
	   };
#ifndef NO_GRACE
	   wait_grace();
#endif
	   atomic { dead[lane] = pos; lane = 0; pos = 0; c = 0 }
	od
}
#endif

#ifdef BAD_DEAD_LANE
#define DEAD(c) (dead[c] != 0)
#else
#define DEAD(c) (walked[c] < dead[c])
#endif

inline index_record(c)
{
	r = REC(c, walked[c]);
#ifdef NO_GRACE
	torn = torn || commit[a] != 0 && data[a] != 1 + r; /* its length is known all the same */
#else
	torn = torn || data[a] != 1 + r;
#endif
	if
	:: torn
	:: !torn && commit[a] == COMMITTED ->
		torn = data[a + size[r] - 1] != 1 + r;
		late = late || stamp[r] < W;
		rec[r] = HELD;
		at[r] = a;
		unsafe[a / BLOCK]++
	:: !torn && commit[a] == 0 -> accounted++ /* abandoned */
	:: else
	fi;
#ifdef BAD_COMMIT_IN_DATA
	commit[a] = 0;
#endif
	walked[c] = walked[c] + size[r]
}

/* Commit bytes only change from 0, so reading them all in one step finds everything that reading them
 * one by one can find. */
inline walk(c)
{
	do
	:: walked[c] < to[c] && !torn ->
		a = AT(c, walked[c]);
		if
		:: commit[a] == SKIP ->
#ifdef BAD_COMMIT_IN_DATA
			commit[a] = 0;
#endif
			walked[c] = NEXT(walked[c])
		:: commit[a] == 0 && !DEAD(c) ->
#ifdef ABANDON
			stuck[c] = (walked[c] < stuck[c] -> stuck[c] : to[c]);
#endif
			break
		:: else -> index_record(c)
		fi
	:: else -> break
	od;
	a = 0;
	r = 0
}

/* The queue is sorted because all that is not below the watermark stays in the index. */
inline publish()
{
	r = 0;
	do
	:: r < NCPU * MAXPOS ->
		if
		:: rec[r] == HELD && stamp[r] < below ->
			late = late || stamp[r] < W;
			rec[r] = QUEUED;
			queued++
		:: else
		fi;
		r++
	:: else -> break
	od;
	r = 0
}

inline read_heads()
{
	to[0] = head[0];
	to[1] = head[1];
	over = ALLDONE;
	if
	:: pending
	:: else -> P[0] = to[0]; P[1] = to[1]
	fi
}

#ifdef BAD_ONE_LANE
#define PENDING (walked[0] < P[0] && walked[1] < P[1])
#else
#define PENDING (walked[0] < P[0] || walked[1] < P[1])
#endif

inline pass()
{
	/* a new (T, P), unless a lane has not reached the old one */
	if
#ifndef BAD_NEW_T
	:: pending
#endif
	:: else -> rising_clock(T, T_old); last = T == END
	fi;
	d_step {
		read_heads();
		CUT
		walk(0);
		CUT
		walk(1);
		assert(!torn);
		assert(!late);
		pending = PENDING;
#ifndef ABANDON
		stalled = pending && over;
		assert(!stalled);
#endif
		CUT
		below = (pending -> 0 : T);
		publish();
		assert(!late);
		CUT
		W = (below > W -> below : W);
		if
		:: pending
		:: else -> T_old = T; T = 0; P[0] = 0; P[1] = 0
		fi;
		to[0] = 0; to[1] = 0; below = 0; over = 0
	}
}

/* A block is free when the walk is behind its stretch and its records are safe. */
#define PASSED(b) (walked[(owner[b] - 1) / MAXPOS] >= (owner[b] - 1) % MAXPOS + BLOCK)
#ifdef BAD_FREE_UNWALKED
#define BEHIND(b) (unsafe[b] == 0)
#else
#ifdef BAD_FREE_UNSAFE
#define BEHIND(b) PASSED(b)
#else
#define BEHIND(b) (unsafe[b] == 0 && PASSED(b))
#endif
#endif
#define FREE(b)	   (owner[b] == 0 || BEHIND(b))
#define FREE_BLOCK (FREE(0) -> 0 : (FREE(1) -> 1 : (FREE(2) -> 2 : NBLOCK)))

#define MAY_GRANT(c)                                                                               \
	(FREE_BLOCK < NBLOCK && limit[c] / BLOCK - walked[c] / BLOCK < NSLOT &&                       \
	 limit[c] + BLOCK <= MAXPOS)

inline set_limit(c)
{
	limit[c] = limit[c] + BLOCK
}

inline grant(c)
{
	d_step {
		b = FREE_BLOCK;
#ifdef BAD_LIMIT_FIRST
		set_limit(c);
	};
	d_step {
		limit[c] = limit[c] - BLOCK; /* for the macros below */
#endif
#if !defined(BAD_NO_CLEAR) && !defined(BAD_COMMIT_IN_DATA)
		commit[b * BLOCK] = 0;
		commit[b * BLOCK + 1] = 0;
#endif
		CUT
		SLOT(c, limit[c]) = b;
		owner[b] = 1 + REC(c, limit[c]);
		CUT
		set_limit(c);
		b = 0
	}
}

#ifdef GIVE_UP
byte given_up;
#define UNUSED(c) (given_up < GIVE_UP && NEXT(head[c]) <= limit[c])

/* A compare-and-swap of the head, as a program's that skips the rest of the block. */
inline give_up(c)
{
	d_step {
		UNUSED(c) ->
		given_up++;
		b = head[c];
#ifdef BAD_GIVE_UP_STORE
	};
	d_step {
#endif
#ifdef BAD_LIMIT_LOWERED
		limit[c] = limit[c] - BLOCK;
		owner[SLOT(c, limit[c])] = 0;
#else
		commit[AT(c, b)] = SKIP;
		head[c] = NEXT(b);
#endif
		b = 0
	}
}
#endif

proctype consumer()
{
	byte T, T_old, a, b, r, below;
	bit pending, last, over;

	do
	:: !last || pending -> pass()
	:: MAY_GRANT(0) -> grant(0)
	:: MAY_GRANT(1) -> grant(1)
#ifdef GIVE_UP
	:: give_up(0)
	:: give_up(1)
#endif
	:: last && !pending -> break
	od;
	cons_ended = 1
}

/* Takes all that is in the queue, and later no longer needs its room. */
proctype merge()
{
	byte r;

	do
	:: queued > 0 ->
		d_step {
			do
			:: r < NCPU * MAXPOS ->
				if
				:: rec[r] == QUEUED ->
					torn = torn || data[at[r]] != 1 + r ||
					       data[at[r] + size[r] - 1] != 1 + r;
					data[at[r]] = 0;
					data[at[r] + size[r] - 1] = 0;
					unsafe[at[r] / BLOCK]--;
					rec[r] = UNSEEN;
					stamp[r] = 0;
					size[r] = 0;
					at[r] = 0;
					accounted++
				:: else
				fi;
				r++
			:: else -> break
			od;
			r = 0;
			queued = 0;
			assert(!torn)
		}
	:: cons_ended && queued == 0 -> break
	od;
	all_written = accounted == NTASK * NREC;
	assert(all_written);
	finished = 1
}

init {
	byte k;

	atomic {
		/* each lane has one block */
		owner[0] = 1 + REC(0, 0);
		owner[1] = 1 + REC(1, 0);
		slot[NSLOT] = 1;
		limit[0] = BLOCK;
		limit[1] = BLOCK;
#ifdef ABANDON
		run grace();
#endif
		run store_buffer(0);
		run store_buffer(1);
		do
		:: k < NTASK -> run task(k); k++
		:: else -> break
		od;
		run consumer();
		run merge()
	}
}

#ifdef LIVENESS
/* With a fair scheduler, every record is emitted: W does not stop. */
ltl advances { <> finished }
#endif
