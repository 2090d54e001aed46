#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Source sample: a program that computes in one function is sampled there, as often as it was asked for.
. "$(dirname "$0")/../lib.sh"
: "${LOAD:=$(dirname "$NUMARING")/tests/bpf/load}"
LOAD=$(realpath "$LOAD")
: "${HOT:=$(dirname "$NUMARING")/tests/bpf/hot}"
HOT=$(realpath "$HOT")
need jq readelf strip
need_bpf
scratch

samples() { # PID: prints its samples, a JSON line each
	"$NUMARING" cat --json t | jq -c "select(.event == \"sample\" and .fields.pid == $1) | .fields"
}

"$NUMARING" record -e sample:199 -o t -- \
	sh -c "$HOT 500; dd if=/dev/zero of=/dev/null bs=1M count=2000 status=none" >out ||
	fail "record: exit status $?"
read -r pid ms <out
n=$(samples "$pid" | wc -l)
echo "$n samples in $ms ms of CPU time"
# On average one for each 5 ms of CPU time.
check "as many samples as asked for" test "$n" -gt $((ms / 5 / 2)) -a "$n" -lt $((ms / 5 * 2))
equal "comm" "$(samples "$pid" | jq -r .comm | sort -u)" hot
equal "no more addresses than the stack has" "$(samples "$pid" | jq -c 'select(.n_kernel > .stack_len)')" ""
# Only the innermost one: functions without frame pointers leave data behind it.
check "addresses of the process are its lower half" test "$(samples "$pid" |
	jq -r '.stack[.n_kernel:][:1][]' | grep -c 0xffff)" -eq 0
check "addresses of the kernel are the upper half" test "$(samples "$pid" |
	jq -r '.stack[:.n_kernel][]' | grep -vc 0xffff)" -eq 0

# Names, although the process has exited.
innermost() { # TRACE PID: prints the innermost name of each sample
	"$NUMARING" cat "$1" | awk -v task=":$2[/ ]" '/^[^\t]/ { mine = $0 ~ task && / sample /; next }
		mine && !/^\t0x/ { print $1; mine = 0 }'
}
hottest() { # TRACE PID NAME: most samples are in it
	local n hot
	n=$(innermost "$1" "$2" | wc -l)
	hot=$(innermost "$1" "$2" | grep -cE "^$3\+0x[0-9a-f]+$")
	echo "$hot of $n samples in $3"
	[ "$hot" -gt $((n / 2)) ]
}
check "the hot function" hottest t "$pid" hot_function
check "the hot function's file" sh -c "'$NUMARING' cat t | grep -q 'hot_function+0x[0-9a-f]* (hot)'"
check "its caller" sh -c "'$NUMARING' cat t | grep -qE '(outer_function|main)\+0x[0-9a-f]+ \(hot\)'"
equal "build id" "$(awk '/\/hot$/ { print $3; exit }' t/.mappings)" \
	"$(readelf -n "$HOT" | awk '/Build ID/ { print $3 }')"

# The report names it first, also without a trace.
check "report" grep -qE '^profile: .* samples are in hot_function \(hot\)\. hot took' \
	<("$NUMARING" report profile -p "$pid" t 2>/dev/null | tr '\n' ' ')
equal "report: all samples" "$("$NUMARING" report profile --json -p "$pid" t | jq .samples)" "$n"
check "report: folded stacks" grep -qE '^hot;.*main \(hot\);(outer_function \(hot\);)?hot_function \(hot\) [0-9]+$' \
	<("$NUMARING" report profile --json t | jq -r '.stacks[] | "\(.folded) \(.n)"')
check "record --report" grep -q 'hot: hot_function (hot)' \
	<("$NUMARING" record --report profile -- "$HOT" 300 2>/dev/null)

# The kernel's names are those of /proc/kallsyms.
"$NUMARING" cat --json --symbols t |
	jq -r 'select(.event == "sample") | .symbols[:.fields.n_kernel][]' | sed 's/+0x.*//' | sort -u >kernel
cut -d' ' -f3 /proc/kallsyms | cut -f1 | sort -u >kallsyms
check "the kernel has names" test "$(wc -l <kernel)" -gt 0
equal "they are the kernel's own" "$(comm -23 kernel kallsyms | grep -vc -e ^bpf_ -e ^0x)" 0

# A program without symbols, and one that is deleted, have places in their files.
cp "$HOT" stripped
strip stripped
cp "$HOT" deleted
rm -rf t
# dd is sampled in the kernel: its names are read only if a stack has one.
# shellcheck disable=SC2016
"$NUMARING" record -e sample:199 -o t -- sh -c './stripped 300; ./deleted 300; rm deleted
	dd if=/dev/zero of=/dev/null bs=1M count=5000 status=none' >out || fail "stripped: exit status $?"
{ read -r first _ && read -r second _; } <out
check "stripped: module and offset" hottest t "$first" stripped
check "deleted: module and offset" hottest t "$second" deleted
cp "$HOT" deleted
check "deleted, and there again: its function" hottest t "$second" hot_function
cp "$LOAD" deleted # has functions at about the same addresses
check "another file of its name: module and offset" hottest t "$second" deleted

# Damaged files of names are refused, and cat goes on without.
"$NUMARING" cat t >before
check "a stack of the kernel" grep -qvP '^\t(0x|.* \()|^[^\t]' before
cp -r t d
printf xxxxxxxxxxxxxxxx | dd of=d/.kallsyms.zst bs=1 seek=1000 conv=notrunc status=none
echo nonsense >>d/.mappings
"$NUMARING" cat d >after 2>err
equal "damaged: exit status" $? 0
check "damaged: the kernel's symbols" grep -q 'd/.kallsyms.zst is damaged' err
check "damaged: the mappings" grep -q 'd/.mappings is damaged at line [0-9]*' err
equal "damaged: a sentence each" "$(wc -l <err)" 2
equal "damaged: the events" "$(grep -vP '^\t' after | cksum)" "$(grep -vP '^\t' before | cksum)"
"$NUMARING" verify d >out 2>err
equal "damaged: verify" $? 1
equal "damaged: verify names both" "$(grep -c 'd/\.[a-z.]* is damaged' out)" 2
rm d/.kallsyms.zst d/.mappings
check "without them: verify" "$NUMARING" verify d
check "without them" "$NUMARING" cat d >after 2>err
equal "without them: no message" "$(cat err)" ""
equal "without them: no names" "$(grep -P '^\t' after | grep -vcP '^\t0x')" 0

# Each chunk has them, and can be read alone; a copy has them, too.
rm -rf t
"$NUMARING" record -e sample:499 -o t --rotate-time 200ms -- "$HOT" 400 >out || fail "chunks: exit status $?"
read -r pid _ <out
last=$(find t -mindepth 1 -type d | sort | tail -n 1)
# A later chunk with samples of the process.
chunk=$(for c in $(cd t && ls -d 0* | tail -n +2); do
	echo "$(innermost "t/$c" "$pid" 2>/dev/null | wc -l) $c"
done | sort -n | tail -n 1 | cut -d' ' -f2)
check "chunks: more than one" test "$last" != t/000000
equal "chunks: one file of the kernel's symbols" "$(stat -c %i t/*/.kallsyms.zst | sort -u | wc -l)" 1
check "chunks: the hot function" hottest t "$pid" hot_function
check "chunks: the hot function in one" hottest "t/$chunk" "$pid" hot_function
check "chunks: verify" "$NUMARING" verify t
truncate -s -8 "$last/stream"
"$NUMARING" repair -o c t >/dev/null || fail "repair: exit status $?"
check "repair: the hot function" hottest c "$pid" hot_function
check "repair: in one chunk" hottest "c/$chunk" "$pid" hot_function
rm -rf f
"$NUMARING" record -e sample:499 -o f -- sh -c "$HOT 200; kill -USR2 \$PPID; $HOT 200" >out ||
	fail "flat: exit status $?"
{ read -r first _ && read -r second _; } <out
equal "a flat trace becomes a series" "$(cd f && ls -A | tr '\n' ' ')" "000000 000001 "
equal "a flat trace becomes a series: its files" "$(cd f/000000 && ls -A | tr '\n' ' ')" \
	".btf .kallsyms.zst .mappings metadata stream "
equal "a flat trace becomes a series: one file of symbols" "$(stat -c %h f/000001/.kallsyms.zst)" 2
check "a flat trace becomes a series: before" hottest f/000000 "$first" hot_function
check "a flat trace becomes a series: after" hottest f "$second" hot_function
check "a flat trace replaces it" "$NUMARING" record -e sched -o t --force -d 0.1
check "nothing is left" test ! -e t/.kallsyms.zst -a ! -e t/000000
check "a trace with names" "$NUMARING" record -e sample -o t --force -d 0.1
check "and one without replaces it" "$NUMARING" record -e sched -o t --force -d 0.1
equal "nothing is left" "$(find t -mindepth 1 | sort | tr '\n' ' ')" "t/.btf t/metadata t/stream "

# A program on the clock is no NMI, so other sources may record, too.
rm -rf t
check "with other sources" "$NUMARING" record -e sample,sched -o t -d 0.3
check "the trace is whole" "$NUMARING" verify t

refused() { # WHAT SOURCE SENTENCE
	"$NUMARING" record -e "$2" -o none -d 0.1 2>err >/dev/null && fail "$1: not refused"
	check "$1" grep -q "$3" err
	check "$1: no trace" test ! -e none
}
refused "no rate" sample: 'invalid argument "" of source sample'
refused "rate 0" sample:0 'invalid argument "0" of source sample'
refused "not a rate" sample:99x 'invalid argument "99x" of source sample'
refused "not a rate of cycles" sample:cycles: 'invalid argument "cycles:" of source sample'
refused "too often" sample:1000000 'use at most the number in /proc/sys/kernel/perf_event_max_sample_rate'

# Hardware counters interrupt with NMIs, which must not share rings with others.
if "$NUMARING" record -e sample:cycles -o c -d 0.3 >out 2>err; then
	check "cycles: samples" test "$("$NUMARING" cat c | grep -c ' sample ')" -gt 0
	refused "cycles with other sources" sample:cycles,sched 'record it alone'
else
	check "cycles: there is no counter" grep -q 'this machine has no cycle counter' err
fi
finish
