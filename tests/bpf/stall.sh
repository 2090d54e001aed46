#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A shard that holds up the stream is named with its cause, while it stalls and at the end. The order holds.
. "$(dirname "$0")/../lib.sh"
bin=$(realpath "$(dirname "${LOAD:-$(dirname "$NUMARING")/tests/bpf/load}")")
need_bpf
[ "$(nproc)" -gt 1 ] || skip "needs a CPU that is held up and one that is not"
scratch

judge() { # HOW ORDER CAUSE
	local what="$1, $2"
	"$bin/stall" "$bin/stall.bpf.o" "$1" "$2" >out 2>err || fail "$what: exit status $?: $(cat err)"
	tr '\r' '\n' <out >lines
	# On a busy machine the stall takes longer, and the other shard may stall as well.
	check "$what: the end summary names the longest" \
		grep -qE "^shard 1 stalled for up to ([4-9]|[1-9][0-9])[0-9]{2} ms: $3" lines
	check "$what: the events kept their order" grep -qE '^[1-9][0-9]* delivered, 0 out of order' lines
	check "$what: all accounted for" grep -q ' 0 lost; 0 unaccounted' lines
	grep -E '^shard|delivered' lines
}

for order in fence rcu; do
	judge busy $order 'a program did not submit its record \(BUSY\)'
	check "busy, $order: the progress line says so at the time" \
		grep -q 'shard 1 stalled: a program did not submit its record (BUSY)' lines
	judge stopped $order 'its consumer was not scheduled'
	check "stopped, $order: so did the merge thread" \
		grep -qE '^the merge thread was not scheduled for up to ([4-9]|[1-9][0-9])[0-9]{2} ms' lines
	# Only the longer stall is reported, not the one before it.
	judge both $order 'its consumer was not scheduled'
done

# The output stalls, not a shard.
"$bin/stall" "$bin/stall.bpf.o" slow fence >out 2>err || fail "slow: exit status $?: $(cat err)"
tr '\r' '\n' <out >lines
check "slow: the progress line says so at the time" grep -q 'the output has been blocked for 0.[2-9] s' lines
check "slow: the end summary names it" \
	grep -qE '^the output was slow: one write took ([5-9]|[1-9][0-9])[0-9]{2} ms; [0-9.]+ of [0-9.]+ s were spent writing$' lines
check "slow: all accounted for" grep -q ' 0 unaccounted' lines
finish
