#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traces in chunks: by size, by time, on request; with a limit; compressed. Each chunk is a trace that babeltrace2
# opens, and all of them give one ordered stream with every event once.
. "$(dirname "$0")/../lib.sh"
need jq babeltrace2 zstd
need_bpf
scratch

trap '[ ! "$loads" ] || kill -KILL $loads 2>/dev/null; rm -rf "$dir"' EXIT
loads=

# begin_load CODE: in a process that is stopped at first.
begin_load() {
	# shellcheck disable=SC2016
	bash -c 'kill -STOP $$; '"$1" >/dev/null &
	loads+=" $!"
	await grep -q '^State:.T' /proc/$!/status
}

# For CODE: writes N times.
writes() {
	echo "for ((i = 0; i < $1; i++)); do echo; done"
}

# record_ CODE OPTIONS...: records a process that runs CODE, and one that writes meanwhile. The file `recorder` has the
# recorder's process. The rings have room, so nothing should be lost.
record_() {
	local code=$1
	shift
	rm -rf t
	loads=
	begin_load "$code"
	begin_load "$(writes 5000)"
	# shellcheck disable=SC2086
	"$NUMARING" record -e syscalls${loads// / -p } --ring-size 64M --latency 10 --fail-on-loss --stats-json s.json \
		-o t "$@" -- sh -c "echo \$PPID >recorder; kill -CONT $loads; exec sleep 60" >out 2>err
	equal "$what: exit status" $? 0
	loads=
	equal "$what: unaccounted" "$(jq .unaccounted s.json)" 0
	events=$(jq .events_written s.json)
}

number() { # KEY: of the output's statistics
	jq ".outputs[0].$1" s.json
}

# ordered FILE: the times at the beginning of its lines never decrease.
ordered() {
	awk '{ t = substr($1, 2) + 0; if (t < last) exit 1; last = t }' "$1"
}

# same_as_one EVENTS DIR...: babeltrace2 reads the directories as one ordered stream of so many events.
same_as_one() {
	local events=$1
	shift
	babeltrace2 --clock-cycles --no-delta "$@" >all 2>bt.err
	equal "$what: babeltrace2: events" "$(wc -l <all)" "$events"
	equal "$what: babeltrace2: no warning" "$(head -n 1 bt.err)" ""
	check "$what: babeltrace2: in order" ordered all
}

# each_alone DIR...: each is a trace. Their events, one after the other, are those of all.
each_alone() {
	local chunk
	: >joined
	for chunk; do
		babeltrace2 --clock-cycles --no-delta "$chunk" >one 2>bt.err || fail "$what: babeltrace2 $chunk"
		[ -s bt.err ] && fail "$what: babeltrace2 $chunk: $(head -n 1 bt.err)"
		ordered one || fail "$what: $chunk is not ordered"
		cat one >>joined
	done
	check "$what: the chunks one by one are the same stream" cmp joined all
}

complete() {
	"$NUMARING" stat --json t >stat.json
	equal "$what: stat" $? 0
	equal "$what: complete" "$(jq -c '[.events, .complete, .lost, .unordered, .misplaced]' stat.json)" \
		"[$events,true,0,0,0]"
}

# ---- what begins a chunk ----
for how in "--rotate-size 256K" "--rotate-time 100ms" "--rotate-size 400K --rotate-time 50ms"; do
	what=$how
	# shellcheck disable=SC2086
	record_ "$(writes 5000); sleep 0.2; $(writes 5000); sleep 0.2; $(writes 3000)" $how
	check "$what: several chunks" test "$(find t -name stream | wc -l)" -gt 2
	equal "$what: counted" "$(number chunks)" "$(find t -name metadata | wc -l)"
	complete
	same_as_one "$events" t
	each_alone t/*
	cp all forward
	# shellcheck disable=SC2046
	same_as_one "$events" $(printf '%s\n' t/* | tac)
	check "$what: in any order" cmp all forward
done
what="--rotate-size 1M"
record_ "$(writes 30000)" --rotate-size 1M
check "$what: no chunk has more than another packet" \
	test "$(find t -name stream -printf '%s\n' | sort -n | tail -n 1)" -lt $((2 * 1024 * 1024 + 100000))

what="SIGUSR2 under load"
# events have reached the trace after 0.2 s
part="$(writes 3000); sleep 0.2; kill -USR2 \$(<recorder);"
record_ "$part $part $part $(writes 3000)"
equal "$what: chunks" "$(number chunks)" 4
equal "$what: nothing is left beside them" "$(find t -mindepth 1 -maxdepth 1 ! -name '000*' | wc -l)" 0
complete
same_as_one "$events" t
each_alone t/*

# ---- an idle trace ----
what="SIGUSR2 on an idle host"
rm -rf t
mkfifo fifo
(while read -r _; do :; done) <fifo &
reader=$!
exec 3>fifo
"$NUMARING" record -e syscalls -p $reader -o t >out 2>err &
recorder=$!
await test -s t/stream
kill -USR2 $recorder # before the first event: nothing happens
sleep 0.3
check "$what: no event, no chunk" test -e t/stream
grown() { # FILE BYTES
	[ "$(stat -c %s "$1")" -gt "$2" ]
}
size=$(stat -c %s t/stream)
echo >&3
await grown t/stream "$size"
kill -USR2 $recorder
await test -s t/000000/metadata
check "$what: the chunk is complete at once" "$NUMARING" stat t/000000 >stat.out
kill -USR2 $recorder
sleep 0.3
check "$what: no second chunk without events" test ! -e t/000001
"$NUMARING" stat t >stat.out 2>&1
check "$what: the series is still recorded" grep -q 'still being recorded' stat.out
echo >&3
await test -s t/000001/metadata
kill -INT $recorder
wait $recorder
equal "$what: exit status" $? 0
exec 3>&-
equal "$what: chunks" "$(find t -name metadata | wc -l)" 2
check "$what: complete" "$NUMARING" stat t >stat.out

# ---- limits ----
what="--keep 3"
record_ "$(writes 15000)" --rotate-size 100K --keep 3
equal "$what: chunks" "$(find t -name metadata | wc -l)" 3
equal "$what: what is left" "$(babeltrace2 t 2>bt.err | wc -l)" $((events - $(number dropped_events)))
check "$what: the summary says so" \
	grep -qxE "dropped $(number dropped_events) events? in $(number dropped_chunks) chunks? of t \(--keep\)" out
equal "$what: every chunk was counted" $(($(number chunks) - $(number dropped_chunks))) 3

what="--keep 4M"
record_ "$(writes 80000)" --keep 4M
check "$what: on the disk" test "$(find t -type f -printf '%s\n' | jq -s add)" -le $((4 << 20))
check "$what: most of it is used" test "$(find t -type f -printf '%s\n' | jq -s add)" -gt $((5 << 19))
equal "$what: what is left" "$(babeltrace2 t 2>bt.err | wc -l)" $((events - $(number dropped_events)))

# ---- compressed ----
what="--compress"
record_ "$(writes 10000); sleep 0.2; $(writes 10000)" --compress zstd --rotate-size 20K
equal "$what: no plain stream" "$(find t -name stream | wc -l)" 0
equal "$what: bytes" "$(number bytes)" "$(find t -name stream.zst -printf '%s\n' | jq -s add)"
complete
rm -rf plain
for chunk in t/*; do
	mkdir -p "plain/${chunk#t/}"
	zstd -qdc "$chunk/stream.zst" >"plain/${chunk#t/}/stream" || fail "$what: zstd $chunk"
	cp "$chunk/metadata" "plain/${chunk#t/}/"
done
same_as_one "$events" plain
each_alone plain/*
equal "$what: plain bytes" "$(number plain_bytes)" "$(find plain -name stream -printf '%s\n' | jq -s add)"
check "$what: the summary has both" grep -q 'B in t (.*B compressed), ' out

what="--compress, SIGUSR2 in a flat trace"
record_ "$part $(writes 3000)" --compress zstd:1
equal "$what: chunks" "$(number chunks)" 2
equal "$what: all are compressed" "$(find t -name stream.zst | wc -l)" 2
complete

# ---- several outputs ----
what="two traces, one in the background"
rm -rf u
record_ "$(writes 10000)" --rotate-size 200K -o u
for dir in t u; do
	equal "$what: $dir" "$(babeltrace2 $dir 2>bt.err | wc -l)" "$(jq .events_written s.json)"
done

# ---- killed ----
what="killed"
begin_load 'while :; do echo; done'
# shellcheck disable=SC2086
kill -CONT $loads
for i in 1 2 3 4 5; do
	rm -rf t
	# shellcheck disable=SC2086
	"$NUMARING" record -e syscalls ${loads/ /-p } --rotate-size 300K -o t >out 2>err &
	recorder=$!
	await test -d t/000003
	sleep 0.0$((RANDOM % 9))
	kill -KILL $recorder
	wait $recorder 2>/dev/null
	mapfile -t chunks < <(printf '%s\n' t/* | head -n -2) # the last may end with a part of a packet
	babeltrace2 "${chunks[@]}" >all 2>bt.err
	equal "$what $i: babeltrace2" "$? $(grep -v discarded bt.err | head -n 1)" "0 "
	"$NUMARING" cat t >cat.out 2>cat.err
	check "$what $i: numaring reads at least as much" test "$(wc -l <cat.out)" -ge "$(wc -l <all)"
	"$NUMARING" record -e syscalls -d 10ms --force -o t >out 2>err
	equal "$what $i: replaced" "$?" 0
done
kill -KILL $loads
wait $loads 2>/dev/null
loads=

# ---- options ----
refused() { # STATUS SENTENCE OPTIONS...
	local status=$1 sentence=$2
	shift 2
	"$NUMARING" record -d 10ms "$@" >out 2>err
	equal "$*: exit status" $? "$status"
	check "$*: says why" grep -qF -- "$sentence" err
	rm -rf t
}
refused 2 "--rotate-size is for traces" --format jsonl -o - --rotate-size 1M
refused 2 "--compress is for traces" --format jsonl -o - --compress zstd
refused 1 "cannot keep 3 chunks of t: say when to begin the next one" -o t --keep 3
refused 1 "keep at least 2" -o t --keep 1 --rotate-size 1M
refused 1 "keep at least two chunks of 1048576 bytes" -o t --keep 1M
refused 1 "keep at least two chunks of 4194304 bytes" -o t --keep 6M --rotate-size 4M
refused 1 "it has only one" -o t --on-full drop-oldest
refused 1 'invalid compression "gzip"' -o t --compress gzip

# ---- signals ----
what="SIGUSR2 without a trace"
# shellcheck disable=SC2016
"$NUMARING" record --format jsonl -o lines -- sh -c 'kill -USR2 $PPID; sleep 0.3' >out 2>err
equal "$what: exit status" $? 0
check "$what: a warning" grep -q 'SIGUSR2 begins the next chunk of a trace' err
what="SIGUSR2 while the recording starts"
rm -rf t
"$NUMARING" record -p $$ -d 10ms -o t >out 2>err &
recorder=$!
until [[ $(readlink /proc/$recorder/fd/*) == *pidfd* ]] || ! kill -0 $recorder; do :; done # it has parsed -p
kill -USR2 $recorder
wait $recorder
equal "$what: exit status" $? 0
what="SIGUSR2 while nobody has opened the FIFO"
mkfifo lines.fifo
"$NUMARING" record -e syscalls --format jsonl -o lines.fifo -d 30 >out 2>err &
recorder=$!
await grep -q 'SigBlk:.*480[23]$' /proc/$recorder/status # TERM, INT and perhaps HUP are blocked
kill -USR2 $recorder
sleep 0.3
check "$what: it still waits" kill -0 $recorder
kill -INT $recorder
wait $recorder
check "$what: SIGINT ends the wait" grep -q 'no reader opened' err
what="SIGUSR2 in COMMAND"
rm -rf t
# shellcheck disable=SC2016
"$NUMARING" record -o t -- sh -c 'kill -USR2 $$; sleep 1' >out 2>err
check "$what: it is not blocked" grep -q "was killed by signal $(kill -l USR2)" err

# ---- nobody watches ----
what="a recording without an end"
for limit in "" "--keep 10M" "--rotate-size 1M"; do
	rm -rf numaring-*
	# shellcheck disable=SC2086
	"$NUMARING" record $limit >out 2>err &
	recorder=$!
	await grep -q "to end it: kill -INT $recorder" err
	case $limit in
	"") sentence="at most the newest 1GB" ;;
	--keep*) sentence="at most the newest 10MB" ;;
	*) sentence="without a limit" ;;
	esac
	check "$what, $limit: says how much" grep -q "recording to numaring-.*, $sentence" err
	check "$what, $limit: is a series" test -d numaring-*/000000
	kill -INT $recorder
	wait $recorder
	equal "$what, $limit: exit status" $? 0
done
what="a recording with an end"
rm -rf numaring-*
"$NUMARING" record -d 10ms >out 2>err
equal "$what: says nothing" "$(cat err)" ""
check "$what: is flat" test -e numaring-*/stream
finish
