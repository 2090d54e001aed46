#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The binary interface: existing programs must work with this library. Compares it with a stored dump,
# libnumaring-MACHINE.abi. `abi.sh --update` regenerates the dump. There are two reasons for that:
#  - fields, functions or values were added where they may be (docs/api.md, "What may grow"): from then on
#    they have to stay too;
#  - the soname was raised, or the library has not been released with it yet.
. "$(dirname "$0")/../lib.sh"
: "${BUILD:=$(dirname "$NUMARING")}"
here=$(realpath "$(dirname "$0")")
include=$here/../../include
library=$(realpath "$BUILD/libnumaring.so")
kept=$here/libnumaring-$(uname -m).abi
need abidw abidiff cc readelf nm
readelf -S "$library" | grep -q debug_info || skip "this build has no debug information"
nm -D "$library" | grep -qE '__(asan|tsan|ubsan)_' && skip "this build has sanitizers in it"

# Dumps what the public headers define, independent of this machine.
dump() { # LIBRARY HEADERS
	abidw --headers-dir "$2" --drop-private-types --exported-interfaces-only --no-show-locs \
		--no-comp-dir-path --no-corpus-path --no-elf-needed --no-parameter-names \
		--type-id-style hash "$1" | sed "s|path='$(realpath "$here/../..")/|path='|"
}

# compatible OLD NEW: prints the differences, unless NEW only grew where it may.
compatible() {
	awk -f "$here/abi.awk" "$1" "$2" &&
		abidiff --suppressions "$here/abi.suppr" --no-added-syms "$1" "$2" >/dev/null && return
	abidiff --no-added-syms "$1" "$2"
	return 1
}

if [ "${1-}" = --update ]; then
	dump "$library" "$include/numaring" >"$kept" && echo "written: $kept"
	exit
fi
scratch

# Tests the check itself on a library with the structs that may grow: PROBE HEADERS.
probe() {
	cc -g -fPIC -shared -I"$2" "$here/abi.c" -o "$1.so" && dump "$1.so" "$2/numaring" >"$1.abi"
}
# grown NAME FILE SED-SCRIPT: builds a probe with a changed header.
grown() {
	cp -r "$include" "$1" && sed -E -i "$3" "$1/numaring/$2" &&
		! cmp -s "$1/numaring/$2" "$include/numaring/$2" && probe "$1-probe" "$1"
}
check "a probe builds" probe base "$include"
check "one more cause of loss builds" grown cause record.h 's/^\tNR_LOSS_CAUSES,/\tNR_LOSS_ANOTHER,\n&/'
check "one more cause of loss moves nothing" diff base.abi cause-probe.abi
may_grow=$(sed -n 's/.*\^nr_(\(.*\))\$$/\1/p' "$here/abi.suppr")
for struct in ${may_grow//|/ }; do
	file=$(cd "$include/numaring" && grep -l "^struct nr_$struct {" ./*.h)
	check "nr_$struct with one more field builds" grown "$struct" "$file" \
		"/^struct nr_$struct \{/,/^};/s/^};/\tuint64_t another;\n};/"
	check "nr_$struct with one more field is compatible" compatible base.abi "$struct-probe.abi"
	cmp -s base.abi "$struct-probe.abi" && fail "nr_$struct is not in the probe"
done
# refused NAME SED-SCRIPT WORDS
refused() {
	check "$1: builds" grown "$1" numaring.h "$2"
	compatible base.abi "$1-probe.abi" >log && fail "$1 is taken for compatible"
	check "$1: says what changed" grep -q -- "$3" log
}
refused inserted 's/^\tuint64_t late;/\tuint64_t new;\n&/' "'uint64_t late' offset changed"
refused narrower 's/^\tuint64_t late;/\tuint32_t late;/' "type of 'uint64_t late' changed"
refused signed 's/^\tuint64_t late;/\tint64_t late;/' "type of 'uint64_t late' changed"
refused removed '/^\tconst char \*clocksource;/d' "1 data member deletion"
refused in-a-gap 's/^\tunsigned n_shards;/&\n\tunsigned new;/' "'unsigned int new', at offset"

# Checks this library.
[ -e "$kept" ] || skip "no dump is kept for $(uname -m); tests/package/abi.sh --update writes one"
dump "$library" "$include/numaring" >now.abi
if ! compatible "$kept" now.abi; then
	fail "libnumaring.so.0 would break programs that are built already; see above. Add fields at the end of" \
		"a struct that may grow (docs/api.md, What may grow), or raise the soname and run" \
		"tests/package/abi.sh --update"
elif ! abidiff "$kept" now.abi >/dev/null; then
	echo "note: the library has grown; before a release run tests/package/abi.sh --update"
fi
finish
