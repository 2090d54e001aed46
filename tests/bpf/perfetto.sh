#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `export --to perfetto` of recordings of this machine: what ../cli/perfetto.py finds in the bytes is what
# `cat --json` prints, event by event; and protoc knows every field by the schema in the source.
here=$(dirname "$(realpath "$0")")
# shellcheck source=tests/lib.sh
. "$here/../lib.sh"
need python3 protoc jq
need_bpf
scratch
schema=$(realpath "$here/../../src/export")

busy() { # what makes events of every source
	"$NUMARING" record "$@" -- sh -c '
		for i in 1 2 3; do
			ls /usr/bin
			dd if=/dev/zero of=block bs=64k count=4 oflag=direct status=none 2>/dev/null
			sleep 0.02
		done | cat >/dev/null
		dd if=/dev/zero of=/dev/null bs=1 count=20000 status=none
		i=0; while [ $i -lt 30000 ]; do i=$((i + 1)); done' >log 2>&1 || fail "record $*: $(cat log)"
}

decode() { # FILE: as text, by the schema
	protoc --decode=pf.Trace -I "$schema" perfetto.proto <"$1"
}

sources=sched,syscalls,exec,net,block,irq,memory,sample:499
busy -e "$sources" --ring-size 16M -o all
lost=$("$NUMARING" stat --json all | jq .lost)
[ "$lost" = 0 ] || skip "$lost events were lost on this busy host"
"$NUMARING" cat --json all >all.json
check "export" "$NUMARING" export all --to perfetto -o all.perfetto-trace
check "event by event" python3 "$here/../cli/perfetto.py" all.perfetto-trace all.json
decode all.perfetto-trace >all.txt || fail "protoc cannot decode the trace"
equal "protoc knows every field" "$(grep -cE '^ *[0-9]+[:{ ]' all.txt)" 0
for what in SLICE_BEGIN INSTANT flow_ids terminating_flow_ids callstack_iid primary_trace_clock 'name: "Node 0"' \
	'name: "State"' 'name: "System calls"' 'name: "Soft interrupts"' '"\(do_syscall_64\|el0_svc\)"'; do
	check "there is $what" grep -q "$what" all.txt
done

# Not of stacks: a file that is changed meanwhile gives no names.
same=(all --filter 'type == "sched_switch"')
"$NUMARING" export "${same[@]}" --to perfetto -o file || fail "export to a file"
check "standard output has the same" cmp file <("$NUMARING" export "${same[@]}" --format perfetto)

# Parts of it: only the rules of the format can be checked.
part() { # WHAT OPTIONS...
	local what=$1
	shift
	"$NUMARING" export all --to perfetto -o part --force "$@" || fail "export $*"
	check "$what" python3 "$here/../cli/perfetto.py" part
}
part "a filter" --filter 'next_pid > 100'
part "a window" --from 100ms --to 300ms
part "the first events" -n 1000
part "nothing" -n 0

finish
