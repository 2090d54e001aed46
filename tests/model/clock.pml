/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Clock readings and the grace period, for order.pml and lane.pml. The file that includes this one
 * defines clk, inprog[], gen[], MAXT, END, ALLDONE, NREADER and ENDED(c, g): the program that reader c
 * ran when gen[c] was g has ended, and its stores are visible.
 */

/* CLOCK_ERR: each reading, on every CPU, has its own error: it is up to CLOCK_ERR too low. */
inline clock_error(out)
{
#ifdef CLOCK_ERR
	if
	:: skip
	:: out >= 1 -> out = out - 1
	:: out >= CLOCK_ERR -> out = out - CLOCK_ERR
	fi
#endif
	skip
}

inline producer_clock(out)
{
	atomic {
		if
		:: clk < MAXT -> clk++
		:: skip
		fi;
		out = clk;
		clock_error(out)
	}
}

/* A reading that is not later than the last one cannot raise W. The reader waits until time passes
 * or all producers have ended. */
inline rising_clock(out, last_out)
{
	atomic {
		if
		:: clk > last_out -> out = clk; clock_error(out)
		:: clk < MAXT -> clk++; out = clk; clock_error(out)
#ifdef BAD_P_FIRST
		:: ALLDONE && over -> out = END
		:: ALLDONE && !over -> out = last_out
#else
		:: ALLDONE -> out = END
#endif
		fi
	}
}

/* A grace period ends when each reader was seen outside the program that it ran at the period's
 * start. */
inline wait_grace()
{
	c = 0;
	do
	:: c < NREADER ->
		g = gen[c];
		atomic { ENDED(c, g) -> c++; g = 0 }
	:: else -> break
	od
}
