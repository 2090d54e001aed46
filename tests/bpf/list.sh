#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# numaring list: sources and tracepoints of this kernel, with the fields that a recording has.
. "$(dirname "$0")/../lib.sh"
need jq
need_bpf
scratch
"$NUMARING" list >all 2>err || skip "$(cat err)"

equal "every tracepoint is listed once" "$(sort all | uniq -d | wc -l)" 0
check "there are many" test "$(grep -c : all)" -gt 100
equal "ftrace's own are not there" "$(grep -c ^ftrace: all)" 0
"$NUMARING" record -e list >sources
check "the sources come first, as in -e list" cmp sources <(head -n "$(wc -l <sources)" all)

check "a source: its events" grep -q '^  prev_state  *enum u32 RUNNING 0, SLEEPING 1' <("$NUMARING" list sched)
equal "an event of a source, with its source" "$("$NUMARING" list -j page_fault | jq -c '.sources | map([.name, (.events | map(.name))])')" \
	'[["memory",["page_fault"]]]'
equal "a glob of events" "$("$NUMARING" list -j 'sched_*' | jq -c '[.sources[] | .events[].name] | sort')" \
	'["sched_migrate","sched_switch","sched_wakeup"]'
check "a glob of events: tracepoints too" grep -qx sched:sched_switch <("$NUMARING" list 'sched_*')
check "a tracepoint without its group" grep -qx sched:sched_switch <("$NUMARING" list sched_switch)
check "a group" grep -qx kmem:kmalloc <("$NUMARING" list kmem)
"$NUMARING" list -j 'sched:sched_process_*' >list.json
equal "fields of a tracepoint" "$(jq -c '.tracepoints[] | select(.name == "sched:sched_process_exec").fields
	| map([.name, .type])' list.json)" \
	'[["current_pid","u32"],["current_tid","u32"],["current_comm","char[16]"],["filename_len","u32"],["pid","s32"],["old_pid","s32"],["filename","char[]"]]'
equal "names of values" "$("$NUMARING" list -j irq:softirq_entry | jq -c '.tracepoints[0].fields[3] | [.name, .type, .values.TIMER]')" \
	'["vec","enum u32",1]'
if grep -qx sock:sock_exceed_buf_limit all; then
	equal "an array of signed numbers" "$("$NUMARING" list -j sock:sock_exceed_buf_limit |
		jq -c '.tracepoints[0].fields[] | select(.name == "sysctl_mem").type')" '"s64[3]"'
fi
if grep -qx sock:inet_sock_set_state all; then
	equal "names of values by symbols of the kernel" "$("$NUMARING" list -j sock:inet_sock_set_state |
		jq -c '.tracepoints[0].fields[] | select(.name == "newstate").values | [.TCP_ESTABLISHED, .TCP_LISTEN]')" "[1,10]"
fi

# Each can be recorded: its format file is understood.
"$NUMARING" list -j '*:*' >list.json 2>err
equal "all have a type" "$(jq '.tracepoints | length' list.json)" "$(grep -c : <(grep -v ' ' all))"
equal "all have the task's fields" "$(jq '[.tracepoints[] | select(.fields[2].name != "current_comm")] | length' list.json)" 0
equal "the fields are those of a recording" "$("$NUMARING" record -e 'sched:sched_process_*' --format jsonl -o - -- true 2>/dev/null |
	jq -c 'select(.event == "sched:sched_process_exec").fields | keys_unsorted' | sort -u)" \
	"$(jq -c '.tracepoints[] | select(.name == "sched:sched_process_exec").fields | map(.name)' list.json)"

for pattern in nonsense nonsense:nonsense; do
	"$NUMARING" list $pattern >out 2>err
	equal "list $pattern: exit status" $? 1
	equal "list $pattern: prints nothing" "$(cat out)" ""
	check "list $pattern: one sentence" test "$(wc -l <err)" = 1
done
"$NUMARING" list >/dev/full 2>err
equal "a full disk: exit status" $? 1
check "a full disk: says so" grep -q 'cannot write the list: No space' err
finish
