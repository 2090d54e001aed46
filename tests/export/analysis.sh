#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The SQL of docs/analysis.md, with DuckDB on a recording of this machine.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/readers.sh"
page=$(realpath "$(dirname "$0")/../../docs/analysis.md")
need_bpf
install_readers
scratch

# Tasks that wait, fault, move to another CPU and, if there can be a loop device, use a disk.
truncate -s 1M image
if disk=$(losetup -f --show image 2>/dev/null); then
	trap 'losetup -d "$disk"; rm -rf "$dir"' EXIT
else
	echo "note: no loop device, so no disk was used"
fi
"$NUMARING" record -e sched,syscalls,block,memory -o trace -- bash -c '
	last=$(nproc --all)
	for cpu in 0 $((last - 1)); do taskset -c $cpu sleep 0.01 & taskset -pc $cpu $$; done
	for _ in 1 2 3; do timeout 0.2 sh -c "while :; do :; done" & done
	dd if="$1" of=/dev/null iflag=direct bs=64k; wait' - "${disk:-image}" >/dev/null 2>record.err ||
	fail "record: $(cat record.err)"
"$NUMARING" export trace --to parquet -o tables || fail "export"

awk '/^```sql$/ { n++; file = sprintf("%02d.sql", n); next } /^```$/ { file = "" } file { print > file }' "$page"
check "at least five questions" test "$(ls ./*.sql | wc -l)" -ge 5
for question in *.sql; do
	table=$(grep -o "'[a-z_]*\.parquet'" "$question" | head -n 1 | tr -d "'")
	if [ ! -e "tables/$table" ]; then
		echo "note: no event for $table here"
		continue
	fi
	reader query.mjs "$PWD/tables" <"$question" >answer || fail "$question: $(cat "$question")"
	check "$question, $table: an answer" test "$(wc -l <answer)" -ge 2
done
finish
