# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Disks of their own for tests: small ext4 file systems in a mount namespace, so that nothing stays mounted. Sourced by
# full.sh and disk.sh.
if [ ! "${NR_MOUNTS-}" ]; then
	export NR_MOUNTS=1
	unshare -m true 2>/dev/null && exec unshare -m bash "$0" "$@"
	# In a change-root, where / is no mount point.
	unshare -m --propagation unchanged true && exec unshare -m --propagation unchanged bash "$0" "$@"
fi
. "$(dirname "$0")/../lib.sh"
LOAD=$(realpath "${LOAD:-$(dirname "$NUMARING")/tests/bpf/load}")
hang=$(realpath "$(dirname "$NUMARING")/tests/bpf/libhang.so")
need jq timeout babeltrace2 mkfs.ext4 findmnt
need_bpf
scratch
export ASAN_OPTIONS=verify_asan_link_order=0
load=
trap '[ ! "$load" ] || kill -KILL $load 2>/dev/null; cd / && umount -l "$dir"/{disk,under,memory} 2>/dev/null; rm -rf "$dir"' EXIT

# disk MIB [DIR]: mounts an empty ext4 of this size at disk. DIR has its image. With $journal it survives a crash.
disk() {
	local image=${2:-memory}/image
	umount -l disk 2>/dev/null
	rm -f "$image"
	truncate -s "$1M" "$image" && mkfs.ext4 -q -O "${journal-^}has_journal" "$image" &&
		mount -o loop,errors=remount-ro "$image" disk && rmdir disk/lost+found
}
# disk_that_fails MIB: the same, but the disk under it fails once break_ has been called.
disk_that_fails() {
	umount -l disk 2>/dev/null
	umount -l under 2>/dev/null
	disk $((2 * $1)) && mount --move disk under && disk "$1" under
}
break_() { # MOUNT: makes the ext4 there read-only, as an error of its structure does
	echo 1 >"/sys/fs/ext4/$(basename "$(findmnt -n -o SOURCE "$1")")/trigger_fs_error"
}
mkdir disk memory under
mount -t tmpfs -o size=1g none memory && disk 16 || skip "cannot mount an ext4 of its own"

# record_ STATUS OPTIONS... -- COMMAND...
record_() {
	local status=$1
	shift
	rm -f s.json hangs fails done
	timeout -s KILL 60 "$NUMARING" record -e "${events-syscalls}" --force --stats-json s.json "$@" >out 2>err
	equal "$what: exit status" $? "$status"
	equal "$what: unaccounted" "$(jq .unaccounted s.json)" 0
}

# A flood that fills a small disk at once; it ends with the recording.
flood=(timeout 10 "$LOAD" 0 0)

# Only the system calls of one process: 4 records for each of its COUNT writes, 80 bytes each on average.
prepare() { # COUNT
	# shellcheck disable=SC2016
	bash -c 'kill -STOP $$; exec dd if=/dev/zero of=/dev/null bs=1 count=$0 status=none' "$1" >dd.out 2>&1 &
	load=$!
	await grep -q '^State:.T' /proc/$load/status
	only=(-p "$load,$$" --ring-size 128M)
}
# It goes on until the file `done` exists.
# shellcheck disable=SC2016
go='kill -CONT "$0"; while kill -0 "$0" || ! [ -e done ]; do sleep 0.05; done 2>/dev/null'

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
larger_than() { # BYTES FILE
	[ -n "$(find "$2" -size "+$1c" 2>/dev/null)" ]
}
is_broken() { # an error of the disk, in any of the forms that it takes
	says '(the disk did not take all of|cannot (write|check)) disk/t/stream: (Input/output error|Read-only file system)'
}
