#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Filters of a recording: they keep exactly what the same filter selects from a whole recording of the same time,
# whether BPF programs or the stream decide; what is left out is counted; a wrong filter starts nothing.
. "$(dirname "$0")/../lib.sh"
need jq
need_bpf
scratch
chosen=$(dirname "$LOAD")/chosen
last=$(taskset -cp $$ | grep -o '[0-9]*$')

# ---- the same as a filter afterwards ----

# A sign at the beginning: k, the kernel decides all of it; m, a part; s, the stream does. The events are of the task alone,
# so they lie in both recordings; a zombie's last switch may not.
cat >filters <<FILTERS
k comm == "chosen" && nr == getpgid
k comm == "chosen" && ret < 0
k comm == "cho*" && error in [ESRCH, EBADF]
k comm == "chosen" && nr in [read, close] && (args[0] == 4294967295 || args[2] in [2-3, 7])
k comm == "chosen" && cpu == $last && nr != close
k comm == "chosen" && !(nr == getpgid || ret == 0)
k comm == "chosen" && pid != 1 && type == "sys_enter"
k comm == "chosen" && type == "sched_switch" && prev_state == SLEEPING
m comm == "*osen" && ret == -3
m comm == "chosen" && nr == "get*" && cpu == $last
s comm == "*osen" && type == "sys_enter"
FILTERS
cat >inner <<'INNER'
i=0
while IFS= read -r line; do
	"$NUMARING" record -v -e syscalls,sched -o "some$i" --filter "${line#? }" --stats-json "s$i.json" -- \
		sh -c "echo \$\$ >pid$i; exec '$chosen'" >"out$i" 2>"err$i" || exit 1
	i=$((i + 1))
done <filters
INNER
export NUMARING chosen
"$NUMARING" record -e syscalls,sched -o all -- bash inner >out 2>err || fail "exit status $? $(cat err)"

# What a filter is about, without times. Events of one time may change places.
events() { # DIR [OPTION...]
	"$NUMARING" cat --json "$@" | jq -c '[.event, .cpu, .fields.nr, .fields.ret, .fields.error, .fields.args,
		.fields.tid, .fields.prev_pid, .fields.next_pid, .fields.prev_state]' | sort
}

i=0
while IFS= read -r line; do
	filter=${line#? }
	# All runs of the task are in the whole recording.
	events all --filter "($filter) && tid == $(cat "pid$i")" >whole
	events "some$i" >part
	check "$filter: some" test -s part
	check "$filter: the same events" diff whole part
	equal "$filter: the account" "$(jq '[.reserved, .unaccounted]' -c "s$i.json")" \
		"$(jq '[.events_written + .filtered + .discarded, 0]' -c "s$i.json")"
	equal "$filter: stat" "$("$NUMARING" stat --json "some$i" | jq -c '[.filter, .end.filtered, .complete]')" \
		"$(jq -c --arg f "$filter" '[$f, .filtered, true]' "s$i.json")"
	check "$filter: verify" "$NUMARING" verify "some$i" >/dev/null
	case $line in
	k*) check "$filter: in the kernel" grep -q 'filter of .*: in the kernel' "err$i"
		check "$filter: and only there" test "$(jq .filtered "s$i.json")" = 0 ;;
	m*) check "$filter: a part in the kernel" grep -q 'filter of .*: a part in the kernel, all of it on the stream' "err$i" ;;
	s*) check "$filter: on the stream" grep -q 'filter of .*: on the stream' "err$i" ;;
	esac
	i=$((i + 1))
done <filters

# ---- the same bytes for any number of packers, and every kind of output ----

"$NUMARING" record -e syscalls -o t --format jsonl -o lines --packers 3 --required --filter 'comm == "*osen"' \
	--stats-json s.json -- "$chosen" >out 2>err || fail "exit status $? $(cat err)"
equal "lines: the same events" "$(wc -l <lines)" "$("$NUMARING" stat --json t | jq .events)"
equal "lines: 40 calls each way on each CPU" "$(grep -c '"nr":"getpgid"' lines)" 160
equal "lines: counted" "$(jq .reserved s.json)" "$(jq '.events_written + .filtered' s.json)"
check "the summary tells" grep -q ' written + 0 discarded + [1-9][0-9]* filtered' err

# ---- losses ----

"$NUMARING" record -e syscalls -o l --ring-size 4K --filter 'comm == "*osen"' --stats-json s.json -- \
	sh -c "'$chosen'; '$chosen'; '$chosen'" >out 2>err || fail "exit status $? $(cat err)"
check "losses: some" test "$(jq .lost s.json)" -gt 0
check "losses: the summary tells what they mean" grep -q 'lost records were not compared with the filter' out
equal "losses: the account" "$(jq '[.reserved, .unaccounted]' -c s.json)" "$(jq '[.events_written + .filtered + .discarded, 0]' -c s.json)"
check "losses: verify" "$NUMARING" verify l >/dev/null
equal "losses: stat" "$("$NUMARING" stat --json l | jq -c '[.lost, .misplaced, .end.filtered]')" "$(jq -c '[.lost, 0, .filtered]' s.json)"

# ---- shorthands ----

"$NUMARING" record -e syscalls,sched -o c --comm chosen -C "$last" -- "$chosen" >out 2>err || fail "exit status $?"
equal "-C, --comm: nothing else" "$("$NUMARING" stat --json --filter "!(comm == \"chosen\" && cpu == $last)" c | jq .events)" 0
equal "-C, --comm: its calls" "$("$NUMARING" stat --json --filter 'type == "sys_enter" && nr == getpgid' c | jq .events)" 40
"$NUMARING" record -e syscalls -o d --filter 'nr == getpgid || nr == close' --comm chosen -- "$chosen" >out 2>err ||
	fail "exit status $?"
equal "--filter and --comm: both hold" "$("$NUMARING" stat --json --filter 'comm != "chosen"' d | jq .events)" 0

# ---- events of an object that does not test, and of a source that has nothing to do ----

equal "an idle source is not attached" "$("$NUMARING" record -v -e syscalls,sched -o e --filter 'type == "sched_*" && comm == "chosen"' \
	-- "$chosen" 2>&1 >/dev/null | grep -c 'filter of sys_.*: no event matches')" 2
equal "a tracepoint by name" "$("$NUMARING" record -v -e sched:sched_switch -o f --filter 'prev_comm == "chosen"' -- "$chosen" 2>&1 >/dev/null |
	grep -c 'filter of sched:sched_switch: on the stream')" 1
equal "a tracepoint by name: nothing else" "$("$NUMARING" stat --json --filter 'prev_comm != "chosen"' f | jq .events)" 0

check "an idle source with stacks" "$NUMARING" record -e sched,exec,sample -o h --filter 'comm == "chosen" && prev_prio > 5' \
	-- "$chosen" >out 2>&1

# ---- a wrong filter ----

"$NUMARING" record -e sched -o g --filter 'prev_stat == SLEEPING' -- touch started >out 2>err
equal "a wrong name: exit status" $? 2
check "a wrong name: the right one" grep -q 'did you mean prev_state' err
check "a wrong name: nothing was started" test ! -e g -a ! -e started
"$NUMARING" record -e sched -o g --filter 'cpu == 1 &&' >out 2>err
equal "half a filter" $? 2
"$NUMARING" record -e sched -o g --filter 'cpu == 1) || (cpu == 0' --comm x >out 2>err
equal "two halves" $? 2
"$NUMARING" record -e sched -o g -C 65000-65001 -d 1ms >out 2>err
equal "-C, no such CPU: exit status" $? 2
check "-C, no such CPU: says so" grep -q 'this host has only the CPUs 0 to [0-9]*$' err
"$NUMARING" record -e sched -o g -C 1-x >out 2>err
equal "no list of CPUs" $? 2
finish
