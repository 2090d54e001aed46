#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# In a time namespace, as in a container restored from a checkpoint, our clock differs from the clock that BPF
# programs read. With any offset, the recording is as outside: complete, in order, in time, with the right time
# of day.
. "$(dirname "$0")/../lib.sh"
: "${LOAD:=$(dirname "$NUMARING")/tests/bpf/load}"
: "${TIMENS:=$(dirname "$LOAD")/timens}"
: "${BENCH:=$(dirname "$NUMARING")/numaring-bench}"
LOAD=$(realpath "$LOAD") TIMENS=$(realpath "$TIMENS")
need jq babeltrace2 unshare
need_bpf
unshare --time --monotonic 1 --fork true 2>/dev/null || skip "this kernel, or unshare, has no time namespaces"
scratch
cpus=$(seq -s ' ' 0 $(($(nproc) - 1)))
calls=2000
uptime=$(cut -d. -f1 /proc/uptime)
near_zero=$((2 - uptime)) # the namespace's clock starts at two seconds
year=$((86400 * 365))

in_ns() { # OFFSET_S COMMAND...
	local offset=$1
	shift
	unshare --time --monotonic "$offset" --fork "$@"
}

utc() { date +%s.%N; }

seconds='.time | if type == "number" then . / 1e9 else (.[:19] + "Z" | fromdate) + ("0" + .[19:29] | tonumber) end'

# The first and the last event of the trace t lie between the two times; babeltrace2 agrees on the first.
in_window() { # FROM TO
	"$NUMARING" cat --json t | sed -n '1p; $p' | jq "$seconds" >ends
	printf '%s\n' "$1" "$(cat ends)" "$2" | sort -gc && [ "$(wc -l <ends)" = 2 ] &&
		babeltrace2 --clock-seconds t 2>/dev/null | head -1 | tr -d '[]' |
		awk -v first="$(head -1 ends)" '{ exit !(first - $1 < 1e-5 && $1 - first < 1e-5) }'
}

judge() { # NAME FROM: the trace t, its statistics s.json
	equal "$1: late, lost, unaccounted" "$(jq -c '[.late, .lost, .unaccounted]' s.json)" "[0,0,0]"
	equal "$1: unordered" "$("$NUMARING" stat --json t | jq .unordered)" 0
	check "$1: every call" test "$(jq .events_written s.json)" -ge $((2 * calls * $(nproc)))
	check "$1: event times are those of the recording" in_window "$2" "$(utc)"
	check "$1: durations" jq -e '.duration_s < 300 and all(.shards[]; .lag_max_ns < 3e11 and .idle_max_ns < 3e11)' s.json
}

# Runs the load, then waits until the stream has grown. Events written only at the end would fail the test.
until_it_grows='size=$(stat -c %s t/stream)
	"$@" >/dev/null
	for i in $(seq 50); do
		[ "$(stat -c %s t/stream)" != "$size" ] && echo yes >grows && exit
		sleep 0.1
	done'

record() { # NAME COMMAND...: starts it with the command
	local name=$1 from
	shift
	rm -rf t grows
	from=$(utc)
	# shellcheck disable=SC2086
	"$@" "$NUMARING" record -e syscalls --ring-size 64M --order $order -o t --stats-json s.json -- \
		sh -c "$until_it_grows" sh "$LOAD" $calls $cpus >out 2>&1 || fail "$name: exit status $?: $(cat out)"
	check "$name: the trace grows while it records" test -s grows
	judge "$name" "$from"
}

for order in fence rcu; do
	for offset in -1 1 $near_zero 3600 $year; do
		record "$offset s, $order" in_ns "$offset"
	done
done
order=fence
record "boottime" unshare --time --boottime 1000 --fork
record "both clocks" unshare --time --monotonic 5 --boottime -1 --fork

# Containers have other namespaces too, and /proc may be empty.
if unshare --mount true 2>/dev/null; then
	record "PID namespace" in_ns 3600 unshare --pid --mount-proc --fork
	record "no /proc" in_ns -1 unshare --mount sh -c 'mount -t tmpfs none /proc && exec "$@"' sh
else
	echo "note: no private mounts here (/ is not a mount point), so /proc stays as it is"
fi

# JSON lines arrive during the recording and show the time. The recording ends after they have arrived.
for offset in -1 $near_zero 3600; do
	rm -f live
	in_ns "$offset" "$NUMARING" record -e syscalls --format jsonl -o live -- sh -c '
		for i in $(seq 100); do
			[ -s live ] && date +%s >arrived && exit
			sleep 0.1
		done' 2>out
	check "live, $offset s: lines arrive" test -s arrived
	time=$(head -1 live | jq "$seconds | floor")
	late=$(($(cat arrived) - time))
	check "live, $offset s: by the time of day $late s ago" test $late -ge -1 -a $late -le 15
	rm -f arrived
done

for offset in -1 3600; do
	in_ns $offset "$NUMARING" selftest order -d 2 --json >order.json
	equal "selftest, $offset s: exit status" $? 0
	equal "selftest, $offset s: the two that are real" \
		"$(jq -c '[.variants[] | select(.real) | .violations, .late, .unordered] | add' order.json)" 0
	equal "selftest, $offset s: no record" "$(jq '[.variants[] | select(.records == 0)] | length' order.json)" 0
	equal "selftest, $offset s: unaccounted" "$(jq '[.variants[].unaccounted] | add' order.json)" 0
done

# A program that uses the library; also in the initial namespace, before it creates its own.
check "library" "$TIMENS" 0
for offset in -1 3600; do
	check "library, $offset s" in_ns $offset "$TIMENS" ${offset}000000000
done

for offset in -1 3600; do
	[ -x "$BENCH" ] || continue
	for transport in node perfbuf-sampled; do
		in_ns $offset "$BENCH" run -d 0.3 --transport $transport --rate 20k >row.json
		equal "bench, $transport, $offset s: valid" "$(jq -r '.valid, .reason' row.json | xargs)" "true null"
		check "bench, $transport, $offset s: latency" jq -e '.latency_ms.max > 0 and .latency_ms.max < 60000' row.json
	done
	check "tune, $offset s" in_ns $offset "$BENCH" tune -d 0.5 --rate 100k >advice 2>&1
done
finish
