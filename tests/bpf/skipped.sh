#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs of programs that the kernel skips are counted and named in the summary.
. "$(dirname "$0")/../lib.sh"
: "${LOAD:=$(dirname "$NUMARING")/tests/bpf/load}"
LOAD=$(realpath "$LOAD")
OBJECT=$(realpath "$(dirname "$LOAD")/skipped.bpf.o")
need jq
need_bpf
scratch

"$NUMARING" record --object "$OBJECT" -o t --stats-json s.json -- "$LOAD" 300 0 >out 2>&1 || fail "$(cat out)"
written=$(jq .events_written s.json)
check "each call is recorded once" test "$written" -ge 300
skipped=$(jq .skipped_runs s.json)
# At the end, a CPU may be between the two.
check "and skipped once ($written, $skipped)" test $((written - skipped)) -le "$(nproc --all)" -a $((skipped - written)) -le "$(nproc --all)"
equal "no loss" "$(jq '.lost + .unaccounted' s.json)" 0
check "the summary says so" grep -q "^the kernel skipped $skipped runs of programs" out

rm -rf t
"$NUMARING" record -e sched -o t --stats-json s.json -- true >out || fail "sched: $(cat out)"
equal "the source sched: nothing is skipped" "$(jq .skipped_runs s.json)" 0
check "the summary says nothing" sh -c '! grep -q skipped out'
finish
