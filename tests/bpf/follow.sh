#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A recording of some tasks only: --follow records a command, its threads, children, grandchildren and daemons, from
# their first event to the last, and nothing else; --cgroup records a cgroup and those below it.
. "$(dirname "$0")/../lib.sh"
need jq
need_bpf
scratch
chosen=$(dirname "$LOAD")/chosen

# Something else to record, also on an idle host.
"$chosen" loop &
other=$!
finally() {
	kill "$other" 2>/dev/null
	for group in "${groups[@]}"; do
		while read -r pid; do kill "$pid"; done <"$group/cgroup.procs" 2>/dev/null
		rmdir "$group" 2>/dev/null
	done
	rm -rf "$dir"
}
groups=()
trap finally EXIT

count() { # DIR FILTER: prints the number of events
	"$NUMARING" stat --json --filter "$2" "$1" | jq .events
}
list() { paste -sd, "$1"; } # numbers in lines

# ---- --follow ----

"$NUMARING" record -e syscalls,sched,exec -o t --follow --stats-json s.json -- "$chosen" tree pids >out 2>err ||
	fail "exit status $? $(cat err)"
equal "--follow: processes of the tree" "$(sort -u pids | wc -l)" 5
equal "--follow: all that make calls" \
	"$("$NUMARING" cat --json --filter 'type == "sys_enter"' t | jq .fields.pid | sort -u | paste -sd,)" \
	"$(sort -u pids | paste -sd,)"
equal "--follow: all their calls" "$(count t 'type == "sys_enter" && nr == getpgid')" 240 # a thread, too
equal "--follow: no other one's" "$(count t "pid !in [$(list pids)]")" 0
equal "--follow: from the first wake-up on, also of the thread" "$(count t 'sched_wakeup.is_new == true')" 6
equal "--follow: to the exit" "$(count t 'type == "process_exit"')" 6
equal "--follow: the exec of a child" "$(count t 'type == "process_exec"')" 2
equal "--follow: everybody was followed" "$(jq '[.unfollowed, .unaccounted]' -c s.json)" "[0,0]"
"$NUMARING" record -e syscalls -o u --follow --filter 'nr == getpgid && ret == -3' -- "$chosen" tree pids >out 2>err ||
	fail "exit status $?"
equal "--follow and --filter: both hold" "$(count u 'cpu < 65535')" 120
"$NUMARING" record --follow -o v -d 1 >out 2>err
equal "--follow without a command: exit status" $? 2
"$NUMARING" record --follow -p $$ -o v true >out 2>err
equal "--follow and -p: exit status" $? 2

# ---- --cgroup ----

"$NUMARING" record -o v --cgroup no/such/group -- touch started >out 2>err
equal "no such cgroup: exit status" $? 1
check "no such cgroup: what to do" grep -q -e 'there is no cgroup no/such/group' -e 'cgroup2 is not mounted' err
check "no such cgroup: nothing was started" test ! -e v -a ! -e started
mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
group=$mount/numaring-test-$$
if [ -z "$mount" ] || ! mkdir "$group" 2>/dev/null; then
	echo "skipped: --cgroup, because no cgroup can be made"
	finish
fi
groups=("$group")
mkdir -p "$group/a/b" "$group/c" && groups=("$group/a/b" "$group/a" "$group/c" "$group")

cat >in-groups <<'IN'
for place in a a/b c .; do
	sh -c 'echo $$ >"$1/cgroup.procs"; exec "$2" tree "$3"' sh "$group/$place" "$chosen" "pids-$(echo $place | tr / -)" || exit 1
done
IN
export group chosen
"$NUMARING" record -e syscalls,sched -o all --cgroup "numaring-test-$$" -- bash in-groups >out 2>err ||
	fail "exit status $? $(cat err)"
equal "--cgroup: it, and those below" "$(count all 'type == "sys_enter" && nr == getpgid')" 960
"$NUMARING" record -e syscalls,sched -o a --cgroup "$group/a" -- bash in-groups >out 2>err || fail "exit status $? $(cat err)"
equal "--cgroup: not its neighbours" "$(count a 'type == "sys_enter" && nr == getpgid')" 480
equal "--cgroup: nobody else" "$(count a "pid !in [$(cat pids-a pids-a-b | paste -sd,)]")" 0
"$NUMARING" record -e syscalls,sched -o b --cgroup "/numaring-test-$$/a/b" --filter 'nr == getpgid && ret == -3' -- bash in-groups \
	>out 2>err || fail "exit status $? $(cat err)"
equal "--cgroup and --filter: both hold" "$(count b 'cpu < 65535')" 120
equal "--cgroup: the trace tells" "$("$NUMARING" stat --json b | jq -r .filter)" \
	"(nr == getpgid && ret == -3) && cgroup == \"/numaring-test-$$/a/b\""
"$NUMARING" record -e sched -o root --cgroup / -- "$chosen" >out 2>err || fail "exit status $?"
check "--cgroup /: everybody" test "$(count root 'comm == "chosen"')" -gt 0
finish
