#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A recording ends when it should, even if nobody reads its output or a write does not return. A slow output is
# named as the cause of losses.
. "$(dirname "$0")/../lib.sh"
: "${LOAD:=$(dirname "$NUMARING")/tests/bpf/load}"
LOAD=$(realpath "$LOAD")
hang=$(dirname "$LOAD")/libhang.so
need jq timeout
need_bpf
scratch
mkfifo fifo
# record_ STATUS OPTIONS...: runs in the foreground; if it does not end, it is killed and its status is 137.
record_() {
	local status=$1
	shift
	timeout -s KILL 30 "$NUMARING" record -e sched "$@" >out 2>err
	equal "$what: exit status" $? "$status"
}

listens() { # PID: waits until the process takes signals through a descriptor
	local i blocked
	for ((i = 0; i < 200; i++)); do
		blocked=$(awk '/^SigBlk/ { print $2 }' "/proc/$1/status" 2>/dev/null)
		((0x${blocked:-0} & 1 << 14)) && return
		sleep 0.1
	done
}

# signalled SIGNAL STATUS OPTIONS...: sends a signal to a process that has recorded or waited for some time
signalled() {
	local signal=$1 status=$2 recorder
	shift 2
	timeout -s KILL 30 "$NUMARING" record -e sched "$@" >out 2>err &
	await grep -q . /proc/$!/task/$!/children
	recorder=$(cat /proc/$!/task/$!/children)
	listens "${recorder% }"
	[ ! "${HANG_IN-}" ] || await test -e hangs
	sleep 1
	kill "-$signal" "${recorder% }"
	wait $!
	equal "$what: exit status" $? "$status"
}

# A FIFO that nobody opens.
for signal in TERM INT HUP; do
	what="a FIFO without a reader, $signal"
	signalled $signal 1 --format jsonl -o fifo
	check "$what: says so" grep -q 'no reader opened fifo: nothing was recorded' err
done
what="a FIFO without a reader, -d"
record_ 1 --format jsonl -o fifo -d 300ms
check "$what: says so" grep -q 'no reader opened fifo' err
check "$what: it is still there" test -p fifo
what="a FIFO without a reader, and statistics"
record_ 1 --format jsonl -o fifo -d 300ms --stats-json s.json
equal "$what: nothing else is said" "$(cat err)" "numaring: no reader opened fifo: nothing was recorded"
check "$what: no file is left" test ! -e s.json

what="a FIFO whose reader comes later"
(sleep 0.5 && exec cat fifo >lines) &
record_ 0 --format jsonl -o fifo -d 3
wait $!
check "$what: it has all lines" \
	test "$(wc -l <lines)" = "$(sed -n 's/^\([0-9]*\) events in .*/\1/p' err)"
what="a FIFO whose reader leaves"
head -n 1 fifo >lines &
record_ 0 --format jsonl -o fifo
what="statistics to a FIFO that nobody opens"
record_ 1 -d 300ms -o t --stats-json fifo
check "$what: says so" grep -q 'no reader opened fifo: the statistics were not written' err
check "$what: the summary is there" grep -q ' 0 unaccounted' out
what="statistics to a FIFO"
jq .unaccounted fifo >lines &
record_ 0 -d 300ms --force -o t --stats-json fifo
wait $!
equal "$what: unaccounted" "$(cat lines)" 0

# A full pipe that nobody reads.
exec 5<>fifo
timeout 1 cat /dev/zero >fifo
what="a summary that nobody reads"
timeout -s KILL 30 "$NUMARING" record -d 300ms --force -o t >fifo 2>err
equal "$what: exit status" $? 1
check "$what: says so" grep -q 'cannot write the summary: the reader stopped reading' err
exec 5>&-

# A disk that does not answer.
export ASAN_OPTIONS=verify_asan_link_order=0
on_disk() { # CALL MS FROM COMMAND...
	local call=$1 ms=$2 from=$3
	shift 3
	rm -f hangs
	HANG_IN=$call HANG_MS=$ms HANG_FROM=$from LD_PRELOAD=$hang "$@"
}
judge_stuck() {
	check "$what: says so" grep -qE 'gave up on a write to t after [0-9]+ ms' err
	check "$what: all accounted for" grep -q ' 0 unaccounted' out
	check "$what: what is not written is counted" grep -qE '\+ [1-9][0-9]* not written' out
	equal "$what: what was written is whole" "$("$NUMARING" stat --json t | jq .damaged)" false
}
what="a write that does not return, -d"
on_disk pwrite 100000 4 record_ 1 -d 2 --force -o t --stats-json s.json
judge_stuck
check "$what: how long it has taken" test "$(jq .output_ns s.json)" -gt 2000000000
what="a write that does not return, TERM"
on_disk pwrite 100000 4 signalled TERM 1 --force -o t
judge_stuck
what="a file that does not close"
on_disk close 100000 1 record_ 1 -d 300ms -o closing
check "$what: says so" grep -q 'gave up on a write to closing' err
what="a directory that cannot be made, TERM"
on_disk mkdir 100000 1 signalled TERM 1 -o never
check "$what: says so" grep -q 'ended by a signal: the start did not return within 5 s' err

what="a directory that cannot be made, -d"
on_disk mkdir 100000 1 record_ 1 -d 300ms -o never
check "$what: says so" grep -q 'gave up on the start' err

# A real one: a call into a frozen file system does not return, whatever signals arrive.
frozen_disk() {
	local fs=$dir/disk recorder i
	what="a frozen file system"
	mkdir disk && truncate -s 32M image && mkfs.ext4 -q image && mount -o loop image disk || {
		echo "note: $what was not tried: cannot mount one"
		return
	}
	trap 'fsfreeze -u "$fs" 2>/dev/null; umount "$fs"; rm -rf "$dir"' EXIT
	"$NUMARING" record -e syscalls -o disk/t >out 2>err &
	recorder=$!
	await test -s disk/t/stream
	sleep 1
	fsfreeze -f disk
	sleep 1
	kill -TERM $recorder
	for ((i = 0; i < 200; i++)); do
		grep -q 'not returned' err && break
		sleep 0.1
	done
	check "$what: the summary comes before the disk does" grep -qE '\+ [1-9][0-9]* not written' out
	fsfreeze -u disk
	wait $recorder
	equal "$what: exit status" $? 1
	# The write that did not return may still succeed after the summary.
	check "$what: what was written is there" test "$("$NUMARING" stat --json disk/t | jq .events)" -ge \
		"$(sed -n 's/^\([0-9]*\) events in .*/\1/p' out)"
	umount disk
	trap 'rm -rf "$dir"' EXIT
}
command -v fsfreeze >/dev/null && command -v mkfs.ext4 >/dev/null && frozen_disk

# A slow disk is named as the cause of losses.
what="a slow disk"
# shellcheck disable=SC2046
on_disk pwrite 300 4 record_ 0 -e syscalls --ring-size 256K -d 2 --force -o t --stats-json s.json -- \
	"$LOAD" 0 $(seq 0 $(($(nproc) - 1)))
check "$what: events were lost" test "$(jq .lost s.json)" -gt 0
equal "$what: unaccounted" "$(jq .unaccounted s.json)" 0
check "$what: the summary names it" \
	grep -qE '^the output was slow: one write took ([3-9]|[1-9][0-9])[0-9]{2} ms; [0-9.]+ of [0-9.]+ s were spent writing$' out
check "$what: the longest write" test "$(jq .output_max_ns s.json)" -ge 300000000
check "$what: all writes" jq -e '.output_total_ns >= .output_max_ns' s.json
finish
