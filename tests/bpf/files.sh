#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Open files: numaring raises its limit to the hard limit, its command gets the original limit, and the message
# names the limit that was reached.
. "$(dirname "$0")/../lib.sh"
need_bpf
scratch

(
	ulimit -Sn 16
	ulimit -Hn 1000
	exec "$NUMARING" record -d 5s -o soft -- sh -c 'ulimit -n; ulimit -Hn' >soft.out 2>&1
)
equal "a soft limit that is too low: exit status" $? 0
equal "the command's limits" "$(head -n 2 soft.out | paste -sd ' ')" "16 1000"

# Files may run out at any step; the consumers take the last ones.
for limit in $(seq 9 60); do
	(
		ulimit -n "$limit"
		exec "$NUMARING" record -d 100ms --shards cpu -o "hard$limit" >hard.out 2>&1
	)
	status=$?
	echo "$limit: $status, $(head -n 1 hard.out)"
	case $status in
	0) break ;;
	1) check "with $limit files: says why" grep -q ^numaring: hard.out ;;
	*) fail "with $limit files: exit status $status" ;;
	esac
	grep -q "cannot start.*raise ulimit -n" hard.out && told=yes
done
equal "it starts when there are enough" "$status" 0
equal "what to do is said" "${told-no}" yes
finish
