#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# How recordings end and what is reported: normally, by SIGKILL, by a full disk, and while they still run.
. "$(dirname "$0")/../lib.sh"
need jq
need_bpf
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm # repair waits for the disk
scratch
: "${NR_SEED:=$(date +%s)}"
echo "NR_SEED=$NR_SEED"
RANDOM=$NR_SEED

# writes stat of a trace to stat.json and stat.err; prints "STATUS COMPLETE"
stat_() {
	"$NUMARING" stat --json "$1" >stat.json 2>stat.err
	echo "$? $(jq .complete stat.json)"
}

events_in() { # babeltrace2's count; without babeltrace2, our own reader's
	if command -v babeltrace2 >/dev/null; then
		babeltrace2 "$1" 2>bt.err | wc -l
	else
		"$NUMARING" cat "$1" 2>/dev/null | wc -l
	fi
}

# A normal end: the end mark agrees with the summary.
"$NUMARING" record -e syscalls --ring-size 64K --stats-json s.json -o t -- "$LOAD" 20000 0 >out 2>&1 || fail record
equal "as asked" "$(stat_ t)" "0 true"
for key in reserved discarded malformed late unwritten unaccounted lost lost_by_cause; do
	equal "as asked: $key" "$(jq -c ".end.$key" stat.json)" "$(jq -c ".$key" s.json)"
done
equal "as asked: written" "$(jq .end.written stat.json)" "$(jq .events_written s.json)"
equal "as asked: no event of its own" "$(events_in t)" "$(jq .events stat.json)"
check "as asked: the watermark is a time" jq -e '.watermark == .end.time' stat.json
if command -v babeltrace2 >/dev/null; then
	check "as asked: babeltrace2 can tell" grep -q 'watermark: 18446744073709551615' \
		<(babeltrace2 -c sink.text.details t | tail -n 20 | tr -d ,)
fi
check "as asked: verify" "$NUMARING" verify t
check "as asked: cat has nothing to say" test -z "$("$NUMARING" cat t 2>&1 >/dev/null)"
"$NUMARING" repair t >out
equal "as asked: repair: exit status" $? 0
equal "as asked: repair" "$(cat out)" "t needs no repair"
check "as asked: repair writes nothing" test ! -e t-repaired

# SIGKILL at any time. Most streams then end with a whole packet, so the test also cuts them: babeltrace2 shows
# nothing of a stream that ends with an incomplete packet.
"$LOAD" 0 0 >pids &
for i in 1 2 3 4 5 6 7 8 9 10; do
	rm -rf k k-repaired
	"$NUMARING" record -e syscalls --latency 1 -o k -d 60 >/dev/null 2>&1 &
	recorder=$!
	until [ -s k/stream ]; do sleep 0.01; done
	sleep "0.0$((RANDOM % 10))"
	[ $i = 1 ] && live=$(stat_ k)
	kill -KILL $recorder
	wait $recorder 2>/dev/null
	size=$(stat -c %s k/stream)
	[ "$size" -lt 400 ] || [ $((i % 3)) = 0 ] || truncate -s $((size - RANDOM % 200)) k/stream
	equal "kill $i: stat" "$(stat_ k)" "1 false"
	whole=$(jq .events stat.json)
	"$NUMARING" cat k >cat.out 2>cat.err
	equal "kill $i: cat: exit status" $? 1
	"$NUMARING" verify k >verify.out 2>&1
	equal "kill $i: verify: exit status" $? 1
	check "kill $i: verify says why" grep -q '^it has no end mark' verify.out
	equal "kill $i: cat: events" "$(wc -l <cat.out)" "$whole"
	if [ "$(jq .damaged stat.json)" = true ]; then
		check "kill $i: stat names repair" grep -q 'run "numaring repair k" to copy the trace' stat.err
		check "kill $i: cat names repair" grep -q 'run "numaring repair k" to copy the trace' cat.err
	else
		check "kill $i: cat says why" grep -q 'it has no end mark: the recorder was killed' cat.err
	fi
	sum=$(cksum <k/stream)
	"$NUMARING" repair k >out 2>repair.err || fail "kill $i: repair: $(cat repair.err)"
	equal "kill $i: the original" "$(cksum <k/stream)" "$sum"
	equal "kill $i: repaired" "$(stat_ k-repaired)" "0 false"
	equal "kill $i: repaired: what is known" "$(jq -c '[.end.repaired, .end.written, .end.unwritten]' stat.json)" \
		"[true,$whole,null]"
	equal "kill $i: repaired: events" "$(events_in k-repaired)" "$whole"
	check "kill $i: repaired: verify" "$NUMARING" verify k-repaired
done
xargs kill <pids
equal "while it is recorded" "$live" "0 null"
"$NUMARING" repair --in-place k >out 2>&1 || fail "repair --in-place"
equal "in place" "$(stat_ k)" "0 false"
check "in place: the same" cmp k/stream k-repaired/stream
rm -rf k k-repaired

# repair refuses a trace that is being recorded.
"$NUMARING" record -e sched -o live -d 20 >/dev/null 2>&1 &
recorder=$!
until [ -s live/stream ]; do sleep 0.01; done
sleep 0.3
for option in --in-place --output=new; do
	"$NUMARING" repair $option live 2>err >out
	equal "repair $option of a live trace: exit status" $? 1
	check "repair $option of a live trace: says so" grep -q 'live is being recorded' err
done
"$NUMARING" verify live >out
equal "verify of a live trace: exit status" $? 1
check "verify of a live trace: what is there is intact" grep -q '^live is intact so far: ' out
check "verify of a live trace: more may come" grep -qx 'not known to be complete: it is still being recorded.*' out
equal "verify of a live trace: JSON" "$("$NUMARING" verify --json live | jq -c '[.intact, .complete, .problems]')" \
	'[null,null,[]]'
check "a window of a live trace" "$NUMARING" stat live --from -100ms --to -50ms
kill -INT $recorder
wait $recorder
equal "a live trace that ended" "$(stat_ live)" "0 true"

# A full disk: the end mark holds the account of the rest. It fits into the blocks that the failed packet freed.
if unshare -m true 2>/dev/null; then
	unshare -m bash -c "mkdir small && mount -t tmpfs -o size=3m none small && cd small &&
		'$NUMARING' record -e syscalls --stats-json ../s.json -o t -d 20 -- '$LOAD' 0 0 >../out 2>../err
		'$NUMARING' stat --json t >../stat.json; echo \$? >../status; '$NUMARING' stat t >../stat.txt
		'$NUMARING' cat t >/dev/null 2>../cat.err; echo \$? >>../status
		head -c \$((\$(stat -c %s t/stream) - 50)) t/stream >../cut && cat ../cut >t/stream
		head -c 3M /dev/zero >fill 2>/dev/null
		'$NUMARING' repair t >../repair.out 2>../repair.err; echo \$? >>../status; ls -A >../left"
	equal "full disk: exit status of stat, cat, and a repair with no room" "$(paste -sd ' ' status)" "1 0 1"
	equal "full disk: not complete" "$(jq .complete stat.json)" false
	check "full disk: some were not written" jq -e '.end.unwritten > 0' stat.json
	equal "full disk: how many" "$(jq .end.unwritten stat.json)" "$(jq .unwritten s.json)"
	equal "full disk: why" "$(jq -r .end.error stat.json)" "No space left on device"
	check "full disk: as text" grep -q "^not complete: .*No space left on device; $(jq .unwritten s.json) records\?" stat.txt
	check "full disk: cat says so" grep -q 'is not complete: .*records\? not written' cat.err
	check "full disk: repair says so" grep -q 'cannot .*t-repaired.*: No space left' repair.err
	equal "full disk: nothing is left of the copy" "$(paste -sd ' ' left)" "fill t"
else
	echo "note: no mounts here, the full disk was not tried"
fi
finish
