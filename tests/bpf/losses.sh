#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The trace shows a loss where it happened (I11), both when rings overflow all the time and when the collector
# is stopped.
. "$(dirname "$0")/../lib.sh"
: "${LOAD:=$(dirname "$NUMARING")/tests/bpf/load}"
LOAD=$(realpath "$LOAD")
need jq babeltrace2
need_bpf
scratch
last=$(($(nproc) - 1))

# The intervals with discarded events, as babeltrace2 shows them: number, begin, end.
gaps() {
	babeltrace2 --clock-seconds t 2>&1 >/dev/null |
		sed -n 's/.*discarded \([0-9]*\) events\? between \[\([0-9.]*\)\] and \[\([0-9.]*\)\].*/\1 \2 \3/p'
}

judge() { # NAME
	"$NUMARING" stat --json t >stat.json
	gaps >gaps
	check "$1: something was lost" test "$(jq .lost stat.json)" -gt 0
	equal "$1: misplaced" "$(jq .misplaced stat.json)" 0
	equal "$1: babeltrace2 knows of all losses" "$(awk '{ n += $1 } END { print n + 0 }' gaps)" \
		"$(jq .lost stat.json)"
}

for transport in ring lane; do
	record=("$NUMARING" record -e syscalls --shards cpu --transport $transport --force -o t)

	# Two floods into rings that are far too small: dozens of packets, each with losses.
	"${record[@]}" --ring-size 64K -- "$LOAD" 100000 0 "$last" >out || fail "$transport, small: $(cat out)"
	judge "$transport, small"

	# The collector is stopped for 1.5 s under a flood: the losses are in the interval of that length.
	"${record[@]}" -- sh -c '"$@" >pids & sleep 0.3
		kill -STOP $PPID; sleep 1.5; kill -CONT $PPID; sleep 0.2; kill $(cat pids)' sh "$LOAD" 0 0 "$last" >out
	judge "$transport, a stop"
	awk '{ all += $1; if ($3 - $2 > 1) gap += $1 } END { exit !(gap > all / 2) }' gaps ||
		fail "$transport, a stop: its losses do not stand in it: $(cat gaps)"
done
finish
