#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The sources sched, syscalls and exec tell what tasks did: a program whose acts are known is recorded.
. "$(dirname "$0")/../lib.sh"
: "${ACTS:=$(dirname "$NUMARING")/tests/bpf/acts}"
ACTS=$(realpath "$ACTS")
need jq
need_bpf
scratch

"$NUMARING" record -e sched -e syscalls -e exec --ring-size 64M -o t --stats-json s.json -- "$ACTS" >said 2>err ||
	fail "record: exit status $?: $(cat err)"
equal "lost" "$(jq .lost s.json)" 0

said() { # NAME
	awk -v name="$1" '$1 == name { print $2 }' said
}

"$NUMARING" cat --json t >all
grep -E "pid\":($(awk '/parent|sleeper|sharer|futex|caller|exec|killed/ { print $2 }' said | paste -sd'|'))[,}]" all >mine

of() { # EVENT CONDITION WHAT: of the fields
	jq -r --arg event "$1" "select(.event == \$event) | .fields | select($2) | $3" mine
}

within() { # WHAT VALUE LEAST MOST
	check "$1 ($2)" awk -v v="$2" -v least="$3" -v most="$4" 'BEGIN { exit !(v >= least && v <= most) }'
}

# A sleep of 50 ms. How late a busy host is shows in wait_ns.
sleeper=$(said sleeper)
read -r off wait <<<"$(of sched_switch ".next_pid == $sleeper and .off_ns >= 50000000" '"\(.off_ns) \(.wait_ns)"')"
within "sleep: slept until it was woken" $((off - wait)) 50000000 52500000
equal "sleep: leaves in" "$(of sched_switch ".prev_pid == $sleeper and .prev_syscall == \"clock_nanosleep\"" .prev_state)" SLEEPING
check "sleep: its duration" test "$(of sys_exit ".tid == $sleeper and .nr == \"clock_nanosleep\"" .duration_ns)" -ge "$off"
context=$(of sched_wakeup ".pid == $sleeper and (.is_new | not) and .context != \"WAKE_TASK\"" .context | tail -n 1)
check "sleep: the timer wakes it in an interrupt ($context)" grep -qx -e WAKE_HARDIRQ -e WAKE_SOFTIRQ <<<"$context"

# A rival on the same CPU. The wait is what the clocks of the process say, give or take what interrupts take.
truth=$(said share-waited)
waited=$(jq -r "select(.event == \"sched_switch\" and .ts > $(said share-begin) and .ts < $(said share-end)) |
	.fields | select(.next_pid == $(said sharer)) | .wait_ns" mine | awk '{ sum += $1 } END { print sum }')
within "rival: waited for the CPU, and it was $truth" "$waited" $((truth * 95 / 100 - 1000000)) \
	$((truth * 105 / 100 + 1000000))

# A thread wakes another one.
waker=$(said futex-waker)
asleep=$(said futex-sleeper)
equal "futex: who wakes" "$(of sched_wakeup ".pid == $asleep and .waker_pid == $waker and (.is_new | not)" .context | tail -n 1)" WAKE_TASK
equal "futex: the waker's process" "$(of sched_wakeup ".pid == $asleep and .waker_pid == $waker" .waker_tgid | sort -u)" "$(said futex)"
check "futex: sleeps in" grep -qx futex <<<"$(of sched_switch ".prev_pid == $asleep and .prev_state == \"SLEEPING\"" .prev_syscall)"
equal "futex: a new thread's creator" "$(of sched_wakeup ".pid == $asleep and .is_new" .waker_pid)" "$waker"
equal "kernel threads are in no call" "$(jq -r 'select(.event == "sched_switch") | .fields |
	select(.prev_comm | startswith("kworker") or startswith("ksoftirqd") or startswith("swapper")) | .prev_syscall' all | sort -u)" NONE

# System calls.
caller=$(said caller)
calls() { # EVENT CALL CONDITION WHAT
	of "$1" ".pid == $caller and .nr == \"$2\" and $3" "$4"
}
equal "an open fails with" "$(calls sys_exit openat ".ret == -2" .error)" ENOENT
equal "a write's arguments" "$(calls sys_enter write ".args[2] == 5" '"\(.args[0]) \(.args[1])"')" \
	"$(said write-fd) $(said write-address)"
equal "a write's result" "$(calls sys_exit write ".ret == 5" .error)" OK
equal "the call that leaves a signal handler" "$(calls sys_exit rt_sigreturn true .tid)" "$caller"
equal "calls without a name or with a wrong one" "$(of sys_exit ".pid == $caller and .nr == \"NONE\"" .nr)" ""
if [ "$(said other-table)" = 1 ]; then
	equal "a 32-bit call is no native one" "$(of sys_exit ".pid == $caller and .nr == 100020" .ret)" "$caller"
	equal "a 32-bit call: writev" "$(calls sys_enter writev true .tid)" ""
else
	echo "note: this kernel has no 32-bit calls, they were not tried"
fi
equal "comm of a call" "$(calls sys_enter rt_sigreturn true .comm)" acts

# Only some calls.
"$NUMARING" record -e syscalls:write,rt_sigreturn,257 -o some -- "$ACTS" >/dev/null || fail "some calls: exit status $?"
open=openat
[ "$(uname -m)" = x86_64 ] || open=257
equal "some calls" "$("$NUMARING" cat --json some | jq -r .fields.nr | sort -u | paste -sd' ')" "$open rt_sigreturn write"
"$NUMARING" record -e syscalls:read,wirte -d 1ms -o none 2>err
equal "a wrong call: exit status" $? 2
check "a wrong call: says so" grep -q 'unknown system call "wirte": did you mean write?' err

# Durations do not depend on what a filter leaves out, nor on the name that execve has changed meanwhile.
filtered() { # FILTER: the calls with the least and the most duration
	rm -rf some
	"$NUMARING" record -e syscalls --filter "$1" -o some -- "$ACTS" >/dev/null || fail "$1: exit status $?"
	"$NUMARING" cat --json some | jq -s -r '[.[] | select(.event == "sys_exit" and .fields.comm == "acts") | .fields.duration_ns |
		select(. != null)] | "\(length) \(min) \(max)"'
}
for filter in 'nr == clock_nanosleep' 'duration_ns > 40ms && duration_ns < 10s' 'nr == clock_nanosleep || ret == -2' \
	'comm == "acts" && nr in [clock_nanosleep, openat]' 'comm == "acts" && nr in [clock_nanosleep, execve]' \
	'sys_exit.nr == clock_nanosleep'; do
	read -r n least most <<<"$(filtered "$filter")"
	check "$filter: durations ($n, $least to $most ns)" test "$n" -gt 0 -a "$least" -gt 0 -a "$most" -ge 50000000
done

# Processes.
executes=$(said executes)
equal "fork: by the parent" "$(of process_fork ".child_pid == $caller" .pid)" "$(said parent)"
equal "exec: thread" "$(of process_exec ".pid == $executes" '"\(.old_tid) \(.tid)"')" "$(said exec-thread) $executes"
equal "exec: arguments" "$(of process_exec ".pid == $executes" .args)" "sh -c exit 7 two  words  end"
equal "exec: file" "$(of process_exec ".pid == $executes" .filename)" /bin/sh
equal "exec: comm" "$(of process_exec ".pid == $executes" .comm)" sh
equal "exec: of the thread's call, unknown" "$(of sys_exit ".tid == $executes and .nr == \"execve\"" .duration_ns)" 0
equal "exit: status" "$(of process_exit ".tid == $executes and .comm == \"sh\"" '"\(.status) \(.signal)"')" "7 0"
killed=$(said killed)
equal "exit: signal" "$(of process_exit ".pid == $killed" '"\(.status) \(.signal) \(.core_dumped)"')" "0 9 false"
check "exit: lifetime" test "$(of process_exit ".pid == $killed" .lifetime_ns)" -ge 20000000

# Long arguments are cut.
# shellcheck disable=SC2046
"$NUMARING" record -e exec -o long -- /bin/echo $(seq 1000) >/dev/null
echo /bin/echo $(seq 1000) | head -c 1024 >expected
"$NUMARING" cat --json long | jq -j 'select(.fields.filename == "/bin/echo") | .fields.args' >args
check "exec: long arguments are cut" cmp args expected
finish
