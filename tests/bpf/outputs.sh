#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Several outputs of one recording: each has all events in the same order. An optional one that falls behind,
# fails or loses its reader misses events, which are counted, and the others lose nothing.
. "$(dirname "$0")/../lib.sh"
hang=$(realpath "$(dirname "$NUMARING")/tests/bpf/libhang.so")
need jq timeout babeltrace2 taskset
need_bpf
scratch
last=$(($(nproc) - 1))
cpus="0 $last"
[ "$last" -gt 0 ] || cpus=0
mkfifo fifo
export ASAN_OPTIONS=verify_asan_link_order=0

# Processes that write so many times on each CPU, once they are continued. Only they are recorded, and this shell,
# which keeps the recording from ending with them.
prepare_load() { # WRITES
	local cpu
	pids=()
	for cpu in $cpus; do
		# shellcheck disable=SC2016
		taskset -c "$cpu" bash -c 'kill -STOP $$; exec dd if=/dev/zero of=/dev/null bs=1 count=$0 status=none' "$1" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		await grep -q '^State:.T' "/proc/$pid/status"
	done
	rm -f loaded
}
# With WRITTEN, not before the file lines has so many bytes: its output may be slower than the load.
load='kill -CONT "$@"; for pid; do while kill -0 $pid; do sleep 0.05; done; done 2>/dev/null
until [ "$(stat -c %s lines 2>/dev/null || echo 0)" -ge "${WRITTEN:-0}" ]; do sleep 0.05; done
touch loaded; sleep 0.5'

# record_ STATUS WRITES OPTIONS...: under load. The rings have room for all of it unless $ring is small, so on a busy
# machine nothing is lost. The file loaded appears after the load.
ring=128M
record_() {
	local status=$1
	prepare_load "$2"
	shift 2
	timeout -s KILL 100 "$NUMARING" record -e syscalls -p "$(IFS=,; echo "${pids[*]},$$")" --shards cpu \
		--ring-size $ring --stats-json s.json --force "$@" -- sh -c "$load" sh "${pids[@]}" >out 2>err
	equal "$what: exit status" $? "$status"
	cat out err >said
	equal "$what: unaccounted" "$(jq .unaccounted s.json)" 0
}

# slow_reader FILE: it opens the FIFO, and reads only after the load.
slow_reader() {
	timeout 100 bash -c 'exec 3<fifo; until [ -e loaded ]; do sleep 0.05; done; exec cat <&3 >$0' "$1"
}

# complete TRACE WRITES: nothing is lost or missed, and the trace has every write of the load.
complete() {
	"$NUMARING" stat --json "$1" >stat.json || fail "$what: stat $1"
	equal "$what: $1: complete" "$(jq -c '[.complete, .lost, .missed_events, .unordered, .misplaced]' stat.json)" \
		'[true,0,0,0,0]'
	equal "$what: $1: every write" \
		"$("$NUMARING" cat --json "$1" | grep -cE "\"nr\":\"write\",\"pid\":($(IFS='|'; echo "${pids[*]}")),")" \
		$((2 * $2 * ${#pids[@]}))
}

output() { # INDEX KEY: of the statistics
	jq ".outputs[$1].$2" s.json
}

# same_lines TRACE FILE
same_lines() {
	check "$what: the lines are the trace's" cmp <("$NUMARING" cat --json "$1") "$2"
}

# ---- at once ----
what="a trace and JSON lines"
record_ 0 10000 --required -o t --format jsonl -o lines
complete t 10000
same_lines t lines
equal "$what: statistics" "$(jq -c '[.outputs[] | [.path, .format, .optional, .missed_events, .error]]' s.json)" \
	'[["t","ctf",false,0,null],["lines","jsonl",false,0,null]]'
equal "$what: events of each" "$(jq -c '[.outputs[].events] | unique' s.json)" "[$(wc -l <lines)]"
check "$what: the summary has them" grep -q "^output lines: $(wc -l <lines) events, " said

what="JSON lines on standard output and a trace"
rm -rf t
"$NUMARING" record -e syscalls --ring-size 64M --format jsonl -o - --format ctf -o t -- \
	sh -c 'echo from the command' >lines 2>err
equal "$what: exit status" $? 0
same_lines t lines
check "$what: the command writes to standard error" grep -qx 'from the command' err

for packers in 1 2 4; do
	what="$packers packers, two traces"
	record_ 0 50000 --packers $packers --required -o t -o u
	complete t 50000
	size=$(stat -c %s t/stream)
	equal "$what: bytes" "$(stat -c %s u/stream)" "$size"
	check "$what: the same stream up to the end mark" cmp -n $((size - 500)) t/stream u/stream
	check "$what: the same description" cmp t/metadata u/metadata
	equal "$what: babeltrace2 counts the same" "$(babeltrace2 u 2>bt.err | wc -l)" "$(jq .events_written s.json)"
	equal "$what: babeltrace2 warns of nothing" "$(cat bt.err)" ""
done

for how in "a duration" "a signal"; do
	what="two outputs, $how"
	rm -rf t lines
	if [ "$how" = "a duration" ]; then
		"$NUMARING" record -e syscalls --ring-size 64M -d 300ms -o t --format jsonl -o lines >out 2>err
	else
		"$NUMARING" record -e syscalls --ring-size 64M -o t --format jsonl -o lines >out 2>err &
		await test -s lines
		kill -INT $!
		wait $!
	fi
	equal "$what: exit status" $? 0
	same_lines t lines
done

# ---- one of them stalls ----
stalled_lines() { # what judges lines that miss events
	local missed
	missed=$(output 1 missed_events)
	check "$what: some were missed" test "$missed" -gt 0
	equal "$what: gaps in the lines" "$(grep -F '"event":"numaring:gap"' lines |
		jq -s -c '[map(.fields.events), map(.fields.packets)] | map(add)')" \
		"[$missed,$(output 1 missed_packets)]"
	equal "$what: lines and missed are all events" \
		$(($(grep -vcF '"event":"numaring:gap"' lines) + missed)) "$(jq .events_written s.json)"
	check "$what: the summary says so" \
		grep -q "^optional output fifo: .*; $missed events missed in $(output 1 missed_packets) packets, because it fell behind" said
}

what="lines that nobody reads for a while"
slow_reader lines &
record_ 0 300000 -o t --format jsonl -o fifo
wait $!
complete t 300000
equal "$what: babeltrace2 counts all" "$(babeltrace2 t 2>bt.err | wc -l)" "$(jq .events_written s.json)"
equal "$what: babeltrace2 warns of nothing" "$(cat bt.err)" ""
stalled_lines
check "$what: the lines stay in order" \
	awk -F '[:,]' '{ for (i = 1; i < NF; i++) if ($i == "\"ts\"") { if ($(i + 1) + 0 < t) exit 1; t = $(i + 1) + 0 } }' lines

what="lines that nobody reads for a while, --fail-on-loss"
slow_reader lines &
record_ 3 300000 --fail-on-loss -o t --format jsonl -o fifo
wait $!
equal "$what: lost" "$(jq .lost s.json)" 0
stalled_lines

what="required lines that nobody reads for a while"
slow_reader lines &
ring=64K record_ 0 300000 --required -o t --format jsonl -o fifo
wait $!
equal "$what: missed" "$(jq -c '[.outputs[].missed_events]' s.json)" "[0,0]"
check "$what: some are lost" test "$(jq .lost s.json)" -gt 0
equal "$what: the trace counts them" "$("$NUMARING" stat --json t | jq .lost)" "$(jq .lost s.json)"
same_lines t lines

what="an optional trace whose disk stalls"
rm -rf t
rm -f lines
WRITTEN=250000000 HANG_IN=pwrite HANG_FROM=6 HANG_UNTIL=loaded LD_PRELOAD=$hang \
	record_ 0 300000 --format jsonl -o lines --format ctf -o t
missed=$(output 1 missed_events)
check "$what: some were missed" test "$missed" -gt 0
equal "$what: lost" "$(jq .lost s.json)" 0
equal "$what: the lines have all" "$(wc -l <lines)" "$(jq .events_written s.json)"
"$NUMARING" stat t >stat.txt
equal "$what: exit status of stat" $? 0
check "$what: stat says when" \
	grep -qE '^gap: missed [0-9]+ events in [0-9]+ packets? between [0-9:.]+ and [0-9:.]+$' stat.txt
"$NUMARING" stat --json t >stat.json
equal "$what: stat says how many" "$(jq -c '[.missed_events, .missed_packets]' stat.json)" \
	"[$missed,$(output 1 missed_packets)]"
equal "$what: the gaps add up" "$(jq '[.gaps[].events] | add' stat.json)" "$missed"
equal "$what: events and missed are written" "$(jq '.events + .missed_events' stat.json)" \
	"$(jq .end.written stat.json)"
equal "$what: written by all" "$(jq .end.written stat.json)" "$(jq .events_written s.json)"
equal "$what: order and losses" "$(jq -c '[.unordered, .misplaced, .lost]' stat.json)" "[0,0,0]"
equal "$what: babeltrace2 counts what is there" "$(babeltrace2 t 2>bt.err | wc -l)" "$(jq .events stat.json)"
equal "$what: babeltrace2 knows of the missing packets" \
	"$(sed -n 's/.*discarded \([0-9]*\) packets\? .*/\1/p' bt.err | awk '{ n += $1 } END { print n + 0 }')" \
	"$(output 1 missed_packets)"
check "$what: every line of the trace is among the lines" \
	test -z "$("$NUMARING" cat --json t 2>cat.err | diff - lines | grep '^<')"
check "$what: cat says so" grep -q "t is not complete: .* fell behind and missed $missed events" cat.err
truncate -s -100 t/stream
check "$what: a cut copy is repaired" "$NUMARING" repair t
equal "$what: the copy has its gaps" "$("$NUMARING" stat --json t-repaired | jq .missed_events)" "$missed"
rm -rf t t-repaired

# ---- one of them ends ----
what="an optional reader that leaves"
head -n 1 fifo >lines &
record_ 0 10000 -o t --format jsonl -o fifo
complete t 10000
check "$what: the summary says so" grep -q 'because its reader closed the pipe' said
check "$what: the warning says which" grep -q 'the optional output fifo takes no more events: Broken pipe' said

# A closed pipe or a full disk shows in the next write, so from here on somebody makes system calls, even on an idle
# host.
touch up
while [ -e up ]; do sleep 0.02; done &

what="a required reader that leaves"
begin=$SECONDS
head -n 1 fifo >lines &
"$NUMARING" record -e syscalls --stats-json s.json --force --format jsonl -o fifo --format ctf -o t -d 60 >out 2>err
equal "$what: exit status" $? 0
check "$what: it ended then" test $((SECONDS - begin)) -lt 30
equal "$what: the trace is whole" "$("$NUMARING" stat --json t | jq .damaged)" false

what="a required reader behind a trace that leaves"
head -n 1 fifo >lines &
timeout 30 "$NUMARING" record -e syscalls --force --required -o t --format jsonl -o fifo -d 60 >out 2>err
equal "$what: exit status" $? 0
check "$what: the summary says which" grep -q '^output fifo: .*; its reader closed the pipe$' err

what="a required output that fails"
timeout 30 "$NUMARING" record -e syscalls --force --required -o t --format jsonl -o /dev/full -d 60 >out 2>err
equal "$what: exit status" $? 1
check "$what: the summary says which" grep -q '^output /dev/full: .*; it failed$' err
rm up

if unshare -m true 2>/dev/null; then
	what="an optional trace on a full disk"
	mkdir small
	prepare_load 100000
	# shellcheck disable=SC2016
	unshare -m bash -c 'mount -t tmpfs -o size=3m none small && "$@"; echo $? >status
		"$0" stat --json small/t >stat.json; echo $? >>status' "$NUMARING" \
		"$NUMARING" record -e syscalls -p "$(IFS=,; echo "${pids[*]},$$")" --shards cpu --ring-size $ring \
		--stats-json s.json --force -o t -o small/t -- sh -c "$load" sh "${pids[@]}" >out 2>err
	equal "$what: exit status of record and stat" "$(paste -sd ' ' status)" "1 1"
	check "$what: says so" grep -q 'cannot write small/t/stream: No space left on device' err
	equal "$what: which failed" "$(jq -c '[.outputs[].error]' s.json)" '[null,"No space left on device"]'
	equal "$what: why it is not complete" "$(jq -r .end.error stat.json)" "No space left on device"
	equal "$what: its account" "$(jq '.events + .missed_events' stat.json)" "$(jq .end.written stat.json)"
	equal "$what: nothing is forgotten" "$(jq '.end.written + .end.unwritten' stat.json)" \
		"$(jq .events_written s.json)"
	cpus=0
	complete t 100000
else
	echo "note: no mounts here, the full disk was not tried"
fi
finish
