#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A disk that fails, becomes read-only, vanishes or is slow; --fsync; direct writes: what is lost, what is reported, and
# that nothing is lost that was acknowledged.
. "$(dirname "$0")/disk_help.sh"
need perl
has_direct=
[ "$(uname -r | awk -F. '{ print $1 * 1000 + $2 }')" -lt 6001 ] || has_direct=1

# when_large COMMAND...: runs it when the trace that is being recorded has some size.
when_large() {
	await larger_than 3000000 disk/t/stream && "$@"
}

large=256 # MiB: no flood fills it before the test does what it waits to do

# ---- errors ----
what="a disk that fails"
for on_full in stop pause; do
	disk_that_fails $large
	when_large break_ under &
	record_ 1 --on-full $on_full -o disk/t -d 20 -- "${flood[@]}"
	wait
	is_broken
	check "$what: no wait" test -z "$(grep ' room ' err)"
	check "$what: the rest is counted" jq -e '.unwritten > 0' s.json
done

what="a disk that fails, --fsync packet"
journal='' disk_that_fails $large
when_large break_ under &
record_ 1 --fsync packet -o disk/t -d 20 -- "${flood[@]}"
wait
is_broken
umount -l disk
cp --sparse=always under/image memory/copy && mount -o loop memory/copy disk
"$NUMARING" stat --json disk/t >stat.json 2>stat.err
check "$what: what was acknowledged is on the disk" \
	test "$(jq .events stat.json)" -ge "$(jq .events_written s.json)"
equal "$what: babeltrace2" "$(babeltrace2 disk/t 2>bt.err | wc -l)" "$(jq .events stat.json)"

what="a disk that becomes read-only"
disk $large
when_large break_ disk &
record_ 1 -o disk/t -d 20 -- "${flood[@]}"
wait
says 'cannot write disk/t/stream: Read-only file system'
trace=disk/t
if grep -q 'could not be cut back' err; then # what was written of a packet can no longer be removed
	"$NUMARING" repair -o memory/t $trace >repair.out 2>&1
	trace=memory/t
fi
holds $trace false

what="a series that is removed"
disk $large
(await test -e disk/t/000001/stream.zst; until rm -rf disk/t 2>/dev/null; do :; done) &
record_ 1 --compress zstd --rotate-size 100K -o disk/t -d 20 -- "${flood[@]}"
wait
check "$what: says so" grep -qE 'another program changed the trace: .* was removed|cannot .* disk/t/0000' err

# ---- --fsync ----
what="an error of fsync"
disk $large
FAIL_IN=fdatasync FAIL_WITH=5 FAIL_FROM=3 LD_PRELOAD=$hang record_ 1 --fsync packet -o disk/t -d 20 -- "${flood[@]}"
says 'the disk did not take all of disk/t/stream: Input/output error; what stands there from byte [0-9]+ on may be damaged'
equal "$what: said once" "$(grep -c 'Input/output' err)" 1
# The first packet of the trace and perhaps an alignment mark come before.
check "$what: the packet is not acknowledged" jq -e '.outputs[0].packets < 2' s.json
holds disk/t false

what="--fsync with a time, and no packet after the last"
prepare 10
# shellcheck disable=SC2016
FAIL_IN=fdatasync FAIL_WITH=5 LD_PRELOAD=$hang record_ 1 "${only[@]}" --fsync 500ms -o disk/t -d 20 -- sh -c "$go" $load
says 'the disk did not take all of disk/t/stream'
check "$what: on time" jq -e '.duration_s < 10' s.json

what="no --fsync"
prepare 10
FAIL_IN=fdatasync FAIL_WITH=5 LD_PRELOAD=$hang record_ 0 "${only[@]}" -o disk/t -d 1 -- sleep 1
check "$what: nobody calls it" test ! -e fails
kill -CONT $load

# A power failure: what the kernel did not write is gone.
power_fails() { # MOUNT
	perl -e 'my $how = pack("L", 2); open(F, "<", $ARGV[0]) && ioctl(F, 0x8004587d, $how) || die "$!"' "$1"
}
for fsync in packet 200ms; do
	what="a power failure, --fsync $fsync"
	journal='' disk $large
	"$NUMARING" record -e syscalls --fsync $fsync -o disk/t -d 20 -- "$LOAD" 3000000 0 >out 2>err &
	recorder=$!
	await larger_than 3000000 disk/t/stream
	before=$("$NUMARING" stat --json disk/t | jq .events)
	sleep 0.7
	power_fails disk
	wait $recorder
	umount -l disk
	mount -o loop memory/image disk
	"$NUMARING" stat --json disk/t >stat.json 2>stat.err
	check "$what: what was promised is there" test "$(jq .events stat.json)" -ge "$before"
	check "$what: the recorder noticed" grep -q '^numaring: .*disk/t' err
done
finish
