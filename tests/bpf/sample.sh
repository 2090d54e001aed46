#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Source sample: a program that computes in one function is sampled there, as often as it was asked for.
. "$(dirname "$0")/../lib.sh"
: "${HOT:=$(dirname "$NUMARING")/tests/bpf/hot}"
HOT=$(realpath "$HOT")
need jq nm
need_bpf
scratch

samples() { # PID: prints its samples, a JSON line each
	"$NUMARING" cat --json t | jq -c "select(.event == \"sample\" and .fields.pid == $1) | .fields"
}

"$NUMARING" record -e sample:199 -o t -- "$HOT" 500 >out || fail "record: exit status $?"
read -r pid ms <out
n=$(samples "$pid" | wc -l)
echo "$n samples in $ms ms of CPU time"
# On average one for each 5 ms of CPU time.
check "as many samples as asked for" test "$n" -gt $((ms / 5 / 2)) -a "$n" -lt $((ms / 5 * 2))
equal "comm" "$(samples "$pid" | jq -r .comm | sort -u)" hot
equal "no more addresses than the stack has" "$(samples "$pid" | jq -c 'select(.n_kernel > .stack_len)')" ""
check "addresses of the process are its lower half" test "$(samples "$pid" |
	jq -r '.stack[.n_kernel:][]' | grep -c 0xffff)" -eq 0
check "addresses of the kernel are the upper half" test "$(samples "$pid" |
	jq -r '.stack[:.n_kernel][]' | grep -vc 0xffff)" -eq 0

# A program on the clock is no NMI, so other sources may record, too.
rm -rf t
check "with other sources" "$NUMARING" record -e sample,sched -o t -d 0.3
check "the trace is whole" "$NUMARING" verify t

refused() { # WHAT SOURCE SENTENCE
	"$NUMARING" record -e "$2" -o none -d 0.1 2>err >/dev/null && fail "$1: not refused"
	check "$1" grep -q "$3" err
	check "$1: no trace" test ! -e none
}
refused "no rate" sample: 'invalid argument "" of source sample'
refused "rate 0" sample:0 'invalid argument "0" of source sample'
refused "not a rate" sample:99x 'invalid argument "99x" of source sample'
refused "not a rate of cycles" sample:cycles: 'invalid argument "cycles:" of source sample'
refused "too often" sample:1000000 'use at most the number in /proc/sys/kernel/perf_event_max_sample_rate'

# Hardware counters interrupt with NMIs, which must not share rings with others.
if "$NUMARING" record -e sample:cycles -o c -d 0.3 >out 2>err; then
	check "cycles: samples" test "$("$NUMARING" cat c | grep -c ' sample: ')" -gt 0
	refused "cycles with other sources" sample:cycles,sched 'record it alone'
else
	check "cycles: there is no counter" grep -q 'this machine has no cycle counter' err
fi
finish
