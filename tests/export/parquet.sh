#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Three readers of other projects read what `export --to parquet` writes: every value of a made-up trace with all kinds
# of fields at their limits, of one with several row groups and 250 types, and of a recording of this machine.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/readers.sh"
TABLES=$(dirname "$NUMARING")/tests/tables
install_readers
scratch

# compare WHAT TRACE [-n EVENTS]: exports it and compares all values.
compare() {
	local out trace=$2 what=$1
	shift 2
	"$NUMARING" export "$trace" "$@" --to parquet -o "$trace.parquet" || fail "$what: export to Parquet"
	"$NUMARING" export "$trace" "$@" --to csv -o "$trace.tables" || fail "$what: export to CSV"
	out=$("$NUMARING" cat --json "$trace" "$@" | reader compare.mjs "$trace.parquet" "$trace.tables") ||
		fail "$what: values differ"
	echo "$what: $out"
}

"$TABLES" odd || fail "no trace was made"
compare "all kinds of fields" odd
equal "names of files" "$(cd odd.parquet && printf '%s\n' *.parquet | grep -v nnn | LC_ALL=C sort | paste -sd' ')" \
	"Small-2.parquet group-name.parquet kinds.parquet note.parquet nothing.parquet numaring-raw.parquet small.parquet"

"$TABLES" many many || fail "no trace was made"
compare "row groups" many -n 280000

# Readers leave out row groups by their least and greatest times.
equal "row groups that a time can be in" "$(reader query.mjs many.parquet <<<"select count(*) from parquet_metadata('small.parquet')
	where path_in_schema = 'time' and stats_min_value <= (select min(time) from 'small.parquet')::varchar" | tail -n 1)" 1
equal "the lost of a file" "$(reader query.mjs odd.parquet <<<"select decode(value) from parquet_kv_metadata('kinds.parquet')
	where decode(key) = 'numaring.lost'" | tail -n 1)" 4294967295
equal "files open at a time" "$( (ulimit -n 300 && "$NUMARING" export many -n 280000 --to parquet -o few) && diff -r many.parquet few && echo same)" same

if why=$(no_bpf); then
	echo "note: no recording was tried: $why"
	finish
fi
# Processes that wake each other through pipes.
"$NUMARING" record -e sched,syscalls,irq,exec,sample -o all -- \
	sh -c 'timeout 1 cat /dev/zero | head -c 3M | tr "\0" x | md5sum; cat /proc/self/maps' >/dev/null 2>record.err ||
	fail "record: $(cat record.err)"
compare "a recording" all -n 40000
finish
