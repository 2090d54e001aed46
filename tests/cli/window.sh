#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# --from and --to of cat, export and stat: what they print is what a filter of the whole trace gives, and they read
# only the packets they need. NR_SEED=N repeats a run.
. "$(dirname "$0")/../lib.sh"
: "${TRACES:=$(dirname "$NUMARING")/tests/traces}"
TRACES=$(realpath "$TRACES")
need jq
scratch
export TZ=UTC
seed=${NR_SEED:-$RANDOM$RANDOM}
echo "window: NR_SEED=$seed"
RANDOM=$((seed % 32768))

# One recording in all forms. It starts at 23:59:30 and ends 60 s later.
start=5000000000000
second=1000000000
"$TRACES" make flat "$seed" || fail "no trace was made"
"$TRACES" series flat series 7 || fail "no series was made"
zip_dir() { # DIR NEW: a flat trace
	mkdir "$2" && cp "$1/metadata" "$1/.btf" "$2" && "$TRACES" zstd "$1/stream" "$2/stream.zst"
}
zip_dir flat flat-zstd || fail "no compressed trace was made"
mkdir series-zstd
for chunk in series/*; do
	zip_dir "$chunk" "series-zstd/${chunk#series/}" || fail "$chunk was not compressed"
done
"$TRACES" list flat/stream >packets
cp -r flat killed && truncate -s "$(tail -n 1 packets | cut -d' ' -f1)" killed/stream
"$NUMARING" cat --json flat >all || fail "cat flat"
events=$(wc -l <all)

utc() { # NS
	local ns=$(($1 - start + 1795910370 * second))
	date -u -d "@$((ns / second))" "+%Y-%m-%d${2-T}%H:%M:%S.$(printf %09d $((ns % second)))${3-Z}"
}
decimal() { # NS: seconds
	printf '%d.%09d' $(($1 / second)) $(($1 % second))
}
end_of() { # DIR: its last time
	if [ "$1" = killed ]; then tail -n 2 packets | head -n 1; else tail -n 1 packets; fi | cut -d' ' -f6
}
# The same time in one of the forms that numaring takes.
spell() { # DIR NS
	case $((RANDOM % 6)) in
	0) utc "$2" ;;
	1) utc "$2" " " "" ;;
	2) utc "$2" t "+00:00" ;;
	3) utc "$2" | cut -c12-29 ;; # a time of day; the trace has each of them once
	4) echo "$(decimal $(($2 - start)))s" ;;
	5) echo "-$(decimal $(($(end_of "$1") - $2)))" ;;
	esac
}
# A time at an event, beside one, or anywhere, from the first to the last event.
any_time() {
	local ns
	ns=$(sed -n "$((1 + (RANDOM * 32768 + RANDOM) % events))p" all | jq .ts)
	case $((RANDOM % 4)) in
	0) echo "$ns" ;;
	1) echo $((ns + 1)) ;;
	2) echo $((ns - 1)) ;;
	3) echo $((start + 100 + (RANDOM * 32768 + RANDOM) * 50)) ;;
	esac
}
filter() { # BEGIN END
	jq -c "select(.ts >= $1 and .ts < $2)" all
}
# What stat has to count: the packets from the first one that is not before the window, to the last one with an event of
# it, and the losses in these.
packets_of() { # BEGIN END
	awk -v begin="$1" -v end="$2" '
		$6 < begin { before = $7; next }
		!n++ { first = $3 }
		$4 && $5 < end { last = $3; lost = $7 }
		END { print last - first + 1, lost - before }' packets
}
judge() { # DIR BEGIN END ARGUMENTS...
	local dir=$1 begin=$2 end=$3
	shift 3
	filter "$begin" "$end" >want
	"$NUMARING" cat --json "$dir" "$@" 2>cat.err >got || fail "cat $dir $*: $(cat cat.err)"
	cmp -s want got || fail "cat $dir $*: $(wc -l <got) events, not $(wc -l <want)"
	"$NUMARING" stat --json "$dir" "$@" 2>err >stat.json || fail "stat $dir $*: $(cat err)"
	[ "$(jq .events stat.json)" = "$(wc -l <want)" ] || fail "stat $dir $*: $(jq .events stat.json) events"
}
for dir in flat flat-zstd series series-zstd killed; do
	for _ in 1 2 3 4 5 6 7 8; do
		a=$(any_time) b=$(any_time)
		[ "$a" -le "$b" ] || { t=$a a=$b b=$t; }
		[ "$a" -lt "$b" ] || b=$((b + 1))
		from=$(spell "$dir" "$a") to=$(spell "$dir" "$b")
		judge "$dir" "$a" "$b" --from "$from" --to "$to"
		if [ -s want ]; then
			equal "$dir, $from to $to: packets, losses" "$(jq -r '"\(.packets) \(.lost)"' stat.json)" \
				"$(packets_of "$a" "$(($(tail -n 1 want | jq .ts) + 1))")"
		fi
		equal "$dir: completeness" "$(jq -c '[.complete, .why, .misplaced]' stat.json)" \
			'[null,"only a part of it was read",0]'
	done
	echo "ok: $dir: windows"
done

# A series whose first chunks were removed, and a chunk alone, count from their own start.
cp -r series kept && rm -r kept/00000[0-2]
for dir in kept series/000003; do
	"$NUMARING" stat --json $dir >whole.json || fail "stat $dir"
	equal "$dir: events, packets, losses" "$(jq -c '[.events, .packets, .lost]' whole.json)" \
		"$(awk -v all=$([ $dir = kept ] && echo 1 || echo 0) '$3 < 21 { lost = $7 }
			$3 >= 21 && (all || $3 < 28) { events += $4; n++; last = $7 }
			END { printf "[%d,%d,%d]", events, n, last - lost }' packets)"
done
equal "kept: a window from its start: packets" "$("$NUMARING" stat --json kept --from 0 --to 1 | jq '.packets < 10')" true

# Without one of both, the window is open on this side, and the end that is read is judged.
middle=$((start + 30 * second))
judge series "$middle" 9000000000000000 --from 30
equal "from only: the end was read, but not the begin" "$(jq -c '[.complete, .why, .end.written]' stat.json)" \
	"[null,\"only a part of it was read\",$events]"
check "from only: cat does not complain of what is before" test ! -s cat.err
judge series-zstd 0 "$middle" --to=-30s
equal "to only: the end was not read" "$(jq -c '[.complete, .end]' stat.json)" '[null,null]'
judge flat "$middle" 9000000000000000 --from=-0.5m
judge flat 0 9000000000000000 --from 0 --to 1h
equal "a window that is the whole trace: complete" "$(jq -c '[.complete, .why, .window.of_s == 60]' stat.json)" \
	'[true,null,true]'
"$NUMARING" stat killed --from 30 >stat.txt 2>err
equal "killed, from only: exit status" $? 1
check "killed, from only: says why" grep -q '^not complete: it has no end mark' stat.txt
"$NUMARING" cat killed --from 30 >/dev/null 2>err
equal "killed, cat from only: exit status" $? 1
check "killed, to only: its end does not matter" "$NUMARING" stat killed --to 30 >/dev/null

# The text names the window so that its times can be given again.
"$NUMARING" stat flat --from -50s --to 12.5 >stat.txt
equal "text: the window" "$(sed -n 3p stat.txt)" \
	"window: 2.500 s of 60.000 s, from 2026-11-28T23:59:40.000000000Z to 2026-11-28T23:59:42.500000000Z"
check "text: nothing is said about the end" test -z "$(grep complete stat.txt)"

# A time that cat printed finds its event, in any time zone. Without a date it is the first one in the trace, or after
# --from.
for zone in UTC Asia/Kolkata America/Los_Angeles; do
	line=$(TZ=$zone "$NUMARING" cat flat | sed -n "$((events / 2))p")
	equal "a time of day in $zone" "$(TZ=$zone "$NUMARING" cat flat --from "${line%% *}" -n 1 | grep -cF "${line%% *}")" 1
done
judge series $((start + 29 * second)) $((start + 31 * second)) --from 23:59:59 --to 00:00:01
judge flat $((start + 29 * second)) $((start + 30 * second)) --from 2026-11-28T23:59:59+00:00 --to 2026-11-29
judge flat $((start + 29 * second)) $((start + 30 * second)) --from "2026-11-29 05:29:59+05:30" --to 2026-11-28T16:00-08:00
judge flat $((start + 1500000000)) $((start + 2 * second)) --from 1500ms --to 2

# The other options work as before.
equal "cat -n" "$("$NUMARING" cat --json series --from 30 -n 3 | jq -s -c .)" \
	"$(filter "$middle" 9000000000000000 | head -n 3 | jq -s -c .)"
"$NUMARING" export --format csv flat --from 30 --to 40 -o new.csv && "$NUMARING" export --to csv flat --from 30 --to 40 >old.csv
check "export: --to is a format and a time" cmp new.csv old.csv
equal "export: rows" "$(wc -l <new.csv)" $(($(filter "$middle" $((middle + 10 * second)) | wc -l) + 1))

# What cannot be meant is refused.
refuse() { # STATUS MESSAGE ARGUMENTS...
	local status=$1 message=$2
	shift 2
	rm -f out
	"$NUMARING" "$@" >got 2>err
	equal "$*: exit status" $? "$status"
	equal "$*: message" "$(cat err)" "numaring: $message: flat spans 2026-11-28T23:59:30.000000000Z to 2026-11-29T00:00:30.000000000Z (60.000 s)"
	check "$*: no output" test ! -s got -a ! -e out
}
refuse 2 "--from 20s is not before --to 10" cat flat --from 20s --to 10
refuse 2 "--from 10 is not before --to -50s" stat flat --from 10 --to -50s
refuse 1 "--from 61 is after the end" cat flat --from 61
refuse 1 "--to 0 is not after the start" stat --json flat --to 0
refuse 1 "--from 2027-01-01 is after the end" export --format jsonl -o out flat --from 2027-01-01
refuse 1 "--to 1969-01-01 is not after the start" cat flat --from 1968-01-01 --to 1969-01-01
refuse 1 "--from 9999-12-31T23:59:60Z is after the end" cat flat --from 9999-12-31T23:59:60Z

# Damage outside of the window is not read, damage in it is found.
field() { # PACKET FIELD
	awk -v n="$1" -v field="$2" 'NR == n { print $field }' packets
}
cp -r series torn # packet 18 is the fifth of chunk 2
at=$(sed -n 6p <("$TRACES" list torn/000002/stream) | cut -d' ' -f1)
printf '\x5a\xa5\x5a' | dd of=torn/000002/stream bs=1 seek=$((at + 41)) conv=notrunc status=none
judge torn "$(field 25 5)" 9000000000000000 --from "$(utc "$(field 25 5)")"
last=$(jq "select(.ts < $(field 19 5)) | .ts" all | tail -n 1)
judge torn 0 "$last" --to "$(utc "$last")"
"$NUMARING" cat torn --from "$(utc "$(field 19 5)")" >got 2>err
equal "torn: exit status" $? 1
check "torn: says where" grep -q "000002/stream: at byte $at, packet 18 has invalid sizes" err

# 100 GB in a sparse file: only the packets of the window are read, with little memory.
count_read() { # COMMAND...: leaves the bytes that it read in $bytes
	local key value before
	while read -r key value; do [ "$key" = rchar: ] && before=$value; done <"/proc/$$/io"
	"$@"
	while read -r key value; do [ "$key" = rchar: ] && bytes=$((value - before)); done <"/proc/$$/io"
}
limit() {
	if ldd "$NUMARING" | grep -q asan; then
		"$@"
	else
		(ulimit -v 200000 && exec "$@")
	fi
}
huge() { # WHAT EVENTS ARGUMENTS...
	local what=$1 events=$2 begin=$EPOCHREALTIME
	shift 2
	count_read limit "$NUMARING" "$@" >got
	equal "huge: $what: events" "$(jq -s 'map(.events // 1) | add' got)" "$events"
	# A packet is 4 MiB; one beside the window is read on each side, and some at the end for the time of the end.
	check "huge: $what: read $bytes bytes in $begin to $EPOCHREALTIME" test "$bytes" -lt $(((events + 5) << 22))
}
if [ "$(df --output=avail -k . | tail -n 1)" -lt 1000000 ]; then
	echo "note: the file system has no room for a sparse trace of 100 GB"
elif ! "$TRACES" huge huge 100 || [ "$(du -k huge | cut -f1)" -gt 500000 ]; then
	echo "note: the file system has no sparse files of 100 GB"
elif [ ! -r "/proc/$$/io" ]; then
	echo "note: this kernel does not count what a process reads"
else
	huge "last seconds" 3 cat --json huge --from -3.5s
	huge "seconds in the middle" 2 cat --json huge --from 12000 --to 12002
	huge "stat" 2 stat --json huge --from 24000 --to 24002
	huge "first seconds" 2 cat --json huge --to 2.5
	huge "an hour's first event" 1 cat --json huge --from 1h -n 1
fi
rm -rf huge
finish
