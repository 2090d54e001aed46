#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# sched:stacks: where tasks go to sleep, and where others wake them.
. "$(dirname "$0")/../lib.sh"
: "${HOT:=$(dirname "$NUMARING")/tests/bpf/hot}"
HOT=$(realpath "$HOT")
need jq
need_bpf
scratch

# The shell does not run $HOT in its own place, so it waits for it.
"$NUMARING" record -e sched:stacks -o t --ring-size 64M --fail-on-loss -- sh -c "echo \$\$; $HOT 1 30; :" >out ||
	fail "record: exit status $?"
{ read -r shell && read -r pid _; } <out
"$NUMARING" cat --json --symbols t |
	jq -c 'select(.event | test("^sched_(stack|waker_stack|switch)$")) | {cpu, event, symbols} + .fields' >all

stacks() { # EVENT TID: prints the names in its stacks
	jq -r "select(.event == \"$1\" and .tid == $2) | .symbols[]" all | sed 's/+0x[0-9a-f]*//'
}
[ "$(uname -m)" = x86_64 ] &&
	check "sleep: in its own function" grep -qx 'wait_here (hot)' <(stacks sched_stack "$pid")
check "sleep: in the kernel" grep -qx '[a-z_]*nanosleep' <(stacks sched_stack "$pid")
check "sleep: the caller" grep -qx 'main (hot)' <(stacks sched_stack "$pid")
check "wake: the child's exit" grep -qx 'do_exit' <(jq -r "select(.event == \"sched_waker_stack\" and
	.woken_tid == $shell and .tid == $pid) | .symbols[]" all | sed 's/+0x.*//')

# A task's switch to sleep follows its stack, on the same CPU with no other switch between; and no other
# switch has a stack. From the shell's first event on: before, not all programs were attached.
sed -n "/\"tid\":$shell,/,\$p" all >since
jq -s 'reduce (.[] | select(.event != "sched_waker_stack")) as $e ({right: 0, wrong: 0};
	.last["\($e.cpu)"] as $last
	| if $e.event == "sched_stack" then . else
		(if $last.event == "sched_stack" and $last.tid == $e.prev_pid and $e.prev_state != "RUNNING" and
			($e.preempt | not) then .right += 1
		elif $last.event == "sched_stack" or ($e.prev_tgid == '"$pid"' and $e.prev_state != "RUNNING" and
			($e.preempt | not) and $last) then .wrong += 1 else . end) end
	| .last["\($e.cpu)"] = $e)' since >order
check "stacks before switches" test "$(jq .right order)" -gt 1
equal "stacks elsewhere" "$(jq .wrong order)" 0

check "report: asleep in the kernel and in its function" grep -q 'nanosleep < .* < main' \
	<("$NUMARING" record --report offcpu -e sched:stacks --comm hot -- "$HOT" 1 30 2>/dev/null |
		sed 's/^ *//' | tr '\n' ' ')

rm -rf t
check "without the argument" "$NUMARING" record -e sched -o t -d 0.1
equal "without the argument: no such events" "$(grep -c sched_stack t/metadata)" 0
equal "without the argument: no symbols" "$(find t -name '.kall*' -o -name .mappings)" ""
"$NUMARING" record -e sched:stacks,sched -o none -d 0.1 2>err && fail "twice: not refused"
check "twice: the message" grep -q 'source sched was already added' err
finish
