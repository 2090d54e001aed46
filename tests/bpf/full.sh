#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A full disk, with each --on-full: what is lost, what is reported, and that nothing is lost that was acknowledged.
. "$(dirname "$0")/disk_help.sh"
what="full, stop"
record_ 1 -o disk/t -d 20 -- "${flood[@]}"
says 'cannot write disk/t/stream: No space left on device; what was written before is whole'
holds disk/t false
has_account "No space left on device"

what="full, stop, no room for the next chunk"
disk 16
record_ 1 --rotate-size 100K -o disk/t -d 20 -- "${flood[@]}"
says 'cannot write disk/t/[0-9]+/stream: No space left on device; what was written before is whole'
holds disk/t false
has_account "No space left on device"

what="full, pause until there is room"
disk 32
head -c 27M /dev/zero >disk/filler
prepare 50000
(await grep -q 'waits for room' err && sleep 0.5 && rm disk/filler && await grep -q again err; touch done) &
record_ 0 "${only[@]}" --on-full pause -o disk/t -- sh -c "$go" $load
wait
says 'disk/t waits for room on its disk: No space left on device'
says 'disk/t has room on its disk again after [0-9.]+ s'
equal "$what: said once" "$(grep -c ' room ' err)" 2
check "$what: for how long" jq -e '.outputs[0].paused_ns > 400000000' s.json
check "$what: the summary says so" grep -qE '^disk/t waited [0-9.]+ s for room on its disk$' out
equal "$what: nothing is lost" "$(jq -c '[.lost, .unwritten]' s.json)" "[0,0]"
check "$what: every write" test "$(jq .events_written s.json)" -ge 200000
holds disk/t true

what="full, pause until the end"
disk 16
begin=$SECONDS
record_ 1 --on-full pause --ring-size 4M -o disk/t -d 2 -- "${flood[@]}"
check "$what: ends in time" test $((SECONDS - begin)) -lt 8
says 'disk/t stopped waiting for room on its disk after [0-9.]+ s'
says 'cannot write disk/t/stream: No space left on device; what was written before is whole'
check "$what: no write hangs" test -z "$(grep 'gave up' err)"
check "$what: what did not fit into the rings is lost" jq -e '.lost > 0' s.json
holds disk/t false
has_account "No space left on device"

what="full, drop-oldest"
disk 16
record_ 0 --on-full drop-oldest --rotate-size 3M -o disk/t -d 2 -- "${flood[@]}"
check "$what: chunks are removed" jq -e '.outputs[0].dropped_chunks > 0' s.json
check "$what: chunk 0 is" test ! -e disk/t/000000
equal "$what: nothing is unwritten" "$(jq .unwritten s.json)" 0
holds disk/t false
equal "$what: what is missing" "$(jq -c '[.removed_chunks, .end.earlier + .events, .end.error]' stat.json)" \
	"$(jq -c '[.outputs[0].dropped_chunks, .events_written, null]' s.json)"

what="full, drop-oldest, nothing to drop"
disk 16
head -c 14M /dev/zero >disk/filler
record_ 1 --on-full drop-oldest --rotate-size 3M -o disk/t -d 20 -- "${flood[@]}"
says 'No space left on device'
holds disk/t false

what="a quota, pause until there is room"
disk 16
prepare 20000
rm -f room
(await test -e fails && sleep 0.3 && touch room && await grep -q again err; touch done) &
FAIL_IN=pwrite FAIL_WITH=122 FAIL_FROM=4 FAIL_UNTIL=room LD_PRELOAD=$hang \
	record_ 0 "${only[@]}" --on-full pause -o disk/t -- sh -c "$go" $load
wait
says 'disk/t waits for room on its disk: Disk quota exceeded'
says 'disk/t has room on its disk again'
equal "$what: nothing is lost" "$(jq -c '[.lost, .unwritten]' s.json)" "[0,0]"
holds disk/t true

what="a quota, stop"
FAIL_IN=pwrite FAIL_WITH=122 FAIL_FROM=4 LD_PRELOAD=$hang record_ 1 -o disk/t -d 20 -- "${flood[@]}"
says 'cannot write disk/t/stream: Disk quota exceeded'
holds disk/t false

finish
