#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What numaring-bench model says to what it is asked. BENCH is the program.
set -u
machine=(--synthetic 'pack:2 [numa] l3:1 core:4 pu:2')
failed=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

ask() { "$BENCH" model "$@" >"$dir/out" 2>"$dir/err"; }

expect() { # STATUS TEXT-IN-STDERR ARGUMENTS: nothing but one sentence, which names what is wrong
	local want=$1 text=$2 status
	shift 2
	ask "$@"
	status=$?
	if [ $status -ne "$want" ] || ! grep -qF -- "$text" "$dir/err" || [ -s "$dir/out" ] ||
		[ "$(grep -c '^numaring-bench' "$dir/err")" -ne 1 ]; then
		echo "FAILED: model $*: status $status, should be $want, with '$text'" >&2
		cat "$dir/err" >&2
		failed=1
	fi
}

good() { # TEXT-IN-STDOUT ARGUMENTS
	local text=$1
	shift
	if ! ask "$@" || ! grep -qF -- "$text" "$dir/out" || [ -s "$dir/err" ]; then
		echo "FAILED: model $*: should say '$text'" >&2
		cat "$dir/out" "$dir/err" >&2
		failed=1
	fi
}

for rate in 10kx nan inf -5 1,,2 ''; do
	expect 2 "--rate $rate" predict "${machine[@]}" -r "$rate"
done
good 1e+06k predict "${machine[@]}" -p single -n 2 -r 1G
for n in 0 x -1 2.5; do
	expect 2 "--producers $n" surface "${machine[@]}" -n "$n"
done
expect 2 'the machine has 16 CPUs' predict "${machine[@]}" -n 17
expect 2 '--rate flat' limits "${machine[@]}" -r 10k,flat
expect 2 'no lock' limits "${machine[@]}" -p perfbuf
expect 2 'no lock' limits "${machine[@]}" -p lane
for n in 0 x 65; do
	expect 2 "--merges $n" predict --merges "$n"
done
expect 2 "begins with 'epyc9654_noconsumer'" predict "${machine[@]}" -l epyc9654_noconsumer
expect 2 '--seed abc' predict --seed abc
for n in 1x -1 0; do
	expect 2 "--wakeup-events $n" predict --wakeup-events "$n"
done
for merge in 60,20,5,7,9,14 5,20,60 5,20,60,7,9,14,1 0,1,2,3,4,5 nan,1,2,3,4,5; do
	expect 2 "--merge $merge" predict --merge "$merge"
done
expect 2 "begins with 'foo'" predict "${machine[@]}" -l spr,foo
expect 2 'name hosts of one maker' predict "${machine[@]}" -l epyc,kunpeng
expect 2 'extra' predict extra
expect 2 'extra' check extra
expect 2 'nonsense' nonsense
expect 2 'unknown policy "nonsense"' limits "${machine[@]}" -p nonsense
expect 2 'no --sweep' predict --sweep-host x.xml
expect 1 '/nonexistent' predict -H /nonexistent
expect 1 '/nonexistent.xml' predict -H /nonexistent.xml
expect 1 'garbage' predict --synthetic garbage
expect 1 '/nonexistent/ringbuf' check --data /nonexistent
expect 1 '/nonexistent' fit /nonexistent
expect 1 'describe the sweep' predict "${machine[@]}" --sweep "$DATA/own_sweep.jsonl"

mkdir -p "$dir/data/ringbuf_contention.csv"
expect 1 'data: Is a directory' fit "$dir/data"
expect 1 'data: Is a directory' predict --sweep "$dir/data"
expect 1 'data: Is a directory' predict -H "$dir/data"
expect 1 'csv: Is a directory' predict --data "$dir/data"

good 'but another host' predict "${machine[@]}" -p single -n 4 -r 10k
good 'like spr (' predict --synthetic 'pack:2 [numa] l3:1 core:28 pu:1' -l spr -p single -n 4 -r 10k
good 'rows left out' fit "$DATA/own_sweep.jsonl" --synthetic 'pack:1 [numa] l3:1 core:2 pu:1'
good 'costs from' limits --sweep "$DATA/own_sweep.jsonl" --synthetic 'pack:1 [numa] l3:1 core:2 pu:1'
echo 'pack:1 [numa] l3:1 core:2 pu:1' >"$dir/two.synthetic"
good '2 points' fit --sweep "$DATA/own_sweep.jsonl" -H "$dir/two.synthetic"
good '2 points' fit "$DATA/own_sweep.jsonl" --sweep-host "$dir/two.synthetic" "${machine[@]}"
expect 2 'one sweep at a time' fit "$DATA/own_sweep.jsonl" --sweep "$DATA/own_sweep.jsonl"
good '(other) from spr' predict --sweep "$DATA/own_sweep.jsonl" --sweep-host "$dir/two.synthetic" \
	"${machine[@]}" -l spr -p single -n 4 -r 10k

# So is what the rows used say of other work on the host.
elsewhere() { # SHARE: the sweep, with so much of the CPU time elsewhere in each row
	sed "s/\"elsewhere_share\":{\"median\":[0-9.e-]*/\"elsewhere_share\":{\"median\":$1/" "$DATA/own_sweep.jsonl"
}
elsewhere 0.5 >"$dir/busy.jsonl"
elsewhere 0.1 >"$dir/idle.jsonl"
good 'BUSY in 2 of the 2 rows used' fit "$dir/busy.jsonl" -H "$dir/two.synthetic"
good 'BUSY in 2 of the 2 rows used' limits --sweep "$dir/busy.jsonl" -H "$dir/two.synthetic"
ask fit "$dir/idle.jsonl" -H "$dir/two.synthetic"
if grep -q BUSY "$dir/out"; then
	echo "FAILED: model fit of an idle host's sweep: says BUSY" >&2
	failed=1
fi

# A median of no figures is null: it is left out, and that is told.
two=(-H "$dir/two.synthetic")
without() { # NUMBER-OF-ROWS: the sweep, the first of its medians without a rate
	sed -E "2,$(($1 + 1))s/(\"events_per_sec\":\{\"median\":)[^,]+/\1null/" "$DATA/own_sweep.jsonl"
}
without 1 >"$dir/null.jsonl"
without 99 >"$dir/nulls.jsonl"
good '1 rows left out: valid, but without a rate' fit "$dir/null.jsonl" "${two[@]}"
good '1 rows left out: valid, but without a rate' predict --sweep "$dir/null.jsonl" "${two[@]}"
good '1 rows left out: valid, but without a rate' limits --sweep "$dir/null.jsonl" "${two[@]}"
expect 1 'that has a rate' fit "$dir/nulls.jsonl" "${two[@]}"
expect 1 'that has a rate' predict --sweep "$dir/nulls.jsonl" "${two[@]}"

# What is delivered is not nothing because it is little.
few=(--synthetic 'pack:2 [numa] l3:1 core:28 pu:2' -p perfbuf -n 2)
good '0.00200 [0.00200, 0.00200]' predict "${few[@]}" -r 1k
good '0.00000200 [0.00000200, 0.00000200]' predict "${few[@]}" -r 1

# The demand against what the lock can take, at all three ends.
xeon=(--synthetic 'pack:2 [numa] l3:1 core:28 pu:2' -p single -r 100k)
good demand predict "${xeon[@]}" -n 8
good 'lock?' predict "${xeon[@]}" -n 16
good 'lock ' predict "${xeon[@]}" -n 56
good 'all · ' surface "${xeon[@]}" -n 8
good '] l · ' surface "${xeon[@]}" -n 16
good '] L · ' surface "${xeon[@]}" -n 56

# Lanes have no lock: the merge is the limit, and with more merge threads the consumers are.
xeon=(--synthetic 'pack:2 [numa] l3:1 core:28 pu:2' -p lane -r flat)
good 'merge ' predict "${xeon[@]}"
good 'consumer ' predict "${xeon[@]}" --merges 4
good '(2)' surface "${xeon[@]}"

# What the data lacks is named, and no figure is made up for it.
for file in ringbuf_contention_2.csv own_rates.jsonl own_lanes.jsonl own_sweep.jsonl; do
	rm -rf "$dir/data"
	cp -r "$DATA" "$dir/data"
	rm "$dir/data/$file"
	expect 1 "$file" predict "${machine[@]}" --data "$dir/data"
done

# Every published figure is still what README.md and docs/scaling.md say, to the last digit or nearly so.
ask check
if ! awk 'function off(a, b) { a -= b; return a < 0 ? -a : a }
	function number(s) { return s ~ /^[-+]?[0-9.]+$/ }
	NR == FNR { want[FNR] = $0; n = FNR; next }
	{
		same = FNR <= n && split(want[FNR], w) == NF
		for (i = 1; same && i <= NF; i++)
			same = number($i) && number(w[i]) ? off($i, w[i]) <= 0.11 + 0.01 * off(w[i], 0) : $i == w[i]
		if (!same) { print "is:        " $0 "\nshould be: " want[FNR]; bad = 1 }
	}
	END { exit bad || FNR != n }' "$(dirname "$0")/check.expected" "$dir/out" >&2; then
	echo "FAILED: model check prints other figures than check.expected" >&2
	failed=1
fi

# Nothing that was printed is lost without a word.
for verb in limits fit; do
	"$BENCH" model $verb >/dev/full 2>"$dir/err"
	if [ $? -ne 1 ] || ! grep -q 'No space left' "$dir/err"; then
		echo "FAILED: model $verb >/dev/full" >&2
		failed=1
	fi
done
exit $failed
