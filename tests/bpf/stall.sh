#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A shard that holds up the stream is named, with its cause, while it does and in the end; the order holds.
. "$(dirname "$0")/../lib.sh"
bin=$(realpath "$(dirname "${LOAD:-$(dirname "$NUMARING")/tests/bpf/load}")")
need_bpf
[ "$(nproc)" -gt 1 ] || skip "needs a CPU that is held up and one that is not"
scratch

judge() { # HOW CAUSE
	"$bin/stall" "$bin/stall.bpf.o" "$1" >out 2>err || fail "$1: exit status $?: $(cat err)"
	tr '\r' '\n' <out >lines
	check "$1: the end summary names the longest" \
		grep -qE "^shard 1 stalled for up to [4-9][0-9][0-9] ms: $2" lines
	check "$1: the events kept their order" grep -qE '^[1-9][0-9]* delivered, 0 out of order' lines
	check "$1: all accounted for" grep -q ' 0 lost; 0 unaccounted' lines
	grep -E '^shard|delivered' lines
}

judge busy 'a program did not submit its record \(BUSY\)'
check "busy: the progress line says so at the time" \
	grep -q 'shard 1 stalled: a program did not submit its record (BUSY)' lines
equal "busy: the other shard is not blamed" "$(grep -c '^shard 0 stalled' lines)" 0
judge stopped 'its consumer did not get to run'
finish
