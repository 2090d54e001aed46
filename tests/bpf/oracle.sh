#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# An independent oracle: babeltrace2 merges what each CPU wrote into each ring, or its lane. The result has the
# same order, event by event, as the trace (I4). All CPUs are under load.
. "$(dirname "$0")/../lib.sh"
bin=$(dirname "${LOAD:-$(dirname "$NUMARING")/tests/bpf/load}")
LOAD=$(realpath "$bin/load")
ORACLE=$(realpath "$bin/oracle")
need babeltrace2
need_bpf
scratch
cpus=$(seq -s ' ' 0 $(($(nproc) - 1)))
calls=20000

# Lines of `[TIME] HOST EVENT: { cpu = N, ...`, without the packet's fields: the time is the first word, the CPU
# the seventh.
text() {
	babeltrace2 --clock-seconds --no-delta "$@" 2>warnings | sed 's/{ watermark = [^}]*}, //'
	[ -s warnings ] && fail "babeltrace2 warns: $(head -3 warnings)"
}

backwards() { # FILE: counts lines with an earlier time than the previous line
	awk '$1 < last { n++ } { last = $1 } END { print n + 0 }' "$1"
}

# The order of records of different CPUs with the same time is a convention. So the comparison sorts such
# records by CPU and keeps the order of each CPU's own records.
settle_ties() {
	sort -s -k1,1 -k7,7 "$1"
}

judge() { # TRANSPORT POLICY
	local what="$1, $2"
	rm -rf trace streams
	# shellcheck disable=SC2086
	"$ORACLE" "$1" "$2" trace streams "$LOAD" $calls $cpus >out || { fail "$what: $(cat out)" && return; }
	text trace >ours
	text streams/* >theirs
	check "$what: it is a load" test "$(wc -l <ours)" -gt $((2 * calls * $(wc -w <<<"$cpus")))
	check "$what: more than one stream" test "$(ls streams | wc -l)" -gt 1
	equal "$what: as many events" "$(wc -l <ours)" "$(wc -l <theirs)"
	equal "$what: events that come before their predecessor, ours" "$(backwards ours)" 0
	equal "$what: and babeltrace2's" "$(backwards theirs)" 0
	settle_ties ours >a
	settle_ties theirs >b
	check "$what: the same, event for event" cmp a b
	echo "note: $what: $(cut -d' ' -f1 ours | uniq -d | wc -l) times are shared by several events"
}

for policy in cpu single node/2; do
	judge ring $policy
done
for policy in cpu single; do
	judge lane $policy
done
finish
