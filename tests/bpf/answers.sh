#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Reports give the right answer: programs block in a known way (block.c), and the report names the cause, and the time
# that the program itself measured, within 5 %. On a busy host anything may come in between, so each case has some tries.
. "$(dirname "$0")/../lib.sh"
: "${BLOCK:=$(dirname "$NUMARING")/tests/bpf/block}"
BLOCK=$(realpath "$BLOCK")
need jq
need_bpf
scratch
MS=40

# Records the case into t, and what the program says into says.
record_case() { # CASE [SCHED]
	"$NUMARING" record -e "${2-sched},syscalls:futex" --ring-size 16M -o t --force -- "$BLOCK" "$1" "$MS" >out 2>err
	grep '^{' out >says
}

said() { # NAME FIELD
	jq -r "select(.name == \"$1\") | .$2" says
}

# The cases of the report in which this thread is the one that was measured, within 5 %; the first in c.
find_case() { # REPORT LIST NAME FIELD
	"$NUMARING" report "$1" -n 1000 --json t 2>err |
		jq "[.$2[] | select(.tid == $(said "$3" tid))
			| select(.$4 / $(said "$3" ns) | . > 0.95 and . < 1.05)][0]" >c
	[ -s c ] && [ "$(cat c)" != null ]
}

holds() { # JQ-EXPRESSION on c
	[ "$(jq "$1" c)" = true ]
}

slept_on_time='.ns / 1e6 >= '$MS' * 0.95 and .ns / 1e6 < '$MS' * 1.05'

mutex() {
	record_case mutex && find_case offcpu worst worker duration_ns && holds '.call == "futex"' &&
		holds '.waker.comm == "holder" and .by_design == false' &&
		holds ".chain[0] | .comm == \"holder\" and .did == \"slept\" and $slept_on_time" &&
		holds '.chain[0] | .call | test("nanosleep")'
}

stacks() {
	record_case mutex sched:stacks && find_case offcpu worst worker duration_ns && holds '.slept_at | any(test("futex_wait"))' &&
		holds '.woken_at | any(test("futex_wake"))' &&
		"$NUMARING" report offcpu --comm worker t 2>err | grep -q 'asleep in .*futex'
}

chain() {
	record_case chain && find_case offcpu worst third duration_ns &&
		holds '.waker.comm == "second" and .chain[0].comm == "second" and .chain[0].call == "futex"' &&
		holds ".chain[1] | .comm == \"first\" and .did == \"slept\" and $slept_on_time" &&
		holds '.chain[1].call | test("nanosleep")'
}

nap() {
	record_case sleep && find_case offcpu waits sleeper duration_ns &&
		holds '.by_design and (.call | test("nanosleep")) and (.waker | .timer or .context == "unknown")'
}

hog() {
	record_case hog && find_case runq worst victim duration_ns &&
		holds '.woken == false and .instead[0].comm == "hog"' &&
		holds ".instead[0].ns / 1e6 > $MS * 0.9"
}

# TEXT FUNCTION: within five tries.
answer() {
	local i
	for i in 1 2 3 4 5; do
		"$2" && echo "ok: $1 (try $i)" && return
		grep -q 'no real-time task' err out && echo "note: $1: no real-time task is allowed" && return
	done
	fail "$1: $(cat c err says)"
}

answer "a mutex: who held it, and what for" mutex
answer "the same in a chain of two" chain
answer "a sleep is no stall" nap
if "$NUMARING" record -e sched:stacks -d 1ms -o stacked >/dev/null 2>err; then
	answer "where it slept, and where it was woken" stacks
else
	echo "note: no stacks here: $(cat err)"
fi
answer "a CPU hog is who ran instead" hog

# The first screen of one command: 24 lines of at most 100 columns name the cause.
screen() {
	"$NUMARING" record --report offcpu --ring-size 16M -- "$BLOCK" mutex "$MS" >out 2>err
	head -n 25 out | tail -n +2 >screen # without what the program says
	grep -q "worker:$(grep '^{' out | jq .tid) .*slept .* in futex until holder:" screen &&
		grep -q 'holder:[0-9]* had slept .* in clock_nanosleep until' screen &&
		! grep -qE '^.{101}' screen
}
answer "the first screen of record --report" screen
equal "the summary is one line on stderr" "$(grep -c 'events in .* lost$' err)" 1
equal "no trace is kept without -o" "$(find . -maxdepth 1 -name 'numaring-*')" ""
check "a trace is kept with -o" "$NUMARING" record --report runq,offcpu -o kept -- "$BLOCK" sleep 50 >out 2>err
check "two reports are printed" test "$(grep -c '^BEGIN' out)" = 2
equal "it is a trace of these sources" "$("$NUMARING" report runq --json kept | jq -r .report)" runq
check "events that a report needs are missing" \
	grep -q 'report offcpu needs the event sched_switch' <<<"$("$NUMARING" record --report offcpu -e irq -d 0.1 2>&1)"

# Damage: what is before it is reported. After a repair that leaves a gap, pairs around the gap are left out.
"$NUMARING" record -e sched --latency 10 -o d -- bash -c \
	'"$0" sleep 400 & while kill -0 $! 2>/dev/null; do sleep 0.005; done' "$BLOCK" >out
grep '^{' out >says
size=$(stat -c %s d/stream)
dd if=/dev/zero of=d/stream bs=1 count=64 seek=$((size / 2)) conv=notrunc 2>err
"$NUMARING" report offcpu --json d >c 2>err
equal "a damaged trace: exit status" $? 1
check "a damaged trace: it is said where" grep -q 'is damaged' err
check "a damaged trace: what is whole is reported" holds '.pairs > 0 and .left_out == 0'
check "repaired with a gap" "$NUMARING" repair --skip-damaged -o e d >out 2>err
"$NUMARING" report offcpu --json -n 1000 e >c 2>err
equal "a trace with a gap: exit status" $? 0
check "a sleep around the gap is left out" holds "[.waits[] | select(.tid == $(said sleeper tid))] == [] and .left_out > 0"
finish
