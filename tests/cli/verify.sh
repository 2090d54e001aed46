#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# verify names every damage with its place, and finds nothing in an intact trace. repair --skip-damaged then gives a
# trace that has all the rest, that every reader opens, and that says what is missing. NR_SEED=N repeats a run.
. "$(dirname "$0")/../lib.sh"
: "${TRACES:=$(dirname "$NUMARING")/tests/traces}"
TRACES=$(realpath "$TRACES")
need jq zstd
scratch
export TZ=UTC
seed=${NR_SEED:-$RANDOM$RANDOM}
echo "verify: NR_SEED=$seed"
RANDOM=$((seed % 32768))
per_chunk=7

# ---- traces of one recording ----

zip_dir() { # DIR NEW: a flat trace
	mkdir "$2" && cp "$1/metadata" "$1/.btf" "$2" && "$TRACES" zstd "$1/stream" "$2/stream.zst"
}
zip_series() { # DIR NEW
	local chunk
	mkdir "$2"
	for chunk in "$1"/*; do
		zip_dir "$chunk" "$2/${chunk##*/}" || return 1
	done
}
"$TRACES" make flat "$seed" || fail "no trace was made"
"$TRACES" series flat series $per_chunk || fail "no series was made"
zip_dir flat flat-zstd || fail "no compressed trace was made"
zip_series series series-zstd || fail "no compressed series was made"
"$NUMARING" cat --json flat >all || fail "cat flat"
"$TRACES" list flat/stream >packets
forms="flat flat-zstd series series-zstd"
last=$(($(wc -l <packets) - 1)) # the sequence number of the end mark
events=$(wc -l <all)
chunks=$(find series -name stream | wc -l)

any() { # N: 0 to N - 1
	echo $(((RANDOM * 32768 + RANDOM) % $1))
}
# The trace to damage, from one of the above.
begin_case() { # NAME FORM
	name="$1 in $2"
	rm -rf t t-repaired
	cp -r "$2" t
}
verify() { # leaves what it says in verify.json
	"$NUMARING" verify --json t >verify.json 2>err
	local status=$?
	[ $status = "$1" ] || fail "$name: verify: exit status $status, not $1: $(jq -c '[.damages, .problems]' verify.json) $(cat err)"
	"$NUMARING" verify t >verify.txt 2>err
	[ $? = $status ] || fail "$name: verify: another exit status as text"
}
# All damages, each "FILE OFFSET SIZE PACKETS" or with a * for what does not matter here.
expect_damages() { # DAMAGE...
	local got line want file_ offset_ size_
	mapfile -t got < <(jq -r '.damages[] | "\(.file) \(.offset) \(.size) \(.packets)"' verify.json)
	[ ${#got[@]} = $# ] || { fail "$name: damages: $(printf '%s; ' "${got[@]}") instead of $(printf '%s; ' "$@")" && return; }
	for line in "${got[@]}"; do
		want=$1
		shift
		# shellcheck disable=SC2053 # a pattern
		[[ $line == $want ]] || fail "$name: damage: $line is not $want"
		read -r file_ offset_ size_ _ <<<"$line"
		grep -qE "^$file_: byte $offset_(, $size_ bytes?)?: " verify.txt || fail "$name: not as text: $line"
	done
	[ ${#got[@]} = "$(grep -c ': byte [0-9]' verify.txt)" ] || fail "$name: damages as text"
}
expect_problem() { # TEXT: among the problems, and in the text
	jq -r '.problems[]' verify.json | grep -qF "$1" || fail "$name: problems: $(jq -c .problems verify.json) instead of $1"
	grep -qF "$1" verify.txt || fail "$name: the text lacks: $1"
}
# Repairs the trace. The copy has the events of the sequence numbers that are not given, in babeltrace2, too.
expect_repaired() { # PACKET...: $missing, if set, of them are counted; $cut: the end is not known
	local packet first last
	"$NUMARING" repair --skip-damaged t >repair.txt 2>err || { fail "$name: repair: $(cat err)" && return; }
	cp all want
	for packet; do
		read -r first last < <(awk -v seq="$packet" '$3 == seq && $4 { print $5, $6 }' packets)
		[ "$first" ] || continue
		jq -c "select(.ts < $first or .ts > $last)" want >less && mv less want
	done
	"$NUMARING" cat --json t-repaired 2>err >got || fail "$name: cat: $(cat err)"
	cmp -s want got || fail "$name: repaired: $(wc -l <got) events, not $(wc -l <want)"
	"$NUMARING" verify --json t-repaired >verify.json 2>err || fail "$name: repaired: $(jq -c '[.damages, .problems]' verify.json)"
	"$NUMARING" stat --json t-repaired >stat.json 2>err || fail "$name: repaired: stat: $(cat err)"
	[ "$(jq .damaged_packets stat.json)" = "${missing-$#}" ] ||
		fail "$name: repaired: $(jq .damaged_packets stat.json) damaged packets, not ${missing-$#}"
	[ "$(jq .complete stat.json)" = "$(if [ $# = 0 ] && [ ! "${cut-}" ]; then echo true; else echo false; fi)" ] ||
		fail "$name: repaired: complete: $(jq -c '[.complete, .why]' stat.json)"
	expect_babeltrace
}
# It needs plain streams.
expect_babeltrace() {
	local stream
	command -v babeltrace2 >/dev/null || return
	find t-repaired -name stream.zst | while read -r stream; do
		zstd -q -d --rm "$stream" || fail "$name: zstd -d"
	done
	babeltrace2 t-repaired >bt 2>err || fail "$name: babeltrace2: $(grep -v 'discarded' err | head -c 200)"
	[ "$(wc -l <bt)" = "$(wc -l <want)" ] || fail "$name: babeltrace2: $(wc -l <bt) events, not $(wc -l <want)"
}

# ---- intact traces ----

for form in $forms; do
	begin_case "nothing" "$form"
	verify 0
	expect_damages
	equal "$form: intact" "$(jq -c '[.intact, .complete, .events, .packets, .problems]' verify.json)" \
		"[true,true,$events,$(wc -l <packets),[]]"
	equal "$form: as text" "$(cat verify.txt)" \
		"t is intact: $events events in $(wc -l <packets) packets, $(jq .lost verify.json) lost"
done
begin_case "earlier chunks removed" series-zstd
rm -r t/000000 t/000001 t/000002
verify 0
expect_damages
equal "earlier chunks: said" "$(jq -r .why verify.json)" \
	"$(awk -v n=$((3 * per_chunk)) 'NR <= n { sum += $4 } END { print sum }' packets) earlier events in 3 chunks removed"
begin_case "output into a chunk" series
"$NUMARING" export --format csv -o t/000001/x t 2>err
equal "output into a chunk: exit status" $? 2
begin_case "a chunk alone" series
"$NUMARING" verify t/000004 >verify.txt || fail "$name: $(cat verify.txt)"

# ---- a byte ----

# A random stream of the trace, and its packets.
choose_stream() { # FORM
	local streams
	mapfile -t streams < <(cd t && find . -name 'stream*' | sed 's,^\./,,' | sort)
	file=${streams[$(any ${#streams[@]})]}
	"$TRACES" list "t/$file" >list
}
for form in $forms; do
	for _ in 1 2 3 4 5 6; do
		begin_case "a byte" "$form"
		choose_stream
		end=$(tail -n 1 list | awk '{ print $1 + $2 }')
		at=$(any "$end")
		old=$(od -An -tu1 -j "$at" -N 1 "t/$file")
		printf '%b' "\\x$(printf %02x $((old ^ (1 + $(any 255)))))" |
			dd of="t/$file" bs=1 seek="$at" conv=notrunc status=none
		name="byte $at of $file of $form"
		read -r offset size seq count < <(awk -v at="$at" '$1 <= at && at < $1 + $2 { print $1, $2, $3, $4 }' list)
		# zstd may read the same bytes from a frame that was changed.
		if [[ $form == *zstd ]] && zstd -q -d -c "t/$file" 2>/dev/null | cmp -s - "${form%-zstd}/${file%.zst}"; then
			"$NUMARING" cat --json t 2>/dev/null | cmp -s - all || verify 1
			continue
		fi
		verify 1
		# The end mark, with the table behind it in a compressed stream.
		[ $((offset + size)) != "$end" ] || size=$(($(stat -c %s "t/$file") - offset))
		expect_damages "$file $offset $size *"
		# The first packet of a later chunk and its end mark have the number of another packet.
		if [ "$count" -gt 0 ]; then
			equal "$name: packets, events" "$(jq -r '"\(.damaged_packets) \(.events)"' verify.json)" \
				"1 $((events - count))"
			expect_repaired "$seq"
		else
			"$NUMARING" repair --skip-damaged t >/dev/null 2>err || fail "$name: repair: $(cat err)"
			"$NUMARING" cat --json t-repaired 2>err | cmp -s - all || fail "$name: repaired: $(cat err)"
		fi
	done
done

# ---- the table that other tools use ----

for form in flat-zstd series-zstd; do
	for _ in 1 2 3; do
		begin_case "the table" $form
		choose_stream
		begin=$(tail -n 1 list | awk '{ print $1 + $2 }')
		end=$(stat -c %s "t/$file")
		at=$((begin + $(any $((end - begin)))))
		printf '%b' "\\x$(printf %02x $(($(od -An -tu1 -j "$at" -N 1 "t/$file") ^ (1 + $(any 255)))))" |
			dd of="t/$file" bs=1 seek="$at" conv=notrunc status=none
		name="byte $at in the table of $file of $form"
		verify 1
		expect_damages "$file $begin $((end - begin)) 0"
		expect_repaired
		[ ! -e "t-repaired/$file" ] || fail "$name: babeltrace2 was not tried"
	done
done

# A recorder that is killed while it writes the table leaves a part of it. That is no damage of the trace.
for form in flat-zstd series-zstd; do
	begin_case "the table is cut" $form
	file=$(cd t && find . -name 'stream*' | sed 's,^\./,,' | sort | tail -n 1)
	begin=$("$TRACES" list "t/$file" | tail -n 1 | awk '{ print $1 + $2 }')
	truncate -s -$((1 + $(any $(($(stat -c %s "t/$file") - begin - 1))))) "t/$file"
	name="the table of $form cut to $(($(stat -c %s "t/$file") - begin)) bytes"
	"$NUMARING" cat --json t 2>err | cmp -s - all || fail "$name: cat: $(cat err)"
	equal "$name: stat" "$("$NUMARING" stat --json t 2>&1 | jq .complete)" true
	verify 1
	expect_damages "$file $begin $(($(stat -c %s "t/$file") - begin)) 0"
	"$NUMARING" repair --in-place t >/dev/null 2>err || fail "$name: repair: $(cat err)"
	diff -r $form t || fail "$name: repaired: not what it was"
done

# ---- packets that are gone, doubled or swapped ----

# Damages a plain trace by a command, which sees it as t, and compresses the result if the form says so.
damage() { # FORM COMMAND...
	local form=$1
	shift
	rm -rf t t-repaired
	cp -r "${form%-zstd}" t
	"$@" || fail "$name: $*"
	[[ $form == *-zstd ]] || return 0
	mv t plain
	if [ -e plain/metadata ]; then zip_dir plain t; else zip_series plain t; fi
	rm -rf plain
}
# A packet with events that is not the last one of its stream: sets seq, file, and at, its place in the file.
choose_packet() { # FORM
	seq=$((1 + $(any $((last - 2)))))
	while [ "$(awk -v seq=$seq '$3 == seq { print $4; exit }' packets)" = 0 ] ||
		{ [[ $1 == series* ]] && [ $((seq % per_chunk)) = $((per_chunk - 1)) ]; }; do
		seq=$((1 + $(any $((last - 2)))))
	done
	file=stream at=$seq
	if [[ $1 == series* ]]; then
		file=$(printf %06d $((seq / per_chunk)))/stream
		at=$((seq % per_chunk + (seq >= per_chunk))) # after the chunk's opening packet
	fi
	n=$("$TRACES" list "${1%-zstd}/$file" | wc -l)
	plain=$file
	[[ $1 == *-zstd ]] && file=$file.zst
}
place() { # PLACE FIELD: of a packet in the damaged stream
	"$TRACES" list "t/$file" | awk -v n="$1" -v field="$2" 'NR == n + 1 { print $field }'
}
for form in $forms; do
	choose_packet "$form"
	name="packet $seq of $form removed"
	# shellcheck disable=SC2046
	damage "$form" "$TRACES" arrange "t/$plain" $(seq 0 $((at - 1))) $(seq $((at + 1)) $((n - 1)))
	verify 1
	expect_damages "$file $(place "$at" 1) 0 1"
	expect_repaired "$seq"

	choose_packet "$form"
	name="packet $seq of $form doubled"
	# shellcheck disable=SC2046
	damage "$form" "$TRACES" arrange "t/$plain" $(seq 0 "$at") $(seq "$at" $((n - 1)))
	verify 1
	expect_damages "$file $(place $((at + 1)) 1) $(place $((at + 1)) 2) 0"
	expect_repaired

	choose_packet "$form"
	name="packet $seq of $form swapped with the next one"
	# shellcheck disable=SC2046
	damage "$form" "$TRACES" arrange "t/$plain" $(seq 0 $((at - 1))) $((at + 1)) "$at" $(seq $((at + 2)) $((n - 1)))
	verify 1
	expect_damages "$file $(place "$at" 1) 0 1" "$file $(place $((at + 1)) 1) $(place $((at + 1)) 2) 0"
	expect_repaired "$seq"
	echo "ok: $form: packets"
done

# ---- chunks ----

for form in series series-zstd; do
	begin_case "chunk 4 removed" $form
	rm -r t/000004
	verify 1
	expect_damages "000005/stream* 0 0 $per_chunk"
	# shellcheck disable=SC2046
	expect_repaired $(seq $((4 * per_chunk)) $((5 * per_chunk - 1)))

	begin_case "chunk 4 with the greatest number" $form
	mv t/000004 t/18446744073709551615
	timeout 20 "$NUMARING" verify t >/dev/null
	[ $? = 1 ] || fail "$name: no end, or exit status 0"

	begin_case "the last chunk removed" $form
	rm -r t/"$(printf %06d $((chunks - 1)))"
	verify 1
	expect_damages
	expect_problem "the recording went on in the next chunk, which is missing"
	"$NUMARING" stat t >/dev/null && fail "$name: stat: exit status 0"
	"$NUMARING" cat t >/dev/null 2>err && fail "$name: cat: exit status 0"
	# shellcheck disable=SC2046
	missing=0 cut=1 expect_repaired $(seq $(((chunks - 1) * per_chunk)) "$last")
	"$NUMARING" repair --in-place t >/dev/null 2>err || fail "$name: in place: $(cat err)"
	grep -q "the chunk after 0*$((chunks - 2)) is missing" err || fail "$name: repair does not say so"
	verify 0

	begin_case "chunk 1 and the last one removed" $form
	rm -r t/000001 t/"$(printf %06d $((chunks - 1)))"
	"$NUMARING" repair --skip-damaged t >/dev/null 2>err || fail "$name: repair: $(cat err)"
	"$NUMARING" verify t-repaired >verify.txt || fail "$name: repaired: $(cat verify.txt)"
	equal "$name: written" "$("$NUMARING" stat --json t-repaired | jq .end.written)" \
		"$(awk -v n=$(((chunks - 1) * per_chunk)) 'NR <= n { sum += $4 } END { print sum }' packets)"

	begin_case "metadata of chunk 2 and .btf of chunk 3 changed" $form
	sed -i 's/tracer_major = 1/tracer_major = 9/' t/000002/metadata
	echo >>t/000003/.btf
	rm t/000004/.btf
	verify 1
	expect_damages "000002/metadata 0 0 0" "000003/.btf 0 0 0" "000004/.btf 0 0 0"
	"$NUMARING" repair --skip-damaged t >/dev/null 2>err || fail "$name: repair: $(cat err)"
	diff -r $form t-repaired || fail "$name: the copy is not what it was"
	"$NUMARING" repair --skip-damaged --in-place t >/dev/null 2>err || fail "$name: in place: $(cat err)"
	diff -r $form t || fail "$name: in place: not what it was"

	begin_case "the first stream removed" $form
	rm t/000000/stream*
	verify 1
	expect_damages "000000/stream 0 0 0"
	"$NUMARING" stat t >/dev/null 2>err && fail "$name: stat: exit status 0"
	"$NUMARING" repair --skip-damaged t >/dev/null 2>err || fail "$name: repair: $(cat err)"
	"$NUMARING" verify t-repaired >verify.txt || fail "$name: repaired: $(cat verify.txt)"

	begin_case "metadata of the first chunk changed" $form
	echo >>t/000000/metadata
	verify 1
	expect_damages "000000/metadata 0 0 0"
	"$NUMARING" repair --skip-damaged --in-place t >/dev/null 2>err || fail "$name: in place: $(cat err)"
	diff -r $form t || fail "$name: in place: not what it was"
done
for file in metadata .btf; do
	begin_case "$file changed" flat
	echo >>t/$file
	"$NUMARING" verify t >/dev/null 2>err && fail "$name: exit status 0"
done

# ---- streams that are cut ----

for form in $forms; do
	for _ in 1 2; do
		choose_packet "$form"
		name="$form cut in packet $seq"
		damage "$form" true
		at=$(place "$at" 1) size=$(place "$at" 2)
		cut=$((1 + $(any $((size - 1)))))
		truncate -s $((at + cut)) "t/$file"
		verify 1
		if [[ $form == flat* ]] || [ $((seq / per_chunk)) = $((chunks - 1)) ]; then
			expect_damages "$file $at $cut 0"
			expect_problem "it has no end mark"
			# shellcheck disable=SC2046
			missing=0 expect_repaired $(seq "$seq" $((last - 1)))
		else
			missing=$((per_chunk - seq % per_chunk))
			expect_damages "$file $at $cut 0" "$(printf %06d $((seq / per_chunk + 1)))/stream* 0 0 $missing"
			# shellcheck disable=SC2046
			expect_repaired $(seq "$seq" $((seq + missing - 1)))
		fi
		unset cut missing
	done
	begin_case "no end mark" "$form"
	file=$(cd t && find . -name 'stream*' | sort | tail -n 1)
	truncate -s "$("$TRACES" list "t/$file" | tail -n 1 | cut -d' ' -f1)" "t/$file"
	verify 1
	expect_damages
	expect_problem "it has no end mark"
	cut=1 expect_repaired
done

# ---- what end marks count ----

change() { # FORM FILE FIELD VALUE TEXT
	name="$3 of $2 of $1 is $4"
	damage "$1" "$TRACES" mark "t/$2" "$3" "$4"
	verify 1
	expect_damages
	expect_problem "$5"
}
for form in flat flat-zstd; do
	change $form stream written $((events - 1)) "the end mark counts $((events - 1)) events, but $events are here"
	change $form stream written $((events + 1)) "the end mark counts $((events + 1)) events, but $events are here"
	change $form stream reserved $((events + 4)) "the end mark counts $((events + 4)) reserved records, but $((events + 3)) that were"
	change $form stream filtered 1 "the end mark counts $((events + 3)) reserved records, but $((events + 4)) that were"
	change $form stream unaccounted 1 "1 record unaccounted for"
	change $form stream late 1 "the end mark counts 1 late events, but 0 are here"
	change $form stream lost 1000000 "the end mark counts 1000000 lost records, but"
	change $form stream earlier $((events + 1)) "the end mark counts $events events, $((events + 1)) of them in earlier chunks"
	change $form stream chunk 3 "the end mark counts $events events, 0 of them in earlier chunks"
done
before=$(awk -v n=$((3 * per_chunk)) 'NR <= n { sum += $4 } END { print sum }' packets)
in_chunk=$(awk -v n=$((3 * per_chunk)) -v m=$((4 * per_chunk)) 'NR > n && NR <= m { sum += $4 } END { print sum }' packets)
for form in series series-zstd; do
	change $form 000003/stream written $((before + in_chunk + 1)) \
		"the end mark of chunk 000003 counts $((in_chunk + 1)) events, but $in_chunk are here"
	change $form 000003/stream earlier $((before - 1)) \
		"the end mark of chunk 000003 counts $((before - 1)) events before it, but the one of the chunk before counts $before"
	change $form 000003/stream late 1 \
		"the end mark of chunk 000004 counts 0 late events, but the one of the chunk before counts 1"
done
name="chunk of an end mark"
damage series "$TRACES" mark t/000003/stream chunk 4
verify 1
expect_damages "000003/stream $("$TRACES" list t/000003/stream | tail -n 1 | cut -d' ' -f1) 192 0"
echo "ok: end marks"
finish
