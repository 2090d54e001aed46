#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# record --show-map: maps of every kind at the end of a recording, by their BTF.
. "$(dirname "$0")/../lib.sh"
: "${ATTACHED:=$(dirname "$NUMARING")/tests/bpf/attached.bpf.o}"
ATTACHED=$(realpath "$ATTACHED")
need_bpf
scratch
cp "$ATTACHED" a.bpf.o
cpus=$(nproc --all)

shows() { # MAP EXPECTED: all that is printed of it
	rm -rf t
	"$NUMARING" record --object a.bpf.o --attach fill=start --show-map "$1" -o t -- true >out 2>err || fail "$1: $(cat err)"
	equal "$1" "$(sed -n '/^\(map\|variables\)/,$p' out | sed 's/runs: [0-9]*$/runs: N/')" "$2"
}

shows structs 'map structs: 1 entry
  { id = 7, state = BUSY (1) }: { count = 42, name = "seven" }'
shows cells "map cells: 10 entries that are not 0
$(for i in 3 13 23 33 43 53 63 73 83 93; do echo "  $i: -$i"; done)"
shows numbers "map numbers: 100 entries, the first 50
$(for i in $(seq 99 -1 50); do echo "  $i: $((i * 10))"; done)
  ... and 50 more"
shows untyped 'map untyped: 1 entry
  16909060: [97, 98, 99]'
shows .bss 'variables in .bss
  runs: N
  last: BUSY (1)'
histogram='                           us      count
             8 - 15                    1 |@@@@@@@@@@                              |
            16 - 31                    0 |                                        |
            32 - 63                    4 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|'
shows latencies "map latencies: 1 entry
  { id = 7, state = BUSY (1) }: 5 in all
$histogram"
shows sums "map sums: 1 entry that is not 0, CPUs added up
  3: 5 in all
$histogram"
shows slots_ns 'map slots_ns
                           ns      count
             8 - 15                   10 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|'
if [ "$cpus" -gt 1 ]; then
	rm -rf t
	"$NUMARING" record --object a.bpf.o --attach fill=start --show-map names -o t -- true >out 2>&1
	check "values that cannot be added up, by CPU" grep -qE '^  3 CPU [0-9]+: \{ count = 42, name = "seven" \}$' out
fi

# Several maps; with a report, and where the summary goes.
rm -rf t
"$NUMARING" record --object a.bpf.o --attach fill=start --show-map structs --show-map cells --format jsonl -o - -- true >out 2>err
check "events on standard output: maps are on standard error" grep -q '^map structs' err
check "several maps" grep -q '^map cells' err
check "events on standard output: and nothing else" test -z "$(grep -v '^{' out)"
"$NUMARING" record --object a.bpf.o --attach fill=start --show-map structs -e sched --report runq -- true >out 2>err
check "with a report: after it" grep -q '^map structs' out
timeout -s INT 1 "$NUMARING" record --object a.bpf.o --attach fill=start --show-map structs -o t3 >out 2>err
check "after Ctrl-C" grep -q '^map structs: 1 entry' out

refused() { # MAP WORDS
	rm -rf t
	"$NUMARING" record --object a.bpf.o --attach fill=start --show-map "$1" -o t -- true >out 2>&1
	equal "$1: exit status" $? 2
	check "$1: says so" grep -qF -- "$2" out
	check "$1: leaves no trace" test ! -e t
}
refused strcts 'a.bpf.o has no map "strcts": did you mean structs? There are '
refused nr_cpus 'a.bpf.o has no map "nr_cpus"'
refused stacks 'cannot show the map stacks: user space cannot list the entries of its type (stack_trace)'
"$NUMARING" record --show-map structs -o t >out 2>&1
equal "without an object: exit status" $? 2
check "without an object: says so" grep -q 'show-map structs needs an object' out
finish
