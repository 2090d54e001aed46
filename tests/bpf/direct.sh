#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Direct writes, past the page cache: the file is whole at any time, also after SIGKILL, little of it stays in the page
# cache, and a disk that is too slow for them gets other writes.
. "$(dirname "$0")/disk_help.sh"
need fincore
[ "$(uname -r | awk -F. '{ print $1 * 1000 + $2 }')" -ge 6001 ] || skip "file systems tell their alignment from Linux 6.1 on"

# flood_ OPTIONS...: records many writes of one process, and not its reads, or the disk is too slow for direct writes. The file hangs shows that there was a direct write.
flood_() {
	prepare 200000
	events=syscalls:write LD_PRELOAD=$hang record_ 0 "${only[@]}" -o disk/t "$@" -- sh -c "touch done; $go" $load
	equal "$what: nothing is lost" "$(jq .lost s.json)" 0
}

what="a fast disk"
disk 250
mostly_cached() {
	[ "$(fincore -bnr -o RES disk/t/stream)" -ge $(($(stat -c %s disk/t/stream) * 3 / 4)) ]
}
for _ in 1 2 3 4 5; do # on a busy host the disk may be slow at times
	HANG_IN=direct HANG_MS=0 flood_
	check "$what: there are direct writes" test -e hangs
	mostly_cached || break
done
mostly_cached && fail "$what: all stays in the page cache"
holds disk/t true

what="compressed"
HANG_IN=direct HANG_MS=0 flood_ --compress zstd
check "$what: small packets are not written directly" test ! -e hangs

what="a disk that is slow under direct writes"
HANG_IN=direct HANG_MS=300 flood_
check "$what: one was tried" test -e hangs
check "$what: few were tried" jq -e '.outputs[0].busy_total_ns < 2e9' s.json
holds disk/t true

what="SIGKILL"
for i in 1 2 3; do
	disk 250
	"$NUMARING" record -e syscalls --ring-size 32M -o disk/t -d 20 -- "${flood[@]}" >out 2>err &
	recorder=$!
	await larger_than $((i * 5000000)) disk/t/stream
	for _ in 1 2 3; do
		"$NUMARING" stat --json disk/t >live.json 2>live.err
		equal "$what, $i: whole while it is recorded" "$(jq .damaged live.json)" false
	done
	kill -KILL $recorder
	wait $recorder 2>/dev/null
	"$NUMARING" stat --json disk/t >stat.json 2>stat.err
	check "$what, $i: what was there is there" test "$(jq .events stat.json)" -ge "$(jq .events live.json)"
	[ "$(jq .damaged stat.json)" = false ] || check "$what, $i: only the end may be incomplete" \
		grep -q 'is cut off: the recording was killed' stat.err
done
finish
