#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Records that do not fit their type are counted by type and named in the summary, its JSON and the trace.
. "$(dirname "$0")/../lib.sh"
: "${LOAD:=$(dirname "$NUMARING")/tests/bpf/load}"
LOAD=$(realpath "$LOAD")
OBJECT=$(realpath "$(dirname "$LOAD")/misfits.bpf.o")
need jq
need_bpf
scratch
calls=1000
expected='{"plain":{"longer":1000,"shorter":1000},"tailed":{"longer":0,"shorter":1000},"numaring:raw":{"longer":0,"shorter":1000}}'

record() { # OPTIONS...: other processes may call getpgid too
	"$NUMARING" record --object "$OBJECT" --stats-json s.json "$@" -- sh -c '"$@" >pids' \
		sh "$LOAD" $calls 0 >out 2>&1 || fail "record $*: $(cat out)"
	# The counts for exactly this many calls.
	seen=$(jq '.misfits / 4' s.json)
	check "$*: every call was seen" test "$seen" -ge $calls
	equal "$*: by type" "$(jq -c ".misfits_by_type | map_values(map_values(. * $calls / $seen))" s.json)" \
		"$expected"
	equal "$*: unaccounted" "$(jq .unaccounted s.json)" 0
	check "$*: the summary names the types" grep -qE '^plain: [0-9]+ records? longer .* cut$' out
	check "$*: and those of no type" grep -qE '^[0-9]+ records? of unknown type' out
}

record --format jsonl -o lines
record -o t
by_type=$(jq -c .misfits_by_type s.json)
equal "stat tells the same" "$("$NUMARING" stat --json t | jq -c .end.misfits)" "$by_type"
check "stat names the types" sh -c '"$0" stat t | grep -q "^plain: .* longer"' "$NUMARING"
equal "a longer record is cut to its type, a shorter one has the fields that are whole" \
	"$("$NUMARING" cat --json t | jq 'select(.event == "plain").fields.more | length' | sort -u | xargs)" "1 2"
finish
