#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The whole path on this machine's kernel: every CPU under load, every policy and both watermarks. The order and
# the identity hold, every shard delivers, and every call is in the file.
. "$(dirname "$0")/../lib.sh"
: "${LOAD:=$(dirname "$NUMARING")/tests/bpf/load}"
LOAD=$(realpath "$LOAD")
need jq babeltrace2
need_bpf
scratch
cpus=$(seq -s ' ' 0 $(($(nproc) - 1)))
calls=20000

# Counts the calls of the recorded processes in the trace: entries and exits.
count_calls() {
	"$NUMARING" cat --json t | grep -cE "\"nr\":\"getpgid\",\"pid\":($(paste -sd'|' pids)),"
}

judge() { # NAME: the trace t, its statistics s.json
	equal "$1: unaccounted" "$(jq .unaccounted s.json)" 0
	equal "$1: late" "$(jq .late s.json)" 0
	equal "$1: unordered" "$("$NUMARING" stat --json t | jq .unordered)" 0
	equal "$1: misplaced" "$("$NUMARING" stat --json t | jq .misplaced)" 0
	equal "$1: stat counts what was written" "$("$NUMARING" stat --json t | jq .events)" \
		"$(jq .events_written s.json)"
	equal "$1: babeltrace2 counts the same" "$(babeltrace2 t 2>bt.err | wc -l)" \
		"$(jq .events_written s.json)"
	equal "$1: shards that delivered nothing" "$(jq '[.shards[] | select(.records == 0)] | length' s.json)" 0
	if [ "$(jq .lost s.json)" = 0 ]; then
		equal "$1: babeltrace2 warns of nothing" "$(cat bt.err)" ""
		equal "$1: every call was recorded" "$(count_calls)" \
			$((2 * calls * $(wc -w <<<"$cpus")))
	else
		echo "note: $1 lost $(jq .lost s.json) events, so calls cannot be compared one by one"
		check "$1: babeltrace2 knows of the loss" grep -q 'discarded' bt.err
	fi
}

for order in fence rcu; do
	for policy in cpu single node node/2; do
		rm -rf t
		# shellcheck disable=SC2086
		"$NUMARING" record -e syscalls --shards $policy --order $order --ring-size 64M -o t \
			--stats-json s.json -- sh -c '"$@" >pids' sh "$LOAD" $calls $cpus >out ||
			fail "$policy $order: exit status $?: $(cat out)"
		judge "$policy $order"
	done
done

# A ring far too small: losses are counted and reported, and the identity holds.
rm -rf t
# shellcheck disable=SC2086
"$NUMARING" record -e syscalls --shards single --ring-size 4K -o t --stats-json s.json \
	--fail-on-loss -- "$LOAD" $calls $cpus >out
equal "loss: exit status" $? 3
check "loss: some was lost" test "$(jq .lost s.json)" -gt 0
equal "loss: by cause adds up" "$(jq '[.lost_by_cause[]] | add' s.json)" "$(jq .lost s.json)"
equal "loss: all of it is in the trace" "$("$NUMARING" stat --json t | jq .lost)" "$(jq .lost s.json)"
equal "loss: no record is larger than a ring" "$(jq .lost_by_cause.oversize s.json)" 0
judge "loss"
finish
