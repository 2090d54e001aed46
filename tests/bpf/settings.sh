#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# record --set: constants of every type, parts of them, wrong names and values, and which object is meant.
. "$(dirname "$0")/../lib.sh"
: "${SETTINGS:=$(dirname "$NUMARING")/tests/bpf/settings.bpf.o}"
SETTINGS=$(realpath "$SETTINGS")
need jq
need_bpf
scratch
cp "$SETTINGS" one.bpf.o
cp "$SETTINGS" two.bpf.o

record() { # OPTIONS...: records one command
	rm -rf t
	"$NUMARING" record "$@" -o t -- true >out 2>&1
}

# told FIELDS: what each event of the recording says of these fields, as jq prints an array of them
told() {
	"$NUMARING" cat --json t | jq -c "[.fields | $1]" | sort -u
}

# set WHAT SETTINGS FIELDS VALUES
sets() {
	local what=$1 fields=$3 values=$4 setting args=()
	for setting in $2; do args+=(--set "$setting"); done
	record --object one.bpf.o "${args[@]}" || fail "$what: $(cat out)"
	equal "$what" "$(told "$fields")" "$values"
}

refused() { # SETTING WORDS: wrong usage, and one sentence
	record --object one.bpf.o --set "$1"
	equal "$1: exit status" $? 2
	check "$1: says so" grep -qF -- "$2" out
	equal "$1: in one sentence" "$(wc -l <out)" 1
	check "$1: leaves no trace" test ! -e t
}

sets "nothing is set" "" ".byte, .mode, .text, .list, .limits, .data, .bss" \
	'[1,"SLOW","old",[9,9,9,9],{"least":5,"flags":1,"level":2,"steps":[{"most":1,"name":"one"},{"most":2,"name":"two"}]},4,0]'
sets "the largest numbers" "byte=255 small=127 half=65535 shalf=32767 word=4294967295 sword=2147483647 wide=0xffffffffffffffff swide=9223372036854775807" \
	".byte, .small, .half, .shalf, .word, .sword, .wide, .swide" \
	'[255,127,65535,32767,4294967295,2147483647,"18446744073709551615","9223372036854775807"]'
sets "the smallest numbers" "byte=0 small=-128 half=0 shalf=-32768 word=0 sword=-2147483648 wide=0 swide=-9223372036854775808" \
	".byte, .small, .half, .shalf, .word, .sword, .wide, .swide" \
	'[0,-128,0,-32768,0,-2147483648,0,"-9223372036854775808"]'
sets "bool, character and enum" "flag=true letter=x mode=BACKWARD" ".flag, .letter, .mode" '[true,120,"BACKWARD"]'
sets "a digit, and the number of an enum's value" "flag=0 letter='7' mode=7" ".flag, .letter, .mode" '[false,55,"FAST"]'
sets "flags of an enum" "mode=SLOW|FAST" .mode '["FAST"]'
sets "text and a list" "text=seven77 list=1,2" ".text, .list" '["seven77",[1,2,0,0]]'
sets "nothing in text and list" "text= list=" ".text, .list" '["",[0,0,0,0]]'
sets "members and elements" "limits.least=-7 limits.flags=5 limits.level=31 limits.steps[1].most=77 limits.steps[1].name=last list[3]=8" \
	".limits, .list" \
	'[{"least":-7,"flags":5,"level":31,"steps":[{"most":1,"name":"one"},{"most":77,"name":"last"}]},[9,9,9,8]]'
sets "variables that are no constants" "data=44 bss=55" ".data, .bss" '[44,55]'
sets "the last value counts" "byte=2 byte=3" .byte '[3]'

refused byte=256 'invalid value "256" of byte: it is unsigned and has 8 bits; use a number from 0 to 255'
refused byte=-1 'use a number from 0 to 255'
refused small=128 'it is signed and has 8 bits; use a number from -128 to 127'
refused small=-129 'from -128 to 127'
refused letter=ab 'from -128 to 127'
refused word=4294967296 'from 0 to 4294967295'
refused word=1x 'from 0 to 4294967295'
refused word= 'from 0 to 4294967295'
refused wide=18446744073709551616 'from 0 to 18446744073709551615'
refused swide=-9223372036854775809 'from -9223372036854775808 to 9223372036854775807'
refused flag=maybe 'invalid value "maybe" of flag: use true or false'
refused mode=FASST 'invalid value "FASST" of the enum mode: did you mean FAST? There are BACKWARD, SLOW, FAST'
refused mode=9 'invalid value "9" of the enum mode'
refused text=12345678 'use a text of at most 7 bytes'
refused list=1,2,3,4,5 'it has room for 4 elements'
refused list=1,,3 'invalid value "" of list'
refused limits=3 'limits is a struct: set its members one by one, as in limits.least=...; it has least, flags, level, steps'
refused limits.steps=1,2 'limits.steps[0] is a struct: set its members one by one, as in limits.steps[0].most=...; it has most, name'
refused limits.leest=3 'there is no member "leest" in limits.leest: did you mean least? There are least, flags, level, steps'
refused limits.flags=8 'it is unsigned and has 3 bits; use a number from 0 to 7'
refused 'limits.steps[2].most=1' 'there is no element "[2]" in limits.steps[2].most: use [0] to [1]'
refused byte.x=1 'what is before the dot is not a struct'
refused 'byte[0]=1' 'what is before it is not an array'
refused pointer=1 'cannot set pointer: it is a pointer'
refused folded=1 'the compiler has already used its value; declare it as const volatile'
refused bite=1 'one.bpf.o has no constant "bite": did you mean byte?'
refused nr_hidden_tgid=1 'has no constant "nr_hidden_tgid"'
refused byte '"byte" is not a constant and its value: use NAME=VALUE'
refused '=1' 'use NAME=VALUE'

# Which object is meant.
record --set byte=5 --object one.bpf.o || fail "before the only object: $(cat out)"
equal "before the only object" "$(told .byte)" '[5]'
record --object one.bpf.o --set byte=5 --object two.bpf.o --set byte=6 || fail "two objects: $(cat out)"
equal "each object has its own" "$(told .byte)" '[5]
[6]'
record --set byte=5 --object one.bpf.o --object two.bpf.o
equal "before both objects: exit status" $? 2
check "before both objects: says so" grep -q 'put it behind the --object that it belongs to' out
record --set byte=5
equal "without an object: exit status" $? 2
check "without an object: says so" grep -q 'set byte needs an object: add --object FILE' out

# A damaged type of a variable, whatever it is, is refused or set, and never crashes.
seed=${SEED:-$RANDOM}
echo "seed $seed"
RANDOM=$seed
size=$(stat -c %s one.bpf.o)
for _ in $(seq 40); do
	cp one.bpf.o bad.bpf.o
	for _ in 1 2 3; do
		printf "\\x$(printf %02x $((RANDOM % 256)))" |
			dd of=bad.bpf.o bs=1 seek=$((RANDOM * 32768 % size + RANDOM % 1000)) conv=notrunc status=none
	done
	rm -rf t
	timeout 60 "$NUMARING" record --object bad.bpf.o --set 'limits.steps[1].name=x' --set list=1,2,3 -d 1ms -o t >out 2>&1
	status=$?
	[ $status -le 2 ] || fail "damaged object: exit status $status: $(cat out)"
done
finish
