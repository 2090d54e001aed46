#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The recording follows its options: several sources, several processes, the destination of JSON lines; and an
# object that would record nothing.
. "$(dirname "$0")/../lib.sh"
root=$(realpath "$(dirname "$0")/../..")
need jq clang
need_bpf
scratch

# Three processes that make system calls, even on an idle host.
for i in 1 2 3; do
	bash -c "touch up$i; while [ -e up$i ]; do sleep 0.02; done" &
	pid[i]=$!
done
trap 'kill "${pid[@]}" 2>/dev/null; rm -rf "$dir"' EXIT
until [ -e up1 ] && [ -e up2 ] && [ -e up3 ]; do sleep 0.05; done

# Several -e options add up.
"$NUMARING" record -e sched -e syscalls -d 300ms -o both >/dev/null || fail "-e -e: exit status $?"
"$NUMARING" cat --json both | jq -r .event | sort -u >types
check "-e sched -e syscalls records sched" grep -q sched_switch types
check "-e sched -e syscalls records syscalls" grep -q sys_enter types
"$NUMARING" record -e sched -e syscalls,sched -d 100ms -o twice >/dev/null 2>err
equal "a source twice, in two options: exit status" $? 2
check "a source twice, in two options" grep -q 'sched was already added' err

# Several -p options add up.
seen() { # the three processes that are in the trace t, and any others
	"$NUMARING" cat --json t | jq -r .fields.pid | sort -u |
		sed "s/^${pid[1]}\$/one/; s/^${pid[2]}\$/two/; s/^${pid[3]}\$/three/" | sort | paste -sd ' '
}

of() { # EXPECTED OPTIONS...
	local expected=$1
	shift
	"$NUMARING" record -e syscalls "$@" -d 500ms --force -o t >/dev/null || fail "$*: exit status $?"
	equal "the processes of $*" "$(seen)" "$expected"
}
of one -p "${pid[1]}"
of "one two" -p "${pid[1]},${pid[2]}"
of "one two" -p "${pid[1]}" -p "${pid[2]}" -p "${pid[1]}"
of "three two" -p "${pid[3]}" -p "${pid[2]}"
# A switch involves two processes, so both selected processes must appear.
"$NUMARING" record -e sched -p "${pid[1]},${pid[3]}" -d 500ms --force -o t >/dev/null
"$NUMARING" cat --json t >lines
for i in 1 3; do
	check "-e sched -p 1,3: process $i is there" grep -q "next_pid\":${pid[i]}," lines
done
equal "-e sched -p 1,3: switches of others" \
	"$(jq -c 'select(.event == "sched_switch") | [.fields.prev_pid, .fields.next_pid]' lines |
		grep -cvE "\b(${pid[1]}|${pid[3]})\b")" 0

# The recording ends with the last of them and reports that.
"$NUMARING" record -e syscalls -p "${pid[1]},${pid[2]}" -o last >out 2>err &
recorder=$!
await test -s last/stream
rm up1
wait "${pid[1]}"
sleep 0.5
check "one of two has ended: it goes on" kill -0 $recorder
rm up2
wait $recorder
equal "both have ended: exit status" $? 0
check "both have ended: it says so" grep -q 'all processes have exited' err
check "both have ended: all accounted for" grep -q ' 0 unaccounted' out
"$NUMARING" record -p "${pid[1]}" --force -o t >out 2>err
equal "no such process: exit status" $? 1
check "no such process" grep -q "process ${pid[1]} does not exist" err
for i in $(seq 65); do
	sleep 100 &
	pid[3 + i]=$!
done
"$NUMARING" record -p "$(IFS=,; echo "${pid[*]:3}")" --force -o t >out 2>err
equal "65 processes: exit status" $? 2
check "65 processes: the limit is said" grep -q -e '-p takes at most 64' err

# JSON lines to an existing but empty destination need no --force.
lines_to() { # NAME PATH
	"$NUMARING" record -e sched --format jsonl -d 300ms -o "$2" 2>err || fail "-o $1: exit status $?"
}
lines_to /dev/stdout /dev/stdout | jq -r .event | grep -q sched_switch || fail "-o /dev/stdout: no events"
lines_to /dev/stdout /dev/stdout >file
check "-o /dev/stdout, into a file" grep -q sched_switch file
lines_to /proc/self/fd/1 /proc/self/fd/1 >file
check "-o /proc/self/fd/1" grep -q sched_switch file
lines_to /dev/fd/7 /dev/fd/7 7>file
check "-o /dev/fd/7" grep -q sched_switch file
lines_to /dev/null /dev/null
"$NUMARING" record --format jsonl -d 300ms -o file >/dev/null 2>&1
equal "-o FILE that is there: exit status" $? 1

# Statistics to a descriptor are appended.
echo before >log
"$NUMARING" record -d 100ms --force -o t --stats-json - >>log || fail "--stats-json - >>log: exit status $?"
equal "--stats-json - >>log: what was there" "$(head -n 1 log)" before
(
	echo before
	"$NUMARING" record -d 100ms --force -o t --stats-json /dev/stdout || fail "--stats-json /dev/stdout: exit status $?"
) >log
equal "--stats-json /dev/stdout: what was there" "$(head -n 1 log)" before
"$NUMARING" record -d 100ms --force -o t --stats-json /dev/fd/7 >/dev/null 7>>log
equal "--stats-json /dev/fd/7: both are there" "$(grep -c '"unaccounted": 0' log)" 2
ln -s /dev/stdout to_stdout
echo before >log
"$NUMARING" record -d 100ms --force -o t --stats-json to_stdout >>log
equal "--stats-json through a link to /dev/stdout: what was there" "$(head -n 1 log)" before
echo before >log
"$NUMARING" export --to jsonl -o /dev/stdout t >>log || fail "export -o /dev/stdout: exit status $?"
equal "export -o /dev/stdout >>log: what was there" "$(head -n 1 log)" before
# Two outputs cannot use the same file.
refused() { # WORDS OPTIONS...: exit status 2, and no file is made
	local words=$1
	shift
	ls -A >names
	"$NUMARING" record -d 100ms --force "$@" 2>err
	equal "$*: exit status" $? 2
	check "$*: says so" grep -q -e "$words" err
	check "$*: nothing is made" test "$(ls -A)" = "$(cat names)"
}
rm -rf err names && touch err names
refused "are the same file: give two different files" -o ev2 --stats-json ./ev2 --format jsonl
refused "are the same file: give two different files" -o ev2 --stats-json ./ev2
ln log hard
ln -s log soft
for other in hard soft "$dir/log"; do
	refused "are the same file: give two different files" --format jsonl -o log --stats-json $other
done
for other in - /dev/stdout /dev/fd/1 log; do
	refused "are the same file: give two different files" --format jsonl -o - --stats-json $other >>log
done
equal "what was there" "$(head -n 1 log)" before
refused "t/s.json is inside the trace directory: choose another --stats-json" -o t --stats-json t/s.json
"$NUMARING" record --format jsonl -d 100ms -o /dev/null --stats-json /dev/null 2>err ||
	fail "both to /dev/null: $(cat err)"
"$NUMARING" record -o file -d 100ms --stats-json s.json 2>err
equal "a start that fails: exit status" $? 1
check "a start that fails: no statistics are left" test ! -e s.json

# libbpf does not load the object's only program.
cat >off.bpf.c <<'EOF'
#include <linux/types.h>
#include <linux/bpf.h>
#include <numaring/numaring.bpf.h>
struct off { __u32 a; };
NR_EVENT(off, 0);
SEC("?raw_tp/sys_enter")
int on_call(void *ctx)
{
	struct off *e = nr_reserve(off);

	if (e)
		nr_submit(e);
	return 0;
}
char LICENSE[] SEC("license") = "GPL";
EOF
mkdir -p include/numaring
cp "$root"/include/numaring/*.h "$root"/bpf/{numaring,lane}.bpf.h include/numaring/
clang -target bpf -mcpu=v3 -O2 -g -Iinclude -I"/usr/include/$(uname -m)-linux-gnu" -c off.bpf.c -o off.bpf.o ||
	fail "cannot build off.bpf.c"
"$NUMARING" record --object off.bpf.o -d 100ms -o off >out 2>err
equal 'a sole SEC("?..."): exit status' $? 1
check 'a sole SEC("?..."): it says why' grep -q 'off.bpf.o has no program to load' err
finish
