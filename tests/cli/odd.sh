#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traces that no recording writes: cat, export and stat show them sensibly and report each problem.
. "$(dirname "$0")/../lib.sh"
: "${ODD:=$(dirname "$NUMARING")/tests/odd}"
ODD=$(realpath "$ODD")
need jq
scratch

# Every command shows a record of unknown type as such.
"$ODD" raw raw || fail "raw: cannot be made"
check "raw: cat" "$NUMARING" cat raw >text
equal "raw: as text" "$(sed -n '2s/.* \[/[/p' text)" "[000] -                     numaring:raw  id = 999, data = 01020304"
equal "raw: as JSON" "$("$NUMARING" cat --json raw | jq -c 'select(.event == "numaring:raw") | .fields')" \
	'{"id":999,"data":"01020304"}'
equal "raw: rows of CSV" "$("$NUMARING" export --to csv raw | cut -d, -f4- | tr '\n' ' ')" \
	"event,lost,late,known.x,other.x known,0,,67305985, numaring:raw,0,,, "
equal "raw: stat adds up" "$("$NUMARING" stat --json raw | jq '([.types[]] | add) == .events')" true
check "raw: stat has a row for it" grep -q '  numaring:raw  *1$' <("$NUMARING" stat raw)

# One type of two objects has two ids but is one type: its columns and counts appear once.
"$ODD" twins twins || fail "twins: cannot be made"
equal "twins: CSV" "$("$NUMARING" export --to csv twins | cut -d, -f4- | tr '\n' ' ')" \
	"event,lost,late,known.x,other.x known,0,,67305985, known,0,,67305985, "
equal "twins: stat" "$("$NUMARING" stat twins | grep -E 'known|other' | tr -s ' ')" " known 2"
equal "twins: stat --json" "$("$NUMARING" stat --json twins | jq -c .types)" '{"known":2,"other":0}'

check "raw: verify" "$NUMARING" verify raw
check "twins: verify" "$NUMARING" verify twins

# Out of order: the records are counted, and the duration is right.
"$ODD" unordered unordered || fail "unordered: cannot be made"
"$NUMARING" stat --json unordered >stat.json
equal "unordered: exit status" $? 1
equal "unordered: counted" "$(jq .unordered stat.json)" 1
"$NUMARING" verify unordered >text
equal "unordered: verify: exit status" $? 1
equal "unordered: verify" "$(head -n 1 text)" "1 event is earlier than the one before"
check "unordered: a duration" jq -e '.duration_s < 1e-6' stat.json

# A packet counts five losses, but its last record says that its CPU had lost none.
"$ODD" misplaced misplaced || fail "misplaced: cannot be made"
"$NUMARING" stat --json misplaced >stat.json
equal "misplaced: exit status" $? 1
equal "misplaced: counted" "$(jq .misplaced stat.json)" 5
"$NUMARING" verify misplaced >text
equal "misplaced: verify: exit status" $? 1
equal "misplaced: verify" "$(head -n 1 text)" "5 losses are counted by the wrong packet"

# A late record is older than its place: its CPU may have lost records in between.
"$ODD" late-loss late-loss || fail "late-loss: cannot be made"
"$NUMARING" stat --json late-loss >stat.json
equal "late-loss: exit status" $? 0
equal "late-loss: late, misplaced" "$(jq -c '[.late, .misplaced]' stat.json)" "[1,0]"
check "late-loss: verify" "$NUMARING" verify late-loss

# What an optional output missed is told, and nothing is wrong with its trace.
"$ODD" gap gap || fail "gap: cannot be made"
judge_gap() { # TRACE
	TZ=UTC "$NUMARING" stat "$1" >text
	equal "$1: exit status" $? 0
	equal "$1: packets and events" "$(sed -n '1s/ in .*,/,/p' text)" "3 events, $2 packets"
	check "$1: where it is" grep -qxF \
		'gap: missed 7 events in 2 packets between 00:00:00.000002000 and 00:00:00.000005000' text
	"$NUMARING" stat --json "$1" >stat.json
	equal "$1: JSON" "$(jq -c '[.complete, .missed_events, .missed_packets, .gaps]' stat.json)" \
		'[false,7,2,[{"begin":2000,"end":5000,"packets":2,"events":7,"damaged_packets":0}]]'
	equal "$1: events and missed are written" "$(jq '.events + .missed_events' stat.json)" \
		"$(jq .end.written stat.json)"
}
judge_gap gap 4
check "gap: why it is not complete" grep -qx \
	'not complete: this optional output fell behind and missed 7 events in 2 packets' text
"$NUMARING" verify gap >text
equal "gap: verify: exit status" $? 0
check "gap: verify: where it is" grep -q '^gap: missed 7 events in 2 packets between ' text
for command in cat "export --to jsonl"; do
	# shellcheck disable=SC2086
	"$NUMARING" $command gap >lines 2>err
	equal "gap: $command: exit status" $? 0
	equal "gap: $command: events" "$(wc -l <lines)" 3
	equal "gap: $command: says so once" "$(cat err)" \
		'numaring: gap is not complete: this optional output fell behind and missed 7 events in 2 packets'
done
truncate -s -50 gap/stream
check "gap: repair" "$NUMARING" repair gap
judge_gap gap-repaired 4
check "gap: repaired" grep -q '^not complete: repaired: .*; this optional output fell behind and missed 7' text

# A name in a message cannot control the terminal, and stays legible in any script.
"$NUMARING" stat $'\e[2J\x9b2J\xc2\x9b\xe2\x80\xaeb\rä日本\xe0\x82\x9b' 2>err
equal "message: quotes the name" "$(cat err)" \
	'numaring: cannot open the trace ?[2J\x9b2J\xc2\x9b\xe2\x80\xaeb?ä日本\xe0\x82\x9b: No such file or directory'

mv twins $'tw\e[2Jins\xe2\x80\xae'
equal "repair: quotes the name" "$("$NUMARING" repair $'tw\e[2Jins\xe2\x80\xae')" \
	'tw\x1b[2Jins\xe2\x80\xae needs no repair'

# An error while writing the list is reported.
"$NUMARING" record -e list 2>err >/dev/full
equal "list to a full disk: exit status" $? 1
equal "list to a full disk" "$(cat err)" "numaring: cannot write the list of sources: No space left on device"

# Times are text, and a number that no double can hold is a string: jq 1.6 returns all of them unchanged.
"$ODD" past past || fail "past: cannot be made"
equal "past: JSON" "$("$NUMARING" cat --json past | jq -r '"\(.time) \(.ts)"' | tr '\n' ' ')" \
	"1969-12-31T23:59:59.999999500Z 1500 1970-01-01T00:00:00.000000000Z 2000 "
equal "past: text" "$(TZ=UTC "$NUMARING" cat past | cut -c-18 | tr '\n' ' ')" \
	"23:59:59.999999500 00:00:00.000000000 "
"$ODD" far far || fail "far: cannot be made"
equal "far: JSON" "$("$NUMARING" cat --json far | jq -r '"\(.time) \(.ts)"' | tr '\n' ' ')" \
	"2262-07-25T05:47:16.109516799Z 9007199254740992 2262-07-25T05:47:16.109516800Z 9007199254740993 "
equal "far: only what is above 2^53 is a string" "$("$NUMARING" cat --json far | jq -r '.ts | type' | xargs)" \
	"number string"
equal "far: stat" "$("$NUMARING" stat --json far | jq -r '"\(.watermark) \(.end.time)"')" \
	"9007199254742993 9007199254742993"
equal "far: CSV" "$("$NUMARING" export --to csv far | tail -1 | cut -d, -f1-2)" \
	2262-07-25T05:47:16.109516800Z,9007199254740993

# A head's claim takes no memory, neither an impossible size nor a large hole of a sparse file.
limit() {
	if ldd "$NUMARING" | grep -q asan; then
		"$@"
	else
		(ulimit -v 200000 && exec "$@")
	fi
}
expect_claim() { # NAME WHAT IT SAYS
	"$ODD" "$1" "$1" || fail "$1: cannot be made"
	limit "$NUMARING" stat "$1" >/dev/null 2>err
	equal "$1: exit status" $? 1
	check "$1: says so" grep -q "stream: at byte 88, packet 1 $2" err
}
expect_claim huge 'claims 12884901888 bytes: no packet has more than 1 GiB'
expect_claim large 'is damaged: its checksum is wrong'
rm -rf huge large

# Bytes that are not UTF-8 are shown as bytes, including overlong forms and surrogates.
for bytes in '\xc0\xae' '\xe0\x80\xae' '\xf0\x82\x82\xac' '\xed\xa0\x80' '\xf4\x90\x80\x80' '\xe2\x82'; do
	"$NUMARING" stat "$(printf "%b." "$bytes")" 2>err
	check "$bytes: is shown as bytes" grep -qF "$bytes." err
done
for text in é € 😀; do
	"$NUMARING" stat "$text" 2>err
	check "$text: is shown as it is" grep -qF "$text" err
done

# An old file stays until its replacement is ready.
"$ODD" raw kept || fail "kept: cannot be made"
echo precious >table.csv
"$NUMARING" export --to csv --force -o table.csv no-trace 2>/dev/null
equal "export of nothing: exit status" $? 1
equal "export of nothing: the file" "$(cat table.csv)" precious
"$NUMARING" export --to csv --force -o kept/stream kept 2>err
equal "export into the trace: exit status" $? 2
check "export into the trace: says so" grep -q 'is inside the trace directory' err
check "export into the trace: it is whole" "$NUMARING" stat kept

# An empty file is not an empty trace.
: >raw/stream
"$NUMARING" stat raw >/dev/null 2>err
equal "empty: exit status" $? 1
check "empty: says so" grep -q 'is cut off' err
finish
