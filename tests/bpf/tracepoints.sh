#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Tracepoints by name: their values, compared with what the test did and with the source sched; patterns; refusals.
. "$(dirname "$0")/../lib.sh"
: "${LOAD:=$(dirname "$NUMARING")/tests/bpf/load}"
LOAD=$(realpath "$LOAD")
need jq babeltrace2
need_bpf
scratch
"$NUMARING" record -e sched:sched_switch -d 1ms -o none >/dev/null 2>err ||
	skip "$(grep -m 1 -e 'cannot read the tracepoints' -e 'needs Linux' err || cat err)"
rm -rf none

events() { # EVENT: prints its fields, as JSON
	"$NUMARING" cat --json t | jq -c "select(.event == \"$1\") | .fields + {cpu: .cpu}"
}

# An executable whose name is longer than what arrays other than the last are cut to.
long=$PWD/$(printf 'long-%.0s' {1..20})
cp "$(type -P true)" "$long"
cp "$(command -v sleep)" nr-sleeps
echo "echo \$\$ >pid; printf abcdefg; '$long' 0; ./nr-sleeps 0.01; ./nr-sleeps 0.01; ./nr-sleeps 0.01" >script
"$NUMARING" record -e sched,syscalls:sys_enter_write -e 'sched:sched_switch,sched:sched_process_*' -o t \
	--stats-json s.json -- bash script >out || fail "exit status $?"
pid=$(cat pid)

equal "sys_enter_write: what printf wrote" "$(events syscalls:sys_enter_write |
	jq -c "select(.current_pid == $pid and .count == 7) | [.fd, .current_tid, .current_comm]")" "[1,$pid,\"bash\"]"
equal "sched_process_exec: a long file name" "$(events sched:sched_process_exec |
	jq -r "select(.filename == \"$long\") | .filename_len")" "${#long}"
equal "sched_process_exec: its task" "$(events sched:sched_process_exec |
	jq -c "select(.filename == \"$long\") | .pid == .current_pid and .old_pid == .pid and .current_comm == \"long-long-long-\"")" true
check "sched_switch: a state by its name" test "$(events sched:sched_switch |
	jq -c 'select(.prev_comm == "nr-sleeps" and .prev_state == "S")' | wc -l)" -ge 3
check "sched_process_*: forks" test "$(events sched:sched_process_fork | jq "select(.current_pid == $pid)" -c | wc -l)" -ge 4
check "sched_process_*: exits" test "$(events sched:sched_process_exit | jq 'select(.comm == "nr-sleeps")' -c | wc -l)" -ge 3
# Not those to nr-sleeps: before it, the collector may have run, which is left out.
switches() { # EVENT: the switches from nr-sleeps
	events "$1" | jq -c 'select(.prev_comm == "nr-sleeps")
		| [.cpu, .prev_pid, .prev_comm, .prev_prio, .next_pid, .next_comm, .next_prio]' | sort
}
switches sched_switch >by-source
switches sched:sched_switch >by-name
check "sched_switch: there are some" test "$(wc -l <by-name)" -ge 6
check "sched_switch: the same as by the source sched" diff by-source by-name
equal "babeltrace2 reads as many events" "$(babeltrace2 t | wc -l)" "$(jq .events_written s.json)"
equal "babeltrace2 reads the file name" "$(babeltrace2 t | grep sched:sched_process_exec | grep -c "filename = \"$long\"")" 1
equal "unaccounted" "$(jq .unaccounted s.json)" 0

# Only the process of -p; others make these calls, too.
"$NUMARING" record -e 'syscalls:sys_e*_getpgid' -o all -- "$LOAD" 0 100 >/dev/null 2>&1 &
rm -f pid
"$LOAD" 0 0 >pid &
load=$!
await test -s pid
rm -rf t
"$NUMARING" record -e 'syscalls:sys_e*_getpgid' -p "$(cat pid)" -d 0.2 -o t >/dev/null || fail "-p: exit status $?"
check "-p: its calls" test "$(events syscalls:sys_enter_getpgid | wc -l)" -gt 100
check "-p: their results" test "$(events syscalls:sys_exit_getpgid | wc -l)" -gt 100
equal "-p: no others" "$(events 'syscalls:sys_enter_getpgid' | jq .current_pid | sort -u)" "$(cat pid)"
kill "$(cat pid)" "$load" 2>/dev/null
wait

# Text before the last array is cut to 64 bytes.
if "$NUMARING" record -e sched:sched_prepare_exec -d 1ms -o none >/dev/null 2>&1; then
	rm -rf t
	printf '#!%s 0\n' "$long" >script
	chmod +x script
	"$NUMARING" record -e sched:sched_prepare_exec -o t -- ./script >/dev/null
	equal "sched_prepare_exec: text that is cut" "$(events sched:sched_prepare_exec |
		jq -r 'select(.filename == "./script") | .interp')" "${long:0:64}"
fi

# refused STATUS SENTENCE ARGUMENTS...
refused() {
	local status=$1 sentence=$2
	shift 2
	"$NUMARING" record "$@" -d 1ms -o none 2>err >/dev/null
	equal "$*: exit status" $? "$status"
	grep -qF "$sentence" err || fail "$*: said \"$(cat err)\", not \"$sentence\""
	[ ! -e none ] || fail "$*: left a trace"
	rm -rf none
}
rm -rf none
refused 2 'has no tracepoint sched:sched_swich: did you mean sched:sched_switch?' -e sched:sched_swich
refused 2 'has no tracepoint nonsense:*' -e 'nonsense:*'
refused 2 'every tracepoint of the kernel: name a group' -e '*:*'
refused 1 'runs in NMI context' -e nmi:nmi_handler
refused 2 'nmi:* adds nothing' -e 'nmi:*'
refused 2 'sched:sched_switch was already added' -e sched:sched_switch,sched:sched_switch
refused 2 'did you mean the tracepoint sched:sched_switch?' -e sched_switch
refused 2 'sched:sched_switch,sched_wakeup has an event without its group' -e sched:sched_switch,sched_wakeup
refused 2 '"nonsense" is not a source' -e nonsense
refused 2 'has no tracepoint :nonsense' -e :nonsense
refused 2 'sched:sched_switch,nonsense' -e sched:sched_switch,nonsense

# Probes that another tool made in tracefs are no tracepoints, and a pattern leaves them out.
probes() { # LINE: for uprobe_events
	unshare -m sh -c 'mount -t tracefs none /sys/kernel/tracing && echo "$1" >>/sys/kernel/tracing/uprobe_events' sh "$1" 2>/dev/null
}
if probes "p:schedule$$/sched_wakeup $(realpath "$LOAD"):0x40"; then
	refused 1 'is a probe or a synthetic event of another tracer' -e "schedule$$:sched_wakeup"
	"$NUMARING" record -e 'sched*:sched_wakeup*' -d 1ms -o some 2>err >/dev/null
	equal "a pattern that finds a probe: exit status" $? 0
	check "a pattern that finds a probe: leaves it out" grep -q "tracepoint schedule$$:sched_wakeup is left out" err
	probes "-:schedule$$/sched_wakeup"
else
	echo "note: no probes in tracefs, patterns that find them were not tried"
fi

# The kernel takes 64 programs at a tracepoint.
id=$(unshare -m sh -c 'mount -t tracefs none /sys/kernel/tracing && cat /sys/kernel/tracing/events/signal/signal_deliver/id')
if [ "$id" ]; then
	"$(dirname "$LOAD")/crowd" "$id" "$NUMARING" record -e signal:signal_deliver -d 1ms -o none 2>err >/dev/null
	equal "64 other programs: exit status" $? 1
	check "64 other programs: says so" grep -q 'signal:signal_deliver: 64 BPF programs are attached' err
	[ ! -e none ] || fail "64 other programs: left a trace"
else
	echo "note: no id of a tracepoint to be had, 64 other programs were not tried"
fi
finish
