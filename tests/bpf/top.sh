#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# numaring top: as lines, as JSON, and on a terminal of 80 columns and 24 lines.
. "$(dirname "$0")/../lib.sh"
: "${LOAD:=$(dirname "$NUMARING")/tests/bpf/load}"
LOAD=$(realpath "$LOAD")
need jq tmux
need_bpf
scratch
export NUMARING
server=numaring-$$
clean_up() {
	[ "${load-}" ] && kill "$(cat pid)" "$load" 2>/dev/null
	tmux -L $server kill-server 2>/dev/null
	rm -rf "$dir"
}
trap clean_up EXIT

is_true() { # ARGUMENTS...: of jq
	jq -e "$@" >/dev/null
}

# A process that makes nothing but getpgid calls.
"$LOAD" 0 0 >pid &
load=$!
await test -s pid
pid=$(cat pid)

# JSON: one line for each interval. What is counted by type, task, CPU, node and shard is the same.
"$NUMARING" top -e syscalls -p "$pid" --json -i 200ms -n 3 >lines || fail "--json: exit status $?"
equal "--json: intervals" "$(wc -l <lines)" 3
tail -n 1 lines >last
check "--json: there are events" test "$(jq .events last)" -gt 100
for view in types tasks cpus nodes; do
	equal "--json: all events are in $view" "$(jq "[.${view}[].percent] | add | round" last)" 100
done
equal "--json: the task" "$(jq -c '.tasks | map([.tid, .pid, .comm])' last)" "[[$pid,$pid,\"load\"]]"
check "--json: enter and exit" is_true '.types | map(select(.rate > 0).event) | sort == ["sys_enter", "sys_exit"]' last
check "--json: since the start" is_true -s '(map(.events) | add) as $all |
	(.[-1].types | map(.total) | add) == $all' lines
check "--json: how long the calls take" is_true '.latency[] | select(.duration == "sys_exit duration") |
	.rate > 0 and .p50_ns > 0 and .p50_ns <= .p90_ns and .p99_ns <= .p999_ns and .max_ns <= .ever_ns' last
check "--json: shards" is_true '.shards | length > 0 and (map(.rate) | add) > 0 and all(.fill_percent <= 100)' last
check "--json: CPU time" is_true '.cpu_percent > 0' last

# Lines.
"$NUMARING" top -e syscalls -p "$pid" -i 200ms -n 2 --view latency >lines || fail "lines: exit status $?"
equal "lines: intervals" "$(grep -c 'events/s' lines)" 2
equal "lines: the view" "$(grep -c '^DURATION .*P99.9' lines)" 2
equal "lines: longer than 80 columns" "$(grep -c '.\{81\}' lines)" 0
"$NUMARING" top -e syscalls -i 200ms -d 20 2>err | head -n 1 >/dev/null
equal "lines: the reader goes" "${PIPESTATUS[0]}" 0

# ---- on a terminal ----

typed() { tmux -L $server send-keys -t top "$@"; }
screen() { tmux -L $server capture-pane -p -t top; }
shows() { # WHAT PATTERN: the screen shows it within 20 seconds
	local i
	for ((i = 0; i < 200; i++)); do
		screen | grep -q -e "$2" && echo "ok: $1" && return
		sleep 0.1
	done
	screen
	fail "$1: the screen never shows \"$2\""
}

cat >run <<'END'
trap : INT # a shell that Ctrl-C reaches goes on
stty -a >before
sh -c 'echo $$ >top.pid; exec "$NUMARING" top -e sched,syscalls -i 200ms "$@"' sh "$@"
echo "exit status $?" >status
stty -a >after
END
start() { # ARGUMENTS...: starts top in a shell
	rm -f status after
	typed "sh run $*" Enter
}
ended() { # WHAT: top has ended well, and the terminal is as it was
	await test -s status
	await test -s after
	equal "$1: how it ended" "$(cat status)" "exit status 0"
	check "$1: the terminal's settings" cmp before after
	typed 'clear; echo back' 'again' Enter
	shows "$1: the shell is back" '^backagain$'
	check "$1: nothing is left of top" sh -c "! tmux -L $server capture-pane -p -t top | grep -q q:quit"
}

tmux -L $server -f /dev/null new-session -d -s top -x 80 -y 24 env PS1='$ ' sh || skip "tmux does not start"
start
shows "types" '^EVENT .*SINCE START'
shows "types: the load's calls" '^sys_enter  *[0-9.]*[kM]'
typed p
shows "tasks" '^ *TID  *PID COMM'
shows "tasks: the load is one" "^ *$pid  *$pid load"
typed c
shows "CPUs" '^ *CPU  *NODE  *SHARD'
typed n
shows "nodes" '^ *NODE  *CPUS  *SHARDS'
typed s
shows "shards" '^SHARD NODE CPUS'
typed l
shows "latency" '^DURATION .*P50.*P99.9.*MAX'
shows "latency: switches" '^sched_switch off .* [nmu]\?s'
typed h
shows "help" '^space  *stop the picture'
typed x
shows "help: any key leaves it" '^DURATION'
equal "80 columns" "$(screen | grep -c '.\{81\}')" 0

# More tasks than there are lines.
(while :; do
	for ((i = 0; i < 40; i++)); do sleep 0 & done
	wait
	sleep 0.05
done) &
crowd=$!
typed p
full() { [ "$(screen | sed -n '5,$p' | grep -c '[0-9]')" = 20 ]; }
await full

# While it is paused, the picture stays, but views can be changed.
typed space
shows "pause" PAUSED
kill $crowd
wait $crowd 2>/dev/null
screen >one
sleep 0.5
screen >two
check "pause: nothing changes" cmp one two
typed c
shows "pause: another view" '^ *CPU  *NODE  *SHARD'
typed p
shows "pause: back" '^ *TID  *PID COMM'

# Scrolls by one line: what was second is first.
line() { screen | sed -n "$1p"; }
second=$(line 6)
typed Down
sleep 0.3
equal "down: the second line is the first" "$(line 5)" "$second"
typed NPage
sleep 0.3
check "page down: other tasks" test "$(line 5)" != "$second"
typed Home Down
sleep 0.3
equal "home and down" "$(line 5)" "$second"
typed space
shows "pause: it goes on" 'h:help'

for size in 120x40 40x8 20x3 80x24; do
	tmux -L $server resize-window -t top -x ${size%x*} -y ${size#*x}
	sleep 0.5
	shows "resized to $size" "^[0-9:]*  [0-9.]*[kM]\? event"
done
shows "80x24 again: it still counts" '^ *TID  *PID COMM'
typed q
ended q

start --view shards --shards cpu
shows "--view shards: one for each CPU" '^ *1  *[0-9]'
typed C-c
ended Ctrl-C

start
shows "to be terminated" '^EVENT '
kill -TERM "$(cat top.pid)"
ended SIGTERM

for term in dumb nowhere; do
	rm -f status
	typed "TERM=$term $NUMARING top 2>err; echo \"exit status \$?\" >status" Enter
	await test -s status
	equal "TERM=$term: exit status" "$(cat status)" "exit status 1"
	check "TERM=$term: says so" grep -q "terminal type \"$term\" .*: set TERM" err
done
finish
