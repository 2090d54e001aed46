#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The built-in sources report correctly: fields, filters, the collector itself, the end of a recording.
. "$(dirname "$0")/../lib.sh"
: "${LOAD:=$(dirname "$NUMARING")/tests/bpf/load}"
LOAD=$(realpath "$LOAD")
need jq babeltrace2
need_bpf
scratch

events() { # EVENT: prints its fields among the first 100,000 events, as JSON
	"$NUMARING" cat --json -n 100000 t | jq -c "select(.event == \"$1\") | .fields + {cpu: .cpu}"
}

# Waits until the stream of the trace t has more than BYTES. Its first packet is only a head of 88 bytes.
recording() {
	local i
	for ((i = 0; i < 200; i++)); do
		[ "$(stat -c %s t/stream 2>/dev/null || echo 0)" -gt "$1" ] && return
		sleep 0.1
	done
}

# Task switches: the task that leaves a CPU is the one that came to it before.
"$NUMARING" record -e sched -o t --ring-size 16M -- \
	sh -c 'ls /proc/$PPID/task >threads; for i in 1 2 3 4 5 6 7 8; do sleep 0.02; done' >/dev/null ||
	fail "sched: exit status $?"
check "sched: switches" test "$(events sched_switch | wc -l)" -gt 16
check "sched: wake-ups of sleep" test "$(events sched_wakeup | jq -r .comm | grep -cx sleep)" -ge 1
check "sched: the shell's children are new" test "$(events sched_wakeup | jq .is_new | grep -c true)" -ge 8
# Only for this test's tasks: some sandboxes hide switches of their own tasks.
equal "sched: who leaves a CPU after sleep came to it is sleep" "$(events sched_switch | jq -s '
	reduce .[] as $e ({bad: 0};
		(if .comm["\($e.cpu)"] == "sleep" and .pid["\($e.cpu)"] != $e.prev_pid
		 then .bad += 1 else . end)
		| .pid["\($e.cpu)"] = $e.next_pid | .comm["\($e.cpu)"] = $e.next_comm) | .bad')" 0
check "sched: the collector has threads" test "$(wc -l <threads)" -ge 3
equal "sched: the collector is not woken on record" "$(events sched_wakeup | jq .pid | grep -cxFf threads)" 0

# All sources on both transports: what comes often through rings comes through lanes, too, but for the disk, which
# others use.
for transport in ring lane; do
	rm -rf t
	"$NUMARING" record -e sched,syscalls,exec,net,block,irq,memory,sample --transport $transport -o t -- sh -c '
		for i in 1 2 3 4 5; do true | cat; (exec 3<>/dev/tcp/127.0.0.1/9); sleep 0.1; done' >out 2>&1 ||
		fail "all sources, $transport: $(cat out)"
	"$NUMARING" stat --json t >$transport.json
done
often=$(jq -r '.types | to_entries[] | select(.value >= 10 and (.key | startswith("block_") | not)) | .key' ring.json)
check "all sources: several types" test "$(wc -l <<<"$often")" -ge 8
for type in $often; do
	check "all sources: $type, through lanes" test "$(jq ".types.$type" lane.json)" -gt 0
done

# Only one process.
rm -f pid
"$LOAD" 0 0 >pid &
load=$!
await test -s pid
pid=$(cat pid)
rm -rf t
"$NUMARING" record -e syscalls -p "$pid" -d 0.5 -o t >/dev/null || fail "-p: exit status $?"
equal "-p: other processes" "$(events sys_enter | jq "select(.pid != $pid)" | wc -l)" 0
check "-p: its calls" test "$(events sys_enter | wc -l)" -gt 100
equal "-p: they are getpgid" "$(events sys_enter | head -1000 | jq -r .nr | sort -u)" getpgid
equal "exit status of the calls is the group" "$(events sys_exit | head -1000 | jq .ret | sort -u | wc -l)" 1
kill "$pid" "$load" 2>/dev/null
wait "$load" 2>/dev/null

# A frozen task does not run. A mask with too few bits made it look like a running task.
freezer=$(awk '$3 == "cgroup" && $4 ~ /(^|,)freezer(,|$)/ { print $2; exit }' /proc/mounts)
if [ "$freezer" ] && mkdir "$freezer/numaring-$$" 2>/dev/null; then
	rm -f pid
	"$LOAD" 0 0 >pid &
	load=$!
	await test -s pid
	rm -rf t
	"$NUMARING" record -e sched -p "$(cat pid)" -o t >/dev/null &
	recorder=$!
	recording 88
	echo "$(cat pid)" >"$freezer/numaring-$$/cgroup.procs"
	echo FROZEN >"$freezer/numaring-$$/freezer.state"
	for ((i = 0; i < 100; i++)); do
		grep -qx FROZEN "$freezer/numaring-$$/freezer.state" && break
		sleep 0.1
	done
	echo THAWED >"$freezer/numaring-$$/freezer.state"
	echo "$(cat pid)" >"$freezer/cgroup.procs"
	kill -INT $recorder
	wait $recorder || fail "frozen: exit status $?"
	check "frozen: the switch away says so" test "$(events sched_switch |
		jq "select(.prev_pid == $(cat pid) and .prev_state == \"FROZEN\")" -c | wc -l)" -ge 1
	kill "$(cat pid)" "$load" 2>/dev/null
	wait "$load" 2>/dev/null
	rmdir "$freezer/numaring-$$"
else
	echo "note: no cgroup v1 freezer here, the state of frozen tasks was not tried"
fi

# The collector is left out unless the options include it.
self() {
	"$NUMARING" cat --json t | jq -r .fields.pid | sort -u | grep -cx "$1"
}
for flag in "" --self; do
	rm -rf t
	# shellcheck disable=SC2086
	"$NUMARING" record -e syscalls $flag -o t -d 0.5 >/dev/null &
	recorder=$!
	wait $recorder || fail "record $flag: exit status $?"
	equal "the collector's own calls, with '$flag'" "$(self $recorder)" "$([ "$flag" ] && echo 1 || echo 0)"
done

# In a PID namespace, as in a container, our PIDs differ from those that programs see.
if unshare -pf --mount-proc true 2>/dev/null; then
	rm -rf t
	unshare -pf --mount-proc bash -c "rm -f pid; '$LOAD' 0 0 >pid & until [ -s pid ]; do sleep 0.02; done
		'$NUMARING' record -e syscalls -p \$(cat pid) -d 0.5 -o t; kill \$(cat pid)" >out 2>&1
	check "namespace: -p" test "$(events sys_enter | wc -l)" -gt 100
	equal "namespace: -p, one process" "$(events sys_enter | jq .pid | sort -u | wc -l)" 1
	equal "namespace: -p, its calls" "$(events sys_enter | jq -r .nr | sort -u)" getpgid

	# Its kernel.pid_max says nothing of the host's numbers (Linux 6.14).
	rm -rf t
	echo 301 >pid_max
	unshare -pf --mount-proc bash -c "mount --bind pid_max /proc/sys/kernel/pid_max || exit
		'$NUMARING' record -e syscalls -o t -- '$LOAD' 1000 0" >out 2>&1 || fail "namespace: $(cat out)"
	check "namespace: how long its calls take" \
		test "$(events sys_exit | jq 'select(.nr == "getpgid" and .duration_ns > 0) | 1' | wc -l)" -ge 990
	for flag in "" --self; do
		rm -rf t
		# shellcheck disable=SC2086
		unshare -pf --mount-proc "$NUMARING" record -e syscalls $flag -o t -d 1 >/dev/null &
		await grep -q . /proc/$!/task/$!/children
		recorder=$(cat /proc/$!/task/$!/children)
		wait $! || fail "namespace: record $flag: exit status $?"
		equal "namespace: the collector's own calls, with '$flag'" "$(self $recorder)" \
			"$([ "$flag" ] && echo 1 || echo 0)"
	done
else
	echo "note: no PID namespace to be had, it was not tried"
fi

# Capabilities in a user namespace are not enough, and the message does not blame the kernel.
if unshare -Ur true 2>/dev/null; then
	unshare -Ur "$NUMARING" record -d 0.1 -o none 2>err
	equal "user namespace: exit status" $? 1
	check "user namespace: says so" grep -q 'no permission to load BPF programs.*user namespace' err
else
	echo "note: no user namespace to be had, it was not tried"
fi

# Signals end a recording cleanly.
for signal in INT TERM; do
	rm -rf t
	"$NUMARING" record -e sched -o t >out &
	recorder=$!
	recording 0
	kill -$signal $recorder
	wait $recorder
	equal "SIG$signal: exit status" $? 0
	check "SIG$signal: summary" grep -q ' 0 unaccounted' out
	check "SIG$signal: the trace can be read" "$NUMARING" stat t
done

# -d terminates a command that would go on, and all its descendants.
rm -rf t
"$NUMARING" record -e sched -d 0.3 -o t -- sh -c "$LOAD 0 0 & echo \$! >child; wait" >/dev/null 2>&1
equal "-d with a command: exit status" $? 0
check "-d with a command: it was ended" sh -c \
	"! grep -q '^State:.[RS]' /proc/$(cat child)/status 2>/dev/null"

# The command receives SIGPIPE even if we ignore it.
"$NUMARING" record --format jsonl -o lines -- sh -c 'grep SigIgn /proc/self/status >ignored' 2>/dev/null
equal "JSON lines: the command does not ignore SIGPIPE" $((0x$(cut -f 2 ignored) & 0x1000)) 0
# The caller may ignore SIGCHLD. numaring notices the end of the command all the same.
rm -rf t
timeout 30 env --ignore-signal=CHLD "$NUMARING" record -e sched -o t -- true >/dev/null
equal "SIGCHLD ignored: exit status" $? 0
# A command that does not exist leaves no trace.
"$NUMARING" record -o none -- no-such-command 2>/dev/null
equal "no command: exit status" $? 1
check "no command: no trace" test ! -e none

# A failed write is not reported as "done", and a thread is not a process.
rm -rf t
"$NUMARING" record -e sched -d 0.1 -o t >/dev/full 2>err
equal "full output: exit status" $? 1
check "full output: says so" grep -q 'cannot write the summary' err
name=$'t\xff'
"$NUMARING" record -e sched -d 0.1 -o "$name" --stats-json s.json >/dev/null || fail "odd name: exit status $?"
equal "odd name: there is one" "$(jq -r .output s.json)" "t?"
"$NUMARING" record -e sched -d 0.1 -o $'t\xe2\x80\xae' --stats-json s.json >/dev/null || fail "a name that turns the text: exit status $?"
check "a name that turns the text: it is escaped" grep -q '"output": "t\\u202[eE]"' s.json
"$NUMARING" record -e sched -o u -d 20 >/dev/null &
recorder=$!
for ((i = 0; i < 200; i++)); do
	[ -e u/stream ] && break
	sleep 0.1
done
thread=$(ls /proc/$recorder/task | grep -vx $recorder | head -n 1)
rm -rf t
"$NUMARING" record -e sched -d 0.1 -o t -p "$thread" 2>err
equal "thread: exit status" $? 1
check "thread: says so" grep -q "$thread is a thread of process $recorder" err
kill -INT $recorder
wait $recorder

# Other users may remove or replace the trace while it is recorded.
rm -rf t
"$NUMARING" record -e sched -o t >out 2>err &
recorder=$!
recording 0
"$NUMARING" record -e sched -o t --force -d 0.1 >/dev/null 2>err2
equal "a trace that is being recorded: exit status" $? 1
check "a trace that is being recorded: says so" grep -q 't is being recorded into' err2
rm -r t
kill -INT $recorder
wait $recorder
equal "the trace was removed: exit status" $? 1
check "the trace was removed: says so" grep -q 't/stream was removed' err

# A full disk: the written part can be read, the rest is reported, the exit status is 1.
if unshare -m true 2>/dev/null; then
	unshare -m bash -c "mkdir small && mount -t tmpfs -o size=3m none small && cd small &&
		'$NUMARING' record -e syscalls --stats-json ../s.json -o t -d 20 -- '$LOAD' 0 0 >../out 2>../err
		echo \$? >../status; '$NUMARING' stat --json t >../stat"
	equal "full disk: exit status" "$(cat status)" 1
	check "full disk: the equation holds" awk '/ reserved = / {
		n = $1 - $4 - $7; for (i = 9; $i == "+"; i += 4) n -= $(i + 1)
		found = 1; exit n != 0 } END { if (!found) exit 1 }' out
	check "full disk: says so" grep -q 'No space left on device' err
	equal "full disk: what was written is whole" "$(jq .damaged stat)" false
	equal "full disk: and counted" "$(jq .events stat)" "$(jq .events_written s.json)"
	check "full disk: what was not is counted too" test "$(jq .unwritten s.json)" -gt 0
	equal "full disk: unaccounted" "$(jq .unaccounted s.json)" 0
	unshare -m bash -c "mount -t tmpfs -o size=3m none small && cd small &&
		'$NUMARING' record -e syscalls --stats-json ../s.json --format jsonl -o lines -d 20 -- '$LOAD' 0 0 >/dev/null 2>../err
		echo \$? >../status; wc -l <lines >../lines"
	equal "full disk, JSON lines: exit status" "$(cat status)" 1
	equal "full disk, JSON lines: those that went out" "$(jq .delivered s.json)" "$(cat lines)"
	check "full disk, JSON lines: says so" grep -qE 'not written( \([0-9]+ of them reached the output\))?: No space' err
else
	echo "note: no mount namespace to be had, the full disk was not tried"
fi
finish
