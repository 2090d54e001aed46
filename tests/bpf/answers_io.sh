#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Reports give the right answer: known.c does something for a time, or so many times, that it measures itself, and the
# report names the cause and the time within 5 %, or the exact number. On a busy host anything may come in between, so
# each case has some tries.
# shellcheck disable=SC2016
. "$(dirname "$0")/../lib.sh"
: "${KNOWN:=$(dirname "$NUMARING")/tests/bpf/known}"
KNOWN=$(realpath "$KNOWN")
SLOWFS=$(realpath "$(dirname "$KNOWN")/slowfs")
need jq losetup umount
need_bpf
scratch
MS=40
loop=
group=
slow=
clean() {
	cd /
	[ ! "$slow" ] || kill -CONT "$slow" 2>/dev/null
	[ ! "$group" ] || rmdir "$group"
	[ ! "$loop" ] || losetup -d "$loop"
	umount -l "$dir/slow" 2>/dev/null
	rm -rf "$dir"
}
trap clean EXIT # of lib.sh's scratch directory $dir

# Records sources into t while the case runs, which says into says what it measured. Fails if anything was lost.
record_case() { # SOURCES CASE...
	local sources=$1
	shift
	"$NUMARING" record -e "$sources" --ring-size 64M -o t --force --fail-on-loss -- "$KNOWN" "$@" >out 2>err &&
		grep '^{' out >says
}

said() { # FIELD
	jq ".$1" says
}

# The report in r.
report() { # KIND OPTIONS...
	"$NUMARING" report "$@" --json t >r 2>err
}

# holds JQ-EXPRESSION: of the report, with the program's own words as $said.
holds() {
	[ "$(jq --argjson said "$(cat says)" "def near(a): . / a > 0.95 and . / a < 1.05; $1" r)" = true ]
}

nap() {
	record_case syscalls,sched nap $MS && report syscalls -n 1000 -p "$(said pid)" &&
		holds '.worst[] | select(.tid == $said.pid and (.call | test("nanosleep")))
			| .waits_by_design and (.duration_ns | near($said.ns)) and (.off_cpu_ns | near($said.ns))
			  and (.waker.interrupt or .waker.tid == 0)'
}

pipe() {
	record_case syscalls,sched pipe $MS && report syscalls -p "$(said pid)" &&
		holds '[.worst[] | select(.tid == $said.pid and .call == "read")][0]
			| .comm == "reader" and (.duration_ns | near($said.ns)) and (.off_cpu_ns | near($said.ns))
			  and .waker.comm == "writer" and .waker.tid == $said.writer'
}

failing() {
	record_case syscalls fail 1234 && report syscalls -p "$(said pid)" &&
		holds '.calls[] | select(.call == "openat") | .errors.ENOENT == 1234' &&
		holds '.verdict | test("most with ENOENT in openat")'
}

disk() {
	# other disks may be slower
	record_case block disk "$loop" 12 && report io --filter "device == \"${loop#/dev/}\"" &&
		holds '.devices[0] | .device == "'"${loop#/dev/}"'" and .slow == 12 and .requests == 12
			and (.device_ns | near($said.sum))' &&
		holds '.worst[0] | .tid == $said.pid and .comm == "reader" and .op == "READ"
			and (.duration_ns | near($said.longest))' &&
		holds '.verdict | test("'"${loop#/dev/}"' is slow.*12 requests took longer.*all of reader.*in the device")'
}

drop() {
	record_case net drop 1234 && report net -n 1000 &&
		holds '.drops[] | select(.port == $said.port)
			| .n == 1234 and .interface == "lo" and .reason == "NO_SOCKET" and .ip_protocol == "UDP"' &&
		"$NUMARING" report net --filter "dport == $(said port)" t | grep -q \
			"^net: 1,234 packets dropped on lo: NO_SOCKET, UDP to port $(said port)\."
}

flood() {
	record_case irq,sched flood 200 && report irq &&
		holds '.interrupts[] | select(.kind == "softirq" and .name == "NET_RX" and .cpu == $said.cpu)
			| (.took.n | near($said.softirqs)) and .took.n > $said.sent / 2
			  and .took.sum_ns < $said.ns and .took.min_ns > 0' &&
		holds '[.interrupts[] | select(.cpu == $said.cpu)][0].name == "NET_RX"' &&
		holds '[.interrupted[] | select(.id == $said.pid)][0].name == "flood"'
}

touched() {
	record_case memory touch 10000 && report faults &&
		holds '.processes[] | select(.pid == $said.pid and .comm == "known") | (.write | near($said.n)) and .faults >= $said.n'
}

# The program writes more than its memory cgroup may have.
limited() {
	# shellcheck disable=SC2016
	"$NUMARING" record -e memory --ring-size 64M -o t --force --fail-on-loss -- sh -c '
		echo $$ >"$0/cgroup.procs"
		echo "{\"pid\":$$}"
		exec dd if=/dev/zero of=dirty bs=1M count=100 status=none' "$group" >out 2>err &&
		grep '^{' out >says && report faults -n 1000 &&
		holds '[.worst[] | select(.tid == $said.pid)][0]
			| .comm == "dd" and .in == "direct reclaim" and .detail == "MEMCG" and .reclaimed > 0' &&
		holds '[.stalled[] | select(.id == $said.pid and .name == "dd")][0].n > 10'
}

# TEXT FUNCTION: within five tries.
answer() {
	local i
	for i in 1 2 3 4 5; do
		"$2" && echo "ok: $1 (try $i)" && return
	done
	fail "$1: $(cat err says; jq -c 'del(.histogram)' r | head -c 2000)"
}

answer "syscalls: a sleep, and that a timer ended it" nap
answer "syscalls: a read of a pipe, and who wrote" pipe
answer "syscalls: which error, and how often" failing
answer "net: which packets were dropped, how many and why" drop
answer "irq: a softirq flood, and whom it interrupted" flood
answer "faults: who faults, and how often" touched

for memory in /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/*/memory.max; do
	[ -w "$memory" ] || continue
	limit=${memory##*/}
	[ "$limit" = memory.limit_in_bytes ] && memory=${memory%/*} || memory=${memory%/*/*}
	mkdir "$memory/numaring-test-$$" 2>/dev/null && group=$memory/numaring-test-$$ && break
done
if [ "$group" ] && echo 20M >"$group/$limit"; then
	answer "faults: who waits because its cgroup is at its limit" limited
else
	echo "note: no memory cgroup can be made here"
fi

# The first screen of one command names the cause: 24 lines of at most 100 columns.
filter=()
screen() { # KIND CASE...
	local kind=$1
	shift
	"$NUMARING" record --report "$kind" --ring-size 64M "${filter[@]}" -- "$KNOWN" "$@" >out 2>err
	grep '^{' out >says
	grep -v '^{' out | head -n 24 >screen
	[ -z "$(LC_ALL=C.UTF-8 grep -E '^.{101}' screen)" ]
}
drop_screen() {
	screen net drop 1234 && # the port is enough on a host that drops others
		grep -qE "^ +1234  lo +NO_SOCKET +UDP to port $(said port) " screen
}
disk_screen() {
	local filter=(--filter "device == \"${loop#/dev/}\"")
	screen io disk "$loop" 12 &&
		tr '\n' ' ' <screen | grep -q "^io: ${loop#/dev/} is slow: .*12 requests took longer .*all of reader"
}
# The disk hangs, so nothing completes.
hung() {
	local wait hanging status
	rm -rf t
	kill -STOP "$slow"
	"$NUMARING" record -e block -o t --force --fail-on-loss -d 1.2 >out 2>err &
	wait=$!
	await test -s t/stream
	"$KNOWN" disk "$loop" 1 >says &
	hanging=$!
	wait $wait
	status=$?
	kill -CONT "$slow"
	wait $hanging
	[ $status = 0 ] && report io --filter "device == \"${loop#/dev/}\"" &&
		holds '.pending | length == 1 and (.[0] | .tid == $said.pid and .age_ns < 1.5e9)' &&
		holds '.verdict | test("no request completed. 1 request was not seen to complete")'
}
calls_screen() {
	local filter=(--filter 'comm == "reader"') # others may read something longer
	screen syscalls pipe $MS &&
		tr '\n' ' ' <screen | grep -q "read of reader:$(said pid) took 4.* woken up by writer:$(said writer)\."
}
answer "record --report net: the first screen" drop_screen
answer "record --report syscalls: the first screen" calls_screen

mkdir slow
"$SLOWFS" slow 64 $MS 2>slowfs.err &
slow=$!
if await test -e slow/disk && loop=$(losetup -f --show slow/disk); then
	answer "io: a slow disk, and who waited for it" disk
	answer "record --report io: the first screen" disk_screen
	answer "io: a disk that hangs" hung
else
	echo "note: no slow disk here: $(cat slowfs.err)"
fi

# Two recordings of the same differ in nothing that takes 20 ms; one that sleeps longer does.
sleeps() { # TRACE MS: 40 times
	"$NUMARING" record -e syscalls -o "$1" --force -- \
		bash -c 'for ((i = 0; i < 40; i++)); do read -t '"$2"' <>slow.fifo; done' >out 2>err
}
mkfifo slow.fifo
differs() {
	sleeps a 0.010 && sleeps b 0.010 && sleeps c 0.013 || return
	"$NUMARING" report diff a b syscalls --comm bash --json >r &&
		holds '[.rows[] | select(.name == "pselect6")][0].duration.changed == false' &&
		"$NUMARING" report diff a c syscalls --comm bash --json >r &&
		holds '[.rows[] | select(.name == "pselect6")][0].duration | .changed and (.ratio | near(1.3))'
}
answer "diff: sleeps that are 30 % longer" differs
finish
