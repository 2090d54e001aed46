#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A disk that is full, fails, becomes read-only or vanishes: what is lost, what is reported, and that nothing is lost
# that was acknowledged. On small ext4 file systems of its own, in a mount namespace: nothing stays mounted.
[ "${NR_MOUNTS-}" ] || NR_MOUNTS=1 exec unshare -m --propagation private bash "$0" "$@"
. "$(dirname "$0")/../lib.sh"
LOAD=$(realpath "${LOAD:-$(dirname "$NUMARING")/tests/bpf/load}")
hang=$(realpath "$(dirname "$NUMARING")/tests/bpf/libhang.so")
need jq timeout babeltrace2 mkfs.ext4 setpriv
need_bpf
scratch
export ASAN_OPTIONS=verify_asan_link_order=0
trap 'cd / && umount -l "$dir"/disk "$dir"/under 2>/dev/null; rm -rf "$dir"' EXIT

# disk MIB [MIB]: mounts an empty ext4 of this size at disk. The second size limits the device under it: what does not
# fit there fails with EIO.
disk() {
	umount -l disk 2>/dev/null
	umount -l under 2>/dev/null
	mkdir -p disk under
	mount -t tmpfs -o "size=${2:-$(($1 + 1))}m" none under && truncate -s "$1M" under/image &&
		mkfs.ext4 -q -O ^has_journal -E nodiscard under/image && mount -o loop,errors=remount-ro under/image disk &&
		rm -rf disk/lost+found
}
disk 16 || skip "cannot mount an ext4 of its own"

# record_ STATUS OPTIONS... -- COMMAND...
record_() {
	local status=$1
	shift
	rm -f s.json hangs fails
	timeout -s KILL 60 "$NUMARING" record -e syscalls --force --stats-json s.json "$@" >out 2>err
	equal "$what: exit status" $? "$status"
	equal "$what: unaccounted" "$(jq .unaccounted s.json)" 0
}

# A flood that fills a small disk at once; it ends with the recording.
flood=(timeout 10 "$LOAD" 0 0)

# Only the system calls of one process: 4 records for each of its COUNT writes, 44 bytes each.
prepare() { # COUNT
	# shellcheck disable=SC2016
	bash -c 'kill -STOP $$; exec dd if=/dev/zero of=/dev/null bs=1 count=$0 status=none' "$1" &
	load=$!
	await grep -q '^State:.T' /proc/$load/status
	only=(-p "$load,$$" --ring-size 16M)
}
# shellcheck disable=SC2016
go='kill -CONT "$0"; while kill -0 "$0" 2>/dev/null; do sleep 0.05; done'

says() { # TEXT
	check "$what: says: $1" grep -qE "$1" err
}

# holds TRACE COMPLETE: what was acknowledged is there, in order, also for babeltrace2.
holds() {
	"$NUMARING" stat --json "$1" >stat.json 2>stat.err
	equal "$what: complete" "$(jq .complete stat.json)" "$2"
	equal "$what: all that was acknowledged is there" \
		"$(jq .events stat.json)" "$(jq '.events_written - (.outputs[0].dropped_events // 0)' s.json)"
	equal "$what: order and losses" "$(jq -c '[.unordered, .misplaced, .damaged]' stat.json)" "[0,0,false]"
	equal "$what: babeltrace2" "$(babeltrace2 "$1" 2>bt.err | wc -l)" "$(jq .events stat.json)"
}
has_account() { # ERROR: that of the end mark
	check "$what: the rest is counted" jq -e '.unwritten > 0' s.json
	equal "$what: the end mark has the rest" "$(jq -c '[.end.unwritten, .end.error]' stat.json)" \
		"[$(jq .unwritten s.json),\"$1\"]"
}

# ---- full ----
what="full, stop"
record_ 1 -o disk/t -d 20 -- "${flood[@]}"
says 'cannot write disk/t/stream: No space left on device; what was written before is whole'
holds disk/t false
has_account "No space left on device"

what="full, pause until there is room"
disk 16
head -c 12M /dev/zero >disk/filler
prepare 50000
(await grep -q 'waits for room' err && sleep 0.5 && rm disk/filler) &
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
holds disk/t true

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
(await test -e fails && sleep 0.3 && touch room) &
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

# ---- a disk that fails ----
what="the disk fails under a direct write"
for on_full in stop pause; do
	disk 64 10
	record_ 1 --on-full $on_full -o disk/t -d 20 -- "${flood[@]}"
	says 'cannot write disk/t/stream: Input/output error'
	check "$what: no wait" test -z "$(grep 'waits for room' err)"
	"$NUMARING" stat --json disk/t | jq -c '[.events,.complete,.damaged]'
	jq -c '[.events_written,.unwritten]' s.json
done

finish
