/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The collector dies at any moment and restarts (I5). The rings and their records survive, like
 * pinned maps. The file survives, but its last packet may be torn. Everything else is lost.
 *
 * order.pml checks that the watermark is right. Here a reservation is visible at once, and the
 * consumers and the merge are one process. A packet receives the stream record by record. It is cut
 * when it holds PACKET records and the time changes. It names the W up to which it is complete: the
 * time of the next record, or the merge's W if there is none. Only after the whole packet was accepted
 * do the consumer positions move, one ring after the other. After a crash, recovery cuts the torn tail
 * off, takes W from the last packet, walks from consumer_pos and skips records below that W.
 *
 * Layouts: SHARED (both CPUs write to ring 0, ring 1 is idle), otherwise ring c belongs to CPU c.
 * LATE: one clock reading is below an earlier W (I6). SKIP_BY_POS: a packet also names the position
 * that its W reaches in each ring, and recovery skips only records below both.
 * Each of BAD_... breaks one rule; ./run lists the violation that must follow.
 *
 * Bounds, all settable with -D:
 */
#ifndef NREC
#define NREC 2 /* records per producer */
#endif
#ifndef NCRASH
#define NCRASH 2 /* most crashes in a run; 0 to NCRASH of them happen */
#endif
#ifndef PACKET
#define PACKET 1 /* records after which a packet is cut; it gets more only where the time does not change */
#endif
#ifndef MAXT
#define MAXT 2 /* the clock shows 0..MAXT; ties are allowed */
#endif
#define NCPU  2 /* producers */
#define NRING 2

#define MAXPOS	    (NCPU * NREC) /* slots of a ring: it never wraps here, see order.pml */
#define END	    (MAXT + 1)    /* the clock after every producer has ended */
#define INF	    255
#define REC(r, pos) ((r) * MAXPOS + (pos))
#define ALLDONE	    (ended == NCPU)

/* The state that survives: the rings and the file. */
#define BUSY	  1
#define COMMITTED 2
byte hdr[NRING * MAXPOS];
byte stamp[NRING * MAXPOS];
byte ppos[NRING];
byte cpos[NRING];
byte file_W;		      /* W of the last whole packet */
byte file_pos[NRING];	      /* the positions that this packet names */
byte file_ts;		      /* time of the last record in the file */
byte in_file[NRING * MAXPOS]; /* number of times that a record is in the file */
bit torn;		      /* the file ends with half a packet, the one in packet[] */

/* The state that a crash destroys. */
#define UNSEEN	 0
#define HELD	 1
#define IN_PACKET 2
#define DONE	 3
byte rec[NRING * MAXPOS];
byte pos[NRING];
byte W;
byte T;
byte skip_W; /* W that recovery read from the file */
byte skip_pos[NRING];
byte next_W;  /* W that the current packet will name */
bit blocked;
byte count;   /* records in the current packet */
byte last_ts; /* time of its last record */

byte clk;
byte ended;
bit stepped; /* LATE: the one bad reading has happened */
bit kill;
byte crashes;

bit down; /* the collector has ended normally */
bit unordered;
bit twice;
bit all_written = 1;
bit all_released = 1;

#ifdef SHARED
#define RING_OF(c) 0
#else
#define RING_OF(c) c
#endif

proctype producer(byte c)
{
	byte n, p, t;

	do
	:: n < NREC ->
		d_step { /* the reservation and the fence after it */
			p = ppos[RING_OF(c)];
			hdr[REC(RING_OF(c), p)] = BUSY;
			ppos[RING_OF(c)] = p + 1
		};
		atomic {
			if
			:: clk < MAXT -> clk++
			:: skip
			fi;
			t = clk;
#ifdef LATE
			if
			:: !stepped && t > 0 -> stepped = 1; t = 0
			:: skip
			fi
#endif
		};
		d_step {
			stamp[REC(RING_OF(c), p)] = t;
			hdr[REC(RING_OF(c), p)] = COMMITTED;
			n++;
			p = 0;
			t = 0
		}
	:: else -> break
	od;
	ended++
}

#ifdef BAD_SKIP_EQUAL
#define SKIP(ts, r, p) ((ts) <= skip_W)
#else
#ifdef BAD_NO_SKIP
#define SKIP(ts, r, p) false
#else
#ifdef SKIP_BY_POS
#define SKIP(ts, r, p) ((ts) < skip_W && (p) < skip_pos[r])
#else
#define SKIP(ts, r, p) ((ts) < skip_W)
#endif
#endif
#endif

/* A BUSY record stops the walk and holds W. */
inline walk(r)
{
	do
	:: pos[r] < ppos[r] && hdr[REC(r, pos[r])] == COMMITTED ->
		rec[REC(r, pos[r])] = (SKIP(stamp[REC(r, pos[r])], r, pos[r]) -> DONE : HELD);
		pos[r] = pos[r] + 1
	:: else -> break
	od;
	blocked = blocked || pos[r] < ppos[r]
}

/* The next record of the stream: the smallest (ts, ring, position) below W. */
inline find_next()
{
	best = INF;
	i = 0;
	do
	:: i < NRING * MAXPOS ->
		if
		:: rec[i] == HELD && stamp[i] < W && (best == INF || stamp[i] < stamp[best]) -> best = i
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

/* The kernel accepts the packet in two pieces. */
inline write_begins()
{
	i = 0;
	do
	:: i < NRING * MAXPOS ->
		if
		:: rec[i] == IN_PACKET -> in_file[i] = in_file[i] + 1; twice = twice || in_file[i] > 1
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0;
	torn = 1
}

inline write_ends()
{
	i = 0;
	do
	:: i < NRING * MAXPOS -> rec[i] = (rec[i] == IN_PACKET -> DONE : rec[i]); i++
	:: else -> break
	od;
	i = 0;
	torn = 0;
	file_W = next_W;
	file_pos[0] = pos[0];
	file_pos[1] = pos[1];
	file_ts = last_ts;
	count = 0;
	last_ts = 0
}

#ifdef BAD_ACK_FIRST
#define MAY_RELEASE(state) (state == DONE || state == IN_PACKET)
#else
#define MAY_RELEASE(state) (state == DONE)
#endif

inline release(r)
{
	do
	:: cpos[r] < pos[r] && MAY_RELEASE(rec[REC(r, cpos[r])]) -> cpos[r] = cpos[r] + 1
	:: else -> break
	od;
	skip
}

inline write_packet()
{
#ifdef BAD_ACK_FIRST
	d_step { release(0) };
	d_step { release(1) };
#endif
	d_step { write_begins(); assert(!twice) };
	d_step { write_ends() };
#ifndef BAD_ACK_FIRST
	d_step { release(0) };
	d_step { release(1) }
#endif
}

#ifdef BAD_CUT_IN_TIE
#define TIME_CHANGES true
#else
#define TIME_CHANGES (stamp[best] > last_ts)
#endif

#ifdef BAD_W_OF_BATCH
#define W_AT_CUT W
#else
#define W_AT_CUT stamp[best]
#endif

/* A late record goes out at once, with the time of the previous record (I6). */
inline take()
{
#ifndef LATE
	unordered = unordered || stamp[best] < last_ts || stamp[best] < file_ts;
#endif
	last_ts = (stamp[best] > last_ts -> stamp[best] : last_ts);
	last_ts = (file_ts > last_ts -> file_ts : last_ts);
	rec[best] = IN_PACKET;
	count++
}

/* Records of the stream below W go into packets; the last packet is closed even if it is small. */
inline emit()
{
	do
	:: true ->
		d_step { find_next() };
		if
		:: best == INF -> break
		:: best != INF && count >= PACKET && TIME_CHANGES ->
			next_W = W_AT_CUT;
			write_packet()
		:: else -> d_step { take(); assert(!unordered) }
		fi
	od;
	if
	:: count > 0 -> next_W = W; write_packet()
	:: else
	fi
}

/* Recovery cuts a torn packet off. It knows only the rings and the file. */
inline forget_all()
{
	i = 0;
	do
	:: i < NRING * MAXPOS ->
#ifndef BAD_NO_CUT
		in_file[i] = (torn && rec[i] == IN_PACKET -> in_file[i] - 1 : in_file[i]);
#endif
		rec[i] = UNSEEN;
		i++
	:: else -> break
	od;
	i = 0; best = 0; torn = 0; count = 0; last_ts = 0; next_W = 0; T = 0; blocked = 0
}

inline recover()
{
	W = file_W;
	skip_W = file_W;
	skip_pos[0] = file_pos[0];
	skip_pos[1] = file_pos[1];
	pos[0] = cpos[0];
	pos[1] = cpos[1]
}

/* A reading not above W raises nothing: wait until time passes or all producers have ended. */
inline read_clock()
{
	atomic {
		if
		:: clk > W -> T = clk
		:: clk < MAXT -> clk++; T = clk
		:: ALLDONE -> T = END
		fi;
		if
		:: T > W
		:: else -> T = W
		fi
	}
}

proctype collector()
{
	byte i, best;

again:
	{
		do
		:: true ->
			read_clock();
			d_step { blocked = 0; walk(0) };
			d_step { walk(1) };
			/* skipped records are in the file, and possibly no packet follows that
			 * moves over them */
			d_step { release(0) };
			d_step { release(1) };
			if
			:: blocked
			:: else -> W = T; emit(); if :: T == END -> break :: else fi
			fi
		od;
		down = 1
	} unless {
		atomic {
			kill && !down ->
			kill = 0;
			d_step { forget_all(); recover() }
		};
		goto again
	}
	all_written = 1;
	i = 0;
	do
	:: i < NRING * MAXPOS ->
		all_written = all_written && (i % MAXPOS >= ppos[i / MAXPOS] || in_file[i] == 1);
		i++
	:: else -> break
	od;
	assert(all_written);
	all_released = cpos[0] == ppos[0] && cpos[1] == ppos[1];
	assert(all_released)
}

proctype killer()
{
end:
	do
	:: crashes < NCRASH && !kill && !down -> atomic { kill = 1; crashes++ }
	:: down -> break
	od
}

init {
	atomic {
		run producer(0);
		run producer(1);
		run collector();
		run killer()
	}
}
