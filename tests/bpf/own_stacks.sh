#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Stacks of own events: whole ones, those in place and those of ids, which are of the same moments and
# therefore the same.
. "$(dirname "$0")/../lib.sh"
: "${HOT:=$(dirname "$NUMARING")/tests/bpf/hot}"
HOT=$(realpath "$HOT")
: "${OBJECT:=$(dirname "$HOT")/own_stacks.bpf.o}"
OBJECT=$(realpath "$OBJECT")
need jq
need_bpf
scratch

# The shell sleeps first, so the map with room for one stack is taken when the program sleeps.
record() { # TRACE OPTION...
	local trace=$1
	shift
	"$NUMARING" record --object "$OBJECT" --shards cpu --ring-size 64M --fail-on-loss -o "$trace" "$@" -- \
		sh -c 'sleep 0.05; "$0" 1 150; :' "$HOT" >out 2>err || fail "record: $(cat err)"
	read -r pid _ <out
}

# The whole stack is one list; the others have a list for each part. The innermost kernel address is of the
# program itself, which calls three times. A stack that ends with 0 had no frame pointer; others leave the 0 out.
compare() { # TRACE
	"$NUMARING" cat --json --symbols "$1" | jq -s '
		def part: .[:31] | until(.[-1:] != ["0x0"]; .[:-1]);
		map(select(.event | test("whole|in_place|by_id"))) | group_by(.cpu) | map(
			[range(0; length - 2) as $i | .[$i:$i + 3] | select(map(.event) == ["whole", "in_place", "by_id"])])
		| add | map(
			.[0].fields.n_kernel as $k
			| {whole: [.[0].symbols[1:$k], .[0].symbols[$k:]] | map(part),
			   place: [.[1].kernel_symbols[1:], .[1].user_symbols] | map(part),
			   id: [(.[2].kernel_symbols // null | if . then .[1:] else . end),
				.[2].user_symbols] | map(if . then part else . end),
			   fields: .[2].fields})
		| {n: length,
		   place: map(select(.whole == .place)) | length,
		   known: map(select(.id[0])) | length,
		   wrong: map(. as $m | .id | to_entries[] | select(.value and .value != $m.whole[.key] and
			   ($m.whole[.key] | length) > 0)) | length,
		   missing: map(select(.fields.kernel_stack_id >= 0 and (.id[0] | not))) | length,
		   crowded: map(select(.fields.crowded_stack_id == -17)) | length}' >result
	jq -c . result
	check "$1: moments" test "$(jq .n result)" -gt 20
	equal "$1: stacks in place are the whole ones" "$(jq .place result)" "$(jq .n result)"
	equal "$1: stacks of ids that are others" "$(jq .wrong result)" 0
}

record t
compare t
equal "no id without its stack" "$(jq .missing result)" 0
check "most ids have a stack" test "$(jq .known result)" -gt "$(($(jq .n result) / 2))"
check "a map with room for one stack" test "$(jq .crowded result)" -gt 0

# The mappings of a process are read because of its first event, whose time is from before that. On a busy
# host, a program may be interrupted in between.
"$NUMARING" cat --json --symbols t | jq -s '
	def part: .[:31] | until(.[-1:] != ["0x0"]; .[:-1]);
	map(select(.event | test("first|whole"))) | group_by(.cpu) | map(
		[range(0; length - 1) as $i | .[$i:$i + 2] | select(map(.event) == ["first", "whole"])])
	| add | group_by(.[0].fields.pid) | map(min_by(.[0].ts)
		| {first: .[0].user_symbols | part, whole: .[1] | .symbols[.fields.n_kernel:] | part})
	| map(select(any(.whole[]; startswith("0x") | not)))
	| {n: length, unnamed: map(select(.first != .whole)) | length}' >result
check "first events of processes" test "$(jq .n result)" -gt 0
check "first events have names: $(jq -c . result)" jq -e '.unnamed * 2 < .n' result

text() { # WHAT: the lines of the process's stacks of this field
	"$NUMARING" cat t | awk -v field="$1:" '/^[^\t]/ { mine = / pid = '"$pid"',/; on = 0; next }
		/^\t[a-z_]*:$/ { on = mine && $1 == field; next } on' | sed 's/^\t//; s/+0x[0-9a-f]*//'
}
for field in kernel_stack kernel_stack_id; do
	check "text, $field: asleep in the kernel" grep -qx '[a-z_]*nanosleep' <(text $field)
	equal "text, $field: no names of the program itself" "$(text $field | grep -c bpf_prog_)" 0
done
for field in user_stack user_stack_id; do
	check "text, $field: the caller" grep -qx 'main (hot)' <(text $field)
done
check "text: no room in the map" grep -qx 'none: another stack was at its place in the map' <(text crowded_stack_id)

# Kernel threads have no stack of a process; here, a negative number says so, and no stack is made of it.
check "JSON: no room in the map" jq -se 'map(select(.event == "by_id" and .fields.crowded_stack_id < 0))
	| length > 0 and all(.crowded_symbols == null)' <("$NUMARING" cat --json --symbols t)

# Each chunk can be read alone. An id that was being read within 100 us of an event is not known for sure.
record series --rotate-time 100ms
compare series
missing=0
for chunk in series/0*; do
	"$NUMARING" cat "$chunk" >text 2>/dev/null
	missing=$((missing + $(grep -c 'the trace does not have stack' text)))
done
equal "chunks: ids without their stacks" "$missing" 0
check "chunks: more than one" test -d series/000001

# A trace whose recorder was killed does not have the stacks, and says so. A damaged file of stacks is named.
cp -r t none
sed -i '/^[0-9]/d' none/.stacks
check "not in the trace" grep -q 'unknown: the trace does not have stack [0-9]' <("$NUMARING" cat none)
check "not in the trace, JSON" jq -se 'map(select(.event == "by_id")) | all(.kernel_symbols == null)' \
	<("$NUMARING" cat --json --symbols none)
check "not in the trace: verify" "$NUMARING" verify none
echo 1 2 x >>none/.stacks
"$NUMARING" cat none 2>err >/dev/null
equal "damaged: exit status" $? 0
check "damaged: named" grep -q 'none/.stacks is damaged at line [0-9]*' err
"$NUMARING" verify none >out 2>err
equal "damaged: verify" $? 1
rm none/.stacks
equal "without the file: ids are numbers" "$("$NUMARING" cat none | grep -c 'stack_id:')" 0
"$NUMARING" repair t -o copy >/dev/null 2>&1
[ -d copy ] && check "a copy has them" cmp t/.stacks copy/.stacks
finish
